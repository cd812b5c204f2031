"""Routing rules at work: suggestions are kept, drafts tried and published, the system gives out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from accounts.models import Organisation
from cases.fields import HANDLING_KINDS
from cases.models import Case, SubOrder
from cases.services import case_act
from cases.services.verify import case_verify
from cases.workflow import State
from common.errors import DomainError
from components.models import CaseType
from components.services import component_update
from dispatch.models import AutomaticType, CaseRouting, PublishedRules, RoutingRule
from dispatch.routing.draft import draft_book
from dispatch.routing.dry_run import DryRun, dry_run
from dispatch.routing.facts import book_of, rules_in_force
from dispatch.routing.job import ASK_AGAIN, cases_route
from dispatch.routing.services import draft_take_back, rules_publish
from dispatch.routing.shares import cases_behind, shares
from dispatch.selectors import last_ten_like, suggest_department
from grid.models import Area, Jurisdiction
from tests.cast import NOW, Cast, Story


def rule(cast: Cast, code: str, **fields) -> RoutingRule:
    """Put a rule before all others of the draft."""
    types = fields.pop("types", [])
    if "lead_organisation" in fields:
        fields["lead_organisation"] = cast.bodies[fields["lead_organisation"]]
    fields.setdefault("lead_by", "organisation" if "lead_organisation" in fields else "nobody")
    place = RoutingRule.objects.earliest("position").position - 1
    row = RoutingRule.objects.create(city=cast.city, code=code, name=code, position=place, **fields)
    row.types.set(CaseType.objects.filter(code__in=types))
    return row


def publish(cast: Cast, **fields) -> PublishedRules:
    return rules_publish(city=cast.city, actor=cast.administrator_bai, now=NOW, **fields)


def suggested(case: Case, now=NOW) -> tuple[str | None, str]:
    case = Case.objects.get(pk=case.pk)
    found = suggest_department(case, now)
    decided = found.decision.rule
    return found.organisation and found.organisation.code, decided.code if decided else ""


def tried(cast: Cast, count: int) -> DryRun:
    """Try the draft on the newest cases, against what is in force."""
    draft, current = draft_book(cast.city), book_of(rules_in_force(cast.city.pk).pk)
    return dry_run(city=cast.city, draft=draft, current=current, count=count, now=NOW)


def lead_order(case: Case) -> SubOrder:
    return SubOrder.objects.filter(case=case, is_lead=True).latest("pk")


# ── the rules that ship ───────────────────────────────────────────────────────────────────────


def test_an_event_goes_to_the_smallest_ground_of_its_trade(cast):
    story = Story(cast)
    assert suggested(story.case) == ("sanitation", "city")
    street = cast.bodies["gudang"]
    Organisation.objects.filter(pk=street.pk).update(department_kind="sanitation")
    Jurisdiction.objects.create(
        organisation=street, function="handling", area=story.case.street, valid_from="2021-04-09"
    )
    assert suggested(story.case) == ("gudang", "territory-street")
    cells = Jurisdiction.objects.create(
        organisation=cast.bodies["sanitation"], function="handling", valid_from="2021-04-09"
    )
    cells.cells.add(story.case.cell)
    assert suggested(story.case) == ("sanitation", "territory-cells")
    cells.delete()
    Jurisdiction.objects.update(valid_to=NOW.date())  # a body whose ground ended is not the city's
    assert suggested(story.case) == ("sanitation", "city")


def test_a_component_goes_to_its_maintainer_then_its_owner(cast):
    story = Story(cast, type_code="C0305")
    Case.objects.filter(pk=story.case.pk).update(component=cast.component)
    changed = {"owner": cast.bodies["gardens"], "maintainer": cast.bodies["water"]}
    component_update(component_id=cast.component.pk, actor=None, on=NOW.date(), **changed)
    assert suggested(story.case) == ("water", "maintainer")
    Organisation.objects.filter(code="water").update(is_active=False)
    assert suggested(story.case) == ("gardens", "owner")


def test_an_owner_that_handles_no_cases_is_passed_by(cast):
    """A district's government may own a component; the door gives it no case."""
    story = Story(cast, type_code="C0305")
    Case.objects.filter(pk=story.case.pk).update(component=cast.component)
    none = cast.bodies["xihu"]
    changed = {"owner": none, "maintainer": none, "competent_body": none}
    component_update(component_id=cast.component.pk, actor=None, on=NOW.date(), **changed)
    body, rule_code = suggested(story.case)
    assert rule_code not in ("maintainer", "owner")
    run = tried(cast, count=10)
    assert not run.changes
    assert dict(run.used) == {rule_code: 1}
    assert body is None or Organisation.objects.get(code=body).kind in HANDLING_KINDS


def test_a_case_is_asked_about_with_one_query_and_named_with_a_second(
    cast, django_assert_num_queries
):
    case = Case.objects.select_related("type").get(pk=Story(cast).case.pk)
    suggest_department(case, NOW)
    with django_assert_num_queries(2):
        suggest_department(case, NOW)


def test_the_reason_names_rule_and_version_in_the_readers_language(cast):
    found = suggest_department(Story(cast).case, NOW)
    with override("en"):
        english = (
            "Answers for this trade in the whole city (rule “The city's department”, version 1)"
        )
        assert found.reason == english
    with override("zh-hans"):
        assert found.reason == "全市该专业的责任单位（规则“市级部门兜底”，第 1 版）"


def test_a_rule_that_names_another_trade_leaves_a_case_its_own(cast):
    story = Story(cast)
    rule(cast, "lamps", types=["C0305"], lead_by="territory", lead_trade="water")
    publish(cast)
    assert suggested(story.case) == ("sanitation", "city")


# ── what was suggested is kept ────────────────────────────────────────────────────────────────


def test_a_dispatch_keeps_what_was_suggested_and_whether_it_was_followed(cast):
    followed = Story(cast).walk_to(State.DISPATCHED)
    other = Story(cast, metres=5).walk_to(State.FILED)
    other.act("dispatch", cast.dispatcher_li, department="gardens")
    for story, is_followed in ((followed, True), (other, False)):
        order = lead_order(story.case)
        assert (order.suggested.code, order.routing_rule, order.rules_version) == (
            "sanitation",
            "city",
            1,
        )
        said = story.case.events.get(action="dispatch").data["routing"]
        assert said == {
            "version": 1,
            "rule": "city",
            "suggested": cast.bodies["sanitation"].pk,
            "is_followed": is_followed,
        }
        assert case_verify(story.case) == []


def test_rework_by_another_department_and_urgent_ones_are_kept_too(cast):
    urgent = Story(cast)
    urgent.act("dispatch_urgent", cast.dispatcher_li)
    assert lead_order(urgent.case).routing_rule == "city"
    again = Story(cast, metres=5).walk_to(State.REWORK)
    again.act("dispatch", cast.dispatcher_li, department="gardens", reason="转园林")
    assert lead_order(again.case).organisation.code == "gardens"
    assert lead_order(again.case).suggested.code == "sanitation"


def test_what_a_client_claims_was_suggested_is_not_taken(cast):
    story = Story(cast).walk_to(State.FILED)
    story.act("dispatch", cast.dispatcher_li, department="gardens", routing={"rule": "mine"})
    assert lead_order(story.case).routing_rule == "city"


def test_shares_are_counted_by_rule_and_every_count_has_its_cases(cast):
    for number in range(3):
        Story(cast, metres=number).walk_to(State.DISPATCHED)
    other = Story(cast, metres=4).walk_to(State.FILED)
    other.act("dispatch", cast.dispatcher_li, department="gardens")
    back = Story(cast, metres=6).walk_to(State.DISPATCHED)
    back.act("request_return", cast.clerk_sun)
    back.act("approve_return", cast.dispatcher_li)
    span = (cast.city, NOW - timedelta(days=1), NOW + timedelta(days=1))
    (share,) = shares(*span)
    assert (share.rule, share.given_out, share.followed, share.not_followed) == ("city", 5, 4, 1)
    assert (share.followed_ratio, share.returned_ratio) == (0.8, 0.25)
    for part in ("followed", "not_followed", "returned", "nobody", "by_system"):
        listed = cases_behind(*span, rule="city", part=part)
        assert listed.count() == getattr(share, part), part
    assert list(cases_behind(*span, rule=None, part="returned")) == [back.case]
    assert shares(cast.city, NOW - timedelta(days=9), NOW - timedelta(days=1)) == []


def test_where_the_last_ones_like_it_went(cast):
    first = Story(cast).walk_to(State.DISPATCHED)
    second = Story(cast, metres=5).walk_to(State.FILED)
    second.act("dispatch", cast.dispatcher_li, department="gardens")
    back = Story(cast, metres=9).walk_to(State.DISPATCHED)
    back.act("request_return", cast.clerk_sun)
    back.act("approve_return", cast.dispatcher_li)
    Story(cast, metres=12, type_code="E0204").walk_to(State.DISPATCHED)
    found = last_ten_like(Story(cast, metres=15).case, cast.dispatcher_li)
    said = [(row.organisation.code, row.count, row.returned_count) for row in found]
    assert said == [("sanitation", 2, 1), ("gardens", 1, 0)]
    assert {case.pk for case in found[0].cases} == {first.case.pk, back.case.pk}
    assert last_ten_like(first.case, cast.dispatcher_gongshu) == []


# ── drafts and versions ───────────────────────────────────────────────────────────────────────


def test_a_draft_changes_nothing_before_it_is_published(cast):
    case = Story(cast).case
    rule(cast, "leaves", lead_organisation="gardens", types=["E0102"])
    assert suggested(case) == ("sanitation", "city")
    assert publish(cast, note="绿化").number == 2
    assert suggested(case) == ("gardens", "leaves")
    assert publish(cast).number == 2  # nothing changed: no new version


def test_a_published_version_is_never_changed(cast):
    rules = rules_in_force(cast.city.pk)
    for change in (rules.save, rules.delete):
        with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
            change()


def test_a_version_is_taken_back_into_the_draft(cast):
    before = draft_book(cast.city)
    rule(
        cast,
        "night",
        lead_organisation="gardens",
        types=["E0102"],
        sources=["hotline"],
        from_time="22:00",
        to_time="06:00",
        valid_from="2026-01-01",
    )
    publish(cast)
    with_night = draft_book(cast.city)
    draft_take_back(city=cast.city, number=1)
    assert draft_book(cast.city).rules == before.rules
    draft_take_back(city=cast.city, number=2)
    assert draft_book(cast.city).rules == with_night.rules
    with pytest.raises(DomainError) as refused:
        draft_take_back(city=cast.city, number=9)
    assert refused.value.code == "not_found"


def test_a_draft_edited_or_published_meanwhile_is_not_published(cast):
    current = rules_in_force(cast.city.pk)
    rule(cast, "late", lead_organisation="gardens")
    for seen in ({"digest": current.digest, "number": 1}, {"number": 7}):
        with pytest.raises(DomainError) as refused:
            publish(cast, **seen)
        assert refused.value.code == "stale_version"
    assert PublishedRules.objects.count() == 1


def test_a_rule_that_names_a_dead_organisation_is_not_published(cast):
    rule(cast, "dead", lead_organisation="gardens")
    Organisation.objects.filter(code="gardens").update(is_active=False)
    with pytest.raises(DomainError) as refused:
        publish(cast)
    assert refused.value.code == "rules_unusable"
    assert "gardens" in refused.value.fields["rules"][0]


def test_an_organisation_that_dies_later_is_passed_over_and_that_is_said(cast):
    case = Story(cast).case
    rule(cast, "leaves", lead_organisation="gardens", types=["E0102"])
    publish(cast)
    Organisation.objects.filter(code="gardens").update(is_active=False)
    assert suggested(case) == ("sanitation", "city")
    assert "gardens" in suggest_department(case, NOW).passed_over[0]


def test_contracts_hours_and_days_of_rest_count_at_the_moment_of_giving_out(cast):
    case = Story(cast).case
    night = {"from_time": "22:00", "to_time": "06:00"}
    rule(cast, "night", lead_organisation="gardens", valid_to="2026-04-01", **night)
    rule(cast, "sunday", lead_organisation="water", day_kind="rest")
    publish(cast)
    at_night = NOW + timedelta(hours=13)  # Monday 23:00
    assert suggested(case) == ("sanitation", "city")
    assert suggested(case, at_night) == ("gardens", "night")
    assert suggested(case, NOW + timedelta(days=6)) == ("water", "sunday")  # Sunday 10:00
    assert suggested(case, at_night + timedelta(days=17)) == ("sanitation", "city")  # 2 April


# ── the dry run ───────────────────────────────────────────────────────────────────────────────


def answers(cast: Cast) -> dict[int, tuple[str | None, str]]:
    return {case.pk: suggested(case) for case in Case.objects.filter(type__isnull=False)}


def test_publishing_changes_exactly_what_the_dry_run_showed(cast):
    places = ("E0102", "E0204", "C0305", "E0102")
    stories = [Story(cast, type_code=code, metres=3 * n) for n, code in enumerate(places)]
    Story(cast, type_code=None)  # no type yet: no rule is asked
    stories[0].walk_to(State.DISPATCHED)
    Case.objects.filter(pk=stories[2].case.pk).update(component=cast.component)
    bodies = {"owner": cast.bodies["gardens"], "maintainer": cast.bodies["water"]}
    component_update(component_id=cast.component.pk, actor=None, on=NOW.date(), **bodies)
    Organisation.objects.filter(code="water").update(is_active=False)
    rule(cast, "leaves", lead_organisation="gardens", types=["E0102"])
    rule(cast, "unclear", types=["C0305"])
    before = answers(cast)
    run = tried(cast, count=200)
    assert run.asked == len(before) == 4
    assert answers(cast) == before  # trying changes nothing
    publish(cast)
    after = answers(cast)
    shown = {row.case.pk: (row.before.rule, row.after.rule) for row in run.changes}
    assert shown == {
        pk: (before[pk][1], after[pk][1]) for pk in before if before[pk][0] != after[pk][0]
    }
    assert len(shown) == 3
    names = {pk: body.code for pk, body in run.bodies.items()} | {None: None}
    assert sorted((names[b], names[a] or "", count) for b, a, count in run.moves) == [
        ("gardens", "", 1),
        ("sanitation", "gardens", 2),
    ]
    assert (run.followed_before, run.followed) == (1, 0)


def test_the_dry_run_asks_a_place_once(cast):
    for number in range(6):
        Story(cast, metres=number / 4)
    draft, current = draft_book(cast.city), book_of(rules_in_force(cast.city.pk).pk)
    with_six = queries_of(lambda: dry_run(
        city=cast.city, draft=draft, current=current, count=200, now=NOW))  # fmt: skip
    with_two = queries_of(lambda: dry_run(
        city=cast.city, draft=draft, current=current, count=2, now=NOW))  # fmt: skip
    assert with_six == with_two


def queries_of(act) -> int:
    with CaptureQueriesContext(connection) as captured:
        act()
    return len(captured)


# ── the system's own part ─────────────────────────────────────────────────────────────────────


def automatic(cast: Cast) -> None:
    rule(cast, "leaves", lead_organisation="gardens", types=["E0102"], is_automatic=True)
    publish(cast)


def test_a_rule_marked_for_it_is_followed_by_the_system_through_the_door(cast):
    automatic(cast)
    story, other = Story(cast).walk_to(State.FILED), Story(cast, metres=4, type_code="E0204")
    other.walk_to(State.FILED)
    assert cases_route(now=NOW) == (2, 1)
    case = Case.objects.get(pk=story.case.pk)
    assert (case.state, case.department.code) == ("dispatched", "gardens")
    event = case.events.get(action="dispatch")
    assert (event.actor, event.role, event.data["routing"]["rule"]) == (None, "SYS", "leaves")
    assert lead_order(case).dispatched_by is None
    assert case_verify(case) == []
    assert cases_route(now=NOW) == (0, 0)  # a second run finds nothing to do
    (share,) = shares(cast.city, NOW - timedelta(1), NOW + timedelta(1))
    assert (share.by_system, share.followed) == (1, 1)


def test_a_type_marked_for_it_is_given_out_whatever_rule_applies(cast):
    AutomaticType.objects.create(city=cast.city, type=CaseType.objects.get(code="E0102"))
    publish(cast)
    story = Story(cast).walk_to(State.FILED)
    assert cases_route(now=NOW) == (1, 1)
    assert Case.objects.get(pk=story.case.pk).department.code == "sanitation"


def test_the_system_gives_out_nothing_else_and_nothing_twice(cast):
    story = Story(cast).walk_to(State.FILED)
    assert story.refused("dispatch", None).code == "not_possible"  # no rule says so
    automatic(cast)
    assert story.refused("dispatch", None, department="water").code == "not_possible"
    cases_route(now=NOW)
    story.case.refresh_from_db()
    story.act("request_return", cast.clerk_hua)
    story.act("approve_return", cast.dispatcher_li)
    assert cases_route(now=NOW) == (1, 0)  # a person decides now
    assert story.refused("dispatch", None, department="gardens").code == "not_possible"


def test_what_nobody_answers_for_is_noted_and_leaves_with_the_rules_or_the_case(cast):
    rule(cast, "unclear", types=["E0102"])
    publish(cast)
    story = Story(cast).walk_to(State.FILED)
    cases_route(now=NOW)
    assert CaseRouting.objects.get(case=story.case).organisation is None
    draft_take_back(city=cast.city, number=1)
    publish(cast)
    cases_route(now=NOW)
    assert CaseRouting.objects.get(case=story.case).organisation.code == "sanitation"
    story.act("dispatch", cast.dispatcher_li)
    cases_route(now=NOW)
    assert not CaseRouting.objects.exists()


def test_every_filed_case_is_asked_about_again_after_a_while(cast):
    story = Story(cast).walk_to(State.FILED)
    cases_route(now=NOW)
    Organisation.objects.filter(code="sanitation").update(is_active=False)
    assert cases_route(now=NOW + timedelta(seconds=5)) == (0, 0)
    cases_route(now=NOW + ASK_AGAIN + timedelta(seconds=5))
    assert CaseRouting.objects.get(case=story.case).organisation is None


def test_a_worker_that_dies_leaves_no_half_and_the_next_goes_on(cast, monkeypatch):
    automatic(cast)
    stories = [Story(cast, metres=3 * number).walk_to(State.FILED) for number in range(3)]
    calls = []

    def die_at_the_second(**fields):
        calls.append(fields["case_id"])
        case = case_act(**fields)
        if len(calls) == 2:
            raise KeyboardInterrupt  # between the act and its commit
        return case

    monkeypatch.setattr("dispatch.routing.job.case_act", die_at_the_second)
    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        cases_route(now=NOW)
    monkeypatch.undo()
    cases_route(now=NOW)
    for story in stories:
        assert story.case.events.filter(action="dispatch").count() == 1
    assert calls == [story.case.pk for story in stories[:2]]  # the most urgent first


def test_without_rules_every_case_stands_in_the_queue_of_what_nobody_answers_for(cast):
    story = Story(cast).walk_to(State.FILED)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE dispatch_publishedrules DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM dispatch_publishedrules")
        cursor.execute("ALTER TABLE dispatch_publishedrules ENABLE TRIGGER USER")
    cases_route(now=NOW)
    assert CaseRouting.objects.get(case=story.case).organisation is None
    story.act("dispatch", cast.dispatcher_li)
    assert lead_order(story.case).rules_version is None


def test_no_area_is_needed_for_a_rule_and_one_is_enough(cast):
    case = Story(cast).case
    row = rule(cast, "here", lead_organisation="water")
    row.areas.add(case.district)
    publish(cast)
    assert suggested(case) == ("water", "here")
    row.areas.set([Area.objects.exclude(pk=case.district_id).filter(level="district").first()])
    publish(cast)
    assert suggested(case) == ("sanitation", "city")
