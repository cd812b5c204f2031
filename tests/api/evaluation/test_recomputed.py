"""Every figure against a slow and plain recomputation, and the algebra that sums must obey."""

from __future__ import annotations

import os
from collections import Counter
from datetime import date, timedelta
from random import Random

from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Organisation
from cases.models import Case, CaseEvent
from cases.seeding.load import Plan, cases_seed
from cases.workflow import State
from components.models import CaseType
from evaluation.indicators import INDICATORS
from evaluation.measures import MEASURES, STORED
from evaluation.models import PLACES, DirtyDay, EvaluationPolicy, Fact
from evaluation.periods import Period, PeriodKind
from evaluation.selectors.behind import cases_behind
from evaluation.selectors.figures import figures, figures_by
from evaluation.selectors.scope import EVERYWHERE
from evaluation.services.appeals import (
    APPEALABLE,
    appeal_decide,
    appeal_file,
    appeal_reverse,
)
from evaluation.services.facts import READER, days_touch
from evaluation.services.rebuilding import facts_compare
from evaluation.services.sums import days_fold
from evaluation.story import FactKind
from grid.models import GridCell
from live.readers import reader_run
from live.services import events_number, events_sequence
from tests.api.evaluation.naive import Naive
from tests.cast import NOW, Story
from tests.databases import filled

IS_FULL = os.environ.get("FULL_SIZE") == "1"
PLAN = Plan(seed=11, count=1200 if IS_FULL else 300, days=50, until=date(2026, 3, 16))
ALL_OF_IT = Period(date(2026, 1, 1), date(2026, 7, 1), PeriodKind.YEAR)
LATER = NOW + timedelta(days=200)
# What needs other cases, or is open: tested by hand elsewhere.
BY_HAND = {"repeated", "missed", "satisfied", "handling_open_late", "open_late"}
SUMS = [measure.key for measure in STORED]


@filled("cast")
def city_life(cast):
    """Made-up cases with every exception, and their facts."""
    seeded = cases_seed(city=cast.city, plan=PLAN, number_events=events_number)
    assert sum(seeded) == PLAN.count
    story = Story(cast).walk_to(State.SUSPENDED)  # one in hundreds comes so far by itself
    story.act("resume", cast.dispatcher_li)
    events_sequence()
    reader_run(reader=READER, now=NOW)


def nonzero(counts: dict) -> dict:
    return {key: value for key, value in counts.items() if value}


def flat(found: dict) -> dict:
    """Return {(measure, *key): count} of what figures return."""
    return {
        (measure, *key): count
        for key, counts in found.items()
        for measure, count in counts.items()
        if count and measure not in BY_HAND
    }


def test_figures_are_those_of_a_plain_recomputation_from_the_events(city_life):
    actions = set(CaseEvent.objects.values_list("action", flat=True))
    assert {"approve_return", "approve_extension", "approve_suspension", "approve_void", "merge",
            "refuse", "check_fail", "reopen", "ask_confirmation", "resume"} <= actions  # fmt: skip
    naive = Naive()
    naive.read(Case.objects.order_by("pk").values_list("pk", flat=True))

    def counted(*by: str) -> dict:
        return flat(figures(indicators=INDICATORS, by=by, period=ALL_OF_IT, now=LATER))

    for _round in ("from facts", "from sums"):
        assert counted("person", "organisation") == nonzero(naive.counts)
        assert counted("day") == nonzero(naive.by_day)
        codes = dict(CaseType.objects.values_list("pk", "code"))
        by_type = {(m, codes[pk]): count for (m, pk), count in counted("type").items()}
        assert by_type == nonzero(naive.by_type)
        assert DirtyDay.objects.exists() == (_round == "from facts")
        while days_fold(now=LATER):
            pass
    assert list(facts_compare()) == []


def test_fifty_random_figures_open_lists_of_exactly_so_many_cases(city_life):
    random, tried = Random(5), 0
    while tried < 50:
        by = random.choice(["organisation", "person", "type", "cell", "district", "day"])
        first = date(2026, 1, 20) + timedelta(days=random.randrange(50))
        period = Period.of(random.choice(["day", "week", "month", "quarter"]), first)
        found = figures_by(by, indicators=INDICATORS, period=period, now=NOW)
        filled = [(k, m) for k, c in found.items() for m in c if c[m] and not MEASURES[m].adds]
        if filled:
            key, measure = random.choice(filled)
            scope = EVERYWHERE.narrowed(by, key)
            behind = cases_behind(measure, period=period, now=NOW, scope=scope)
            assert behind.count() == found[key][measure], (by, key, measure, period)
            tried += 1


# ── algebra ───────────────────────────────────────────────────────────────────────────────────

FACT = st.tuples(
    st.sampled_from([kind.value for kind in FactKind]),
    st.sampled_from(["done", "unsolved", "recalled", "annulled", ""]),
    st.booleans(),
    st.integers(0, 5),  # cell
    st.integers(-1, 3),  # organisation; -1: nobody
    st.integers(0, 2),  # day
    st.sampled_from(["collector", "hotline", "sensor"]),
)


def store(case: Case, cells: list[GridCell], bodies: list[int], rows: list[tuple]) -> None:
    """Write facts of these shapes, in this order."""
    facts = []
    for number, (kind, outcome, is_late, cell, body, day, source) in enumerate(rows, 1):
        where = cells[cell % len(cells)]
        street = where.community.parent
        facts.append(
            Fact(
                id=number * PLACES,
                position=number,
                case=case,
                sequence=number,
                run=1,
                kind=kind,
                outcome=outcome,
                action="close",
                is_part=False,
                is_late=is_late,
                day=date(2026, 2, 1) + timedelta(days=day),
                happened_at=NOW,
                used_seconds=day * 60,
                organisation_id=bodies[body] if body >= 0 else None,
                source=source,
                cell=where,
                cell_code=where.code,
                community=where.community,
                street=street,
                district=street.parent,
            )
        )
    Fact.objects.bulk_create(facts)
    days_touch({fact.day for fact in facts})


ALGEBRA = settings(
    max_examples=40 if IS_FULL else 3,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)


@ALGEBRA
@given(rows=st.lists(FACT, max_size=30), shuffled=st.randoms(use_true_random=False))
def test_sums_add_up_whatever_the_facts_and_their_order(cast, rows, shuffled):
    case = Case.objects.first() or Story(cast).case
    kinds = GridCell.objects.select_related("community__parent__parent").order_by("pk")
    cells = [kinds.filter(community=c).first() for c in {
        cell.community_id: cell.community for cell in kinds}.values()][:6]  # fmt: skip
    bodies = list(Organisation.objects.order_by("pk").values_list("pk", flat=True)[:4])

    def totals(by: str, order: list[tuple]) -> list[Counter]:
        """By object, then all of them together: from facts, and from sums."""
        found = []
        with transaction.atomic():
            store(case, cells, bodies, order)
            for _round in range(2):
                each = figures_by(by, indicators=INDICATORS, period=ALL_OF_IT, now=LATER)
                found.append({key: nonzero(counts) for key, counts in each.items()})
                while days_fold(now=LATER):
                    pass
            transaction.set_rollback(True)
        assert found[0] == found[1]
        return found[0]

    def added(each: dict) -> Counter:
        total: Counter = Counter()
        for counts in each.values():
            total.update(counts)
        return total

    other = list(rows)
    shuffled.shuffle(other)
    by_cell, by_district = totals("cell", rows), totals("district", rows)
    assert totals("cell", other) == by_cell
    assert added(by_cell) == added(by_district) == added(totals("organisation", rows))
    parents = {cell.pk: cell.community for cell in cells}
    of_community = totals("community", rows)
    for level, each in (("community", of_community), ("street", totals("street", rows))):
        for key, counts in each.items():
            below = {
                cell: found
                for cell, found in by_cell.items()
                if key == (parents[cell] if level == "community" else parents[cell].parent).pk
            }
            assert added(below) == counts


APPEAL = st.tuples(
    st.integers(0, 10_000),  # which fact
    st.sampled_from(["not_late", "not_ours"]),
    st.sampled_from([None, "water", "gudang"]),  # to whom it is charged then
    st.booleans(),  # upheld
    st.integers(0, 5),  # when it is reversed, among the others
)


@ALGEBRA
@given(appeals=st.lists(APPEAL, min_size=1, max_size=6))
def test_appeals_and_their_reversals_in_any_order_leave_everything_as_before(city_life, appeals):
    heads = {city_life.bodies[code].pk: city_life.people[name] for code, name in (
        ("sanitation", "head_qian"), ("gardens", "head_shu"))}  # fmt: skip
    facts = Fact.objects.filter(kind__in=APPEALABLE, organisation__in=heads)
    pool = list(facts.exclude(outcome="annulled").order_by("pk"))  # those count nowhere
    late = [fact for fact in pool if fact.is_late]
    assert late

    def everything() -> list[dict]:
        dimensions = ((), ("organisation",), ("person",), ("street",), ("type",), ("day",))
        found = (
            figures(indicators=INDICATORS, by=by, period=ALL_OF_IT, now=LATER) for by in dimensions
        )
        return [{k: nonzero(counts) for k, counts in each.items() if any(counts.values())}
                for each in found]  # fmt: skip

    with transaction.atomic():
        EvaluationPolicy.objects.update(appeal_days=3000)
        before, upheld = everything(), []
        for number, kind, charged_to, uphold, turn in appeals:
            some = late if kind == "not_late" else pool
            fact = some[number % len(some)]
            if fact.appeals.filter(state="upheld").exists():
                continue
            appeal = appeal_file(
                actor=heads[fact.organisation_id],
                fact_id=fact.pk,
                kind=kind,
                reason="停电",
                now=LATER,
            )
            appeal_decide(
                actor=city_life.inspector_he,
                appeal_id=appeal.pk,
                uphold=uphold,
                answer="属实",
                now=LATER,
                charged_to=city_life.bodies[charged_to] if charged_to else None,
            )
            if uphold:
                upheld.append((turn, appeal.pk))
        assert (everything() != before) == bool(upheld)
        for _turn, pk in sorted(upheld):
            appeal_reverse(actor=city_life.leader_tang, appeal_id=pk, now=LATER)
        assert everything() == before
        transaction.set_rollback(True)
