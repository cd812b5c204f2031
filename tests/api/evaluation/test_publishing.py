"""Published periods stay as they are; appeals count without changing facts; who may do what."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import User
from accounts.services import organisation_move
from cases.workflow import State
from common.errors import DomainError
from evaluation.frozen import digest
from evaluation.indicators import INDICATORS
from evaluation.models import (
    CounterEntry,
    EvaluationPeriod,
    EvaluationPolicy,
    Fact,
    FrozenRanking,
    Scorecard,
)
from evaluation.periods import Period
from evaluation.selectors.behind import cases_behind
from evaluation.selectors.figures import figures
from evaluation.selectors.published import published_ranking
from evaluation.selectors.scope import EVERYWHERE
from evaluation.services.appeals import appeal_decide, appeal_file, appeal_reverse
from evaluation.services.facts import READER
from evaluation.services.publishing import (
    evaluation_check,
    evaluation_open,
    evaluation_publish,
)
from evaluation.services.sums import days_fold
from grid.models import Jurisdiction
from grid.reorganisation.services import reorganisation_apply
from live.readers import reader_run
from live.services import events_sequence
from tests.api.test_reorganisation import district_merger, plan_of
from tests.cast import NOW, ROADS, Story
from tests.databases import filled

DAY = timedelta(days=1)
MARCH = Period.of("month", NOW.date())
APRIL_3 = NOW + 18 * DAY


def read() -> None:
    events_sequence()
    reader_run(reader=READER, now=NOW)


@filled("cast")
def march(cast):
    """A month with cases in time, late, reworked and still open."""
    for number, state in enumerate((State.CLOSED, State.CLOSED, State.REWORK, State.HANDLING)):
        story = Story(cast, metres=number * 9)
        for name, action in ROADS[state]:
            if action == "complete" and number == 1:
                story.now += 9 * DAY
            story.act(action, cast.people[name])
    read()


def close(cast, *, kind="month", day=MARCH.first, now=APRIL_3, reason="") -> EvaluationPeriod:
    draft = evaluation_open(actor=cast.inspector_he, kind=kind, day=day, now=now, reason=reason)
    checked = evaluation_check(actor=cast.inspector_he, evaluation_id=draft.pk, now=now)
    return evaluation_publish(
        actor=cast.leader_tang, evaluation_id=draft.pk, sha256=checked.sha256, now=now
    )


def contents(evaluation: EvaluationPeriod) -> dict[str, str]:
    return dict(evaluation.rankings.values_list("kind", "content"))


def counted(by=("organisation",), period=MARCH) -> dict:
    found = figures(indicators=list(INDICATORS), by=by, period=period, now=APRIL_3)
    return {
        key: {m: n for m, n in each.items() if n}
        for key, each in found.items()
        if any(each.values())
    }


def why(call, **kwargs) -> str:
    with pytest.raises(DomainError) as refused, transaction.atomic():
        call(**kwargs)
    return refused.value.code


def merge(cast, code: str, into: str) -> None:
    """Let a body go up in another: its people, its place in the tree, its contracts and ground."""
    old, new = cast.bodies[code], cast.bodies[into]
    User.objects.filter(organisation=old).update(organisation=new)
    Jurisdiction.objects.filter(organisation=old).update(organisation=new)
    organisation_move(organisation=old, parent=new)
    type(old).objects.filter(pk=old.pk).update(is_active=False, name=f"{new.name}（并入）")


def test_a_published_month_stays_byte_for_byte_whatever_comes_later(march):
    published = close(march)
    before = contents(published)
    assert len(before) == Scorecard.objects.values("kind").distinct().count()
    assert all(
        digest(text) == row.sha256
        for text, row in zip(
            before.values(), published.rankings.order_by("evaluation", "kind"), strict=True
        )
    )

    Story(march, metres=60).walk_to(State.CLOSED)  # late: of March, read after the freeze
    read()
    card = Scorecard.objects.get(kind="department")
    first, second = card.items.all()[:2]
    type(first).objects.filter(pk=first.pk).update(weight=second.weight)
    type(second).objects.filter(pk=second.pk).update(weight=first.weight)
    bodies = type(march.bodies["sanitation"]).objects
    bodies.filter(code="sanitation").update(name="城管局", name_en="Works")
    merge(march, "gardens", "sanitation")
    plan = plan_of(march, district_merger(march), date(2026, 4, 1))
    reorganisation_apply(reorganisation=plan, now=APRIL_3)
    published.refresh_from_db()
    assert contents(published) == before
    ranking = published_ranking("department", MARCH)
    for row in ranking.rows:
        scope = EVERYWHERE.narrowed("organisation", row.key)
        behind = cases_behind("handled", period=MARCH, now=APRIL_3, scope=scope, until=ranking.mark)
        assert behind.count() == row.counts.get("handled", 0), "its lists open what was known"

    supplement = close(march, reason="迟到的事实")
    assert supplement.number == 1
    assert contents(published) == before
    assert contents(supplement) != before
    assert "城管局" in contents(supplement)["department"]


def test_the_database_refuses_to_change_what_is_published(march):
    published = close(march)
    for change in (
        lambda: FrozenRanking.objects.filter(evaluation=published).update(content="{}"),
        lambda: FrozenRanking.objects.filter(evaluation=published).delete(),
        lambda: FrozenRanking.objects.create(evaluation=published, kind="x", content="", sha256=""),
        lambda: EvaluationPeriod.objects.filter(pk=published.pk).update(state="draft"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_frozen_figures_are_the_live_ones_of_the_moment(march):
    live = figures(
        indicators=["handling_in_time_rate"], by=("organisation",), period=MARCH, now=APRIL_3
    )
    published = close(march)
    rows = {row["key"]: row for row in json.loads(contents(published)["department"])["rows"]}
    for (key,), counts in live.items():
        if key in rows:
            frozen = {m: n for m, n in rows[key]["counts"].items() if m in counts}
            assert frozen == {m: n for m, n in counts.items() if n}


def test_who_may_close_a_period_and_in_which_order(march):
    he, tang = march.inspector_he, march.leader_tang
    early = {"kind": "month", "day": MARCH.first, "now": NOW}
    assert why(evaluation_open, actor=he, **early) == "not_possible"
    late = {**early, "now": APRIL_3}
    assert why(evaluation_open, actor=march.clerk_sun, **late) == "role_refused"
    draft = evaluation_open(actor=he, **late)
    assert why(evaluation_open, actor=he, **late) == "not_possible"
    step = {"evaluation_id": draft.pk, "now": APRIL_3}
    assert why(evaluation_publish, actor=tang, sha256="", **step) == "not_possible"
    assert why(evaluation_check, actor=tang, **step) == "role_refused"
    seen = evaluation_check(actor=he, **step).sha256
    assert why(evaluation_publish, actor=he, sha256=seen, **step) == "role_refused"
    Story(march, metres=80).walk_to(State.CLOSED)
    read()
    fresh = evaluation_check(actor=he, **step).sha256
    assert fresh != seen
    assert why(evaluation_publish, actor=tang, sha256=seen, **step) == "stale_version"
    evaluation_publish(actor=tang, sha256=fresh, **step)
    assert why(evaluation_publish, actor=tang, sha256=fresh, **step) == "stale_version"
    assert why(evaluation_check, actor=he, **step) == "stale_version"
    assert why(evaluation_open, actor=he, **late) == "not_possible", "nothing came"


def test_it_is_not_checked_while_facts_lag_behind(march):
    draft = evaluation_open(actor=march.inspector_he, kind="month", day=MARCH.first, now=APRIL_3)
    Story(march, metres=90)
    events_sequence()
    step = {"evaluation_id": draft.pk, "now": APRIL_3}
    assert why(evaluation_check, actor=march.inspector_he, **step) == "not_possible"
    read()
    Story(march, metres=95, now=APRIL_3)
    evaluation_check(actor=march.inspector_he, **step)  # what goes on today keeps nobody waiting


def test_what_comes_late_is_carried_into_the_next_period_where_the_city_says_so(march):
    EvaluationPolicy.objects.update(late_facts="next")
    close(march)
    Story(march, metres=70).walk_to(State.CLOSED)
    read()
    again = {"kind": "month", "day": MARCH.first, "now": APRIL_3}
    assert why(evaluation_open, actor=march.inspector_he, reason="迟", **again) == "not_possible"
    april = close(march, day=date(2026, 4, 1), now=NOW + 60 * DAY)
    carried = json.loads(contents(april)["department"])["carried"]
    assert carried[str(march.bodies["sanitation"].pk)]["handled"] == 1
    may = close(march, day=date(2026, 5, 1), now=NOW + 90 * DAY)
    assert json.loads(contents(may)["department"])["carried"] == {}, "once only"


# ── appeals ───────────────────────────────────────────────────────────────────────────────────


def late_fact() -> Fact:
    return Fact.objects.get(kind="handle", is_late=True)


def file_appeal(cast, kind="not_late", **more):
    given = {"actor": cast.head_qian, "fact_id": late_fact().pk, "reason": "停电", "now": APRIL_3}
    return appeal_file(kind=kind, **{**given, **more})


@pytest.mark.parametrize("is_folded", [False, True])
def test_an_appeal_and_its_reversal_leave_everything_as_before(march, is_folded, as_app_role):
    if is_folded:
        days_fold(now=APRIL_3)
    dimensions = (("organisation",), ("street",), ("person",), ("type",), ())
    before = [counted(by) for by in dimensions]
    appeal = file_appeal(march)
    decided = appeal_decide(
        actor=march.inspector_he, appeal_id=appeal.pk, uphold=True, answer="属实", now=APRIL_3
    )
    assert [counted(by) for by in dimensions] != before
    assert (
        decided.effect["before"]["handled_in_time"][0] + 1
        == (decided.effect["after"]["handled_in_time"][0])
    )
    assert Fact.objects.filter(is_late=True, kind="handle").count() == 1, "the fact stays"
    appeal_reverse(actor=march.leader_tang, appeal_id=appeal.pk, now=APRIL_3)
    assert [counted(by) for by in dimensions] == before
    assert sum(CounterEntry.objects.values_list("amount", flat=True)) == 0


def test_figures_and_the_lists_behind_them_agree_after_an_appeal(march):
    appeal = file_appeal(march, kind="not_ours")
    gardens, sanitation = march.bodies["gardens"], march.bodies["sanitation"]
    appeal_decide(
        actor=march.inspector_he,
        appeal_id=appeal.pk,
        uphold=True,
        answer="改判",
        now=APRIL_3,
        charged_to=gardens,
    )
    for body in (gardens, sanitation):
        scope = EVERYWHERE.narrowed("organisation", body.pk)
        for measure in ("handled", "handled_late", "handled_in_time", "handling_open_late"):
            behind = cases_behind(measure, period=MARCH, now=APRIL_3, scope=scope)
            figure = counted().get((body.pk,), {}).get(measure, 0)
            assert behind.count() == len(behind.rows()) == figure, (body.code, measure)
    assert counted()[(gardens.pk,)]["handled_late"] == 1


def test_who_may_appeal_and_who_may_decide(march):
    fact = late_fact()
    assert why(file_appeal, cast=march, actor=march.head_shu) == "not_found"
    assert why(file_appeal, cast=march, actor=march.acceptor_wang) == "not_found"
    assert why(file_appeal, cast=march, reason=" ") == "missing_field"
    assert why(file_appeal, cast=march, kind="anything") == "invalid"
    assert why(file_appeal, cast=march, now=NOW + 80 * DAY) == "not_possible"
    in_time = Fact.objects.filter(kind="handle", is_late=False).first()
    assert why(file_appeal, cast=march, fact_id=in_time.pk) == "not_possible"
    appeal = file_appeal(march)
    assert why(file_appeal, cast=march) == "not_possible", "one at a time"
    decide = {"appeal_id": appeal.pk, "uphold": True, "answer": "属实", "now": APRIL_3}
    assert why(appeal_decide, actor=march.head_qian, **decide) == "role_refused"
    march.inspector_he.organisation = march.bodies["sanitation"]
    assert why(appeal_decide, actor=march.inspector_he, **decide) == "same_person"
    assert (
        why(appeal_decide, actor=march.leader_tang, **{**decide, "answer": ""}) == "missing_field"
    )
    undo = {"actor": march.leader_tang, "appeal_id": appeal.pk, "now": APRIL_3}
    assert why(appeal_reverse, **undo) == "not_possible"
    appeal_decide(actor=march.leader_tang, **decide)
    assert why(appeal_decide, actor=march.leader_tang, **decide) == "not_possible"
    assert fact.appeals.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM evaluation_counterentry")


def test_an_appeal_after_publication_counts_in_the_supplement_only(march):
    published = close(march)
    before = contents(published)
    appeal = file_appeal(march)
    appeal_decide(
        actor=march.leader_tang, appeal_id=appeal.pk, uphold=True, answer="属实", now=APRIL_3
    )
    assert contents(published) == before
    assert contents(close(march, reason="申诉"))["department"] != before["department"]
