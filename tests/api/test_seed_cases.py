"""Made-up histories: the same tables, the same constraints, chains that verify."""

from collections import Counter
from datetime import date, timedelta
from random import Random

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import Count, F, Q
from django.utils import translation

from accounts.models import City
from cases.models import (
    ApprovalRequest,
    Case,
    CaseClock,
    CaseEvent,
    EventOutbox,
    EventText,
    FieldTask,
    NumberCounter,
    SubOrder,
)
from cases.seeding.life import Life
from cases.seeding.load import Loader, Plan, cases_seed
from cases.seeding.scripts import Play
from cases.seeding.timeline import from_datetime
from cases.seeding.world import CityNotReady, World, read_world
from cases.services.clocks import CLOCK_OF_STATE
from cases.services.verify import verify_history
from cases.workflow import OPEN_STATES, State, arrows_from
from live.models import EventPosition
from live.services import events_number
from tests.cast import NOW, Story
from tests.databases import filled
from tests.matrix.invariants import check_case

PLAN = Plan(seed=7, count=420, days=60, until=date(2026, 3, 16))


def seed(plan: Plan = PLAN) -> int:
    city = City.objects.get()
    return sum(cases_seed(city=city, plan=plan, number_events=events_number))


@filled("cast")
def seeded(cast):
    assert seed() == PLAN.count


def test_seeded_histories_are_whole(seeded):
    assert list(verify_history()) == []
    assert Case.objects.count() == PLAN.count
    assert EventText.objects.filter(event__action="report").count() == PLAN.count


def test_seeded_cases_are_where_the_table_allows(seeded):
    """Every step is a row of the table, from the state the step before it left."""
    for case in Case.objects.all():
        state = None
        for event in case.events.exclude(action="report"):
            old, new = State(event.old_state), State(event.new_state)
            assert state is None or state is old
            if event.action == "take_in":
                continue
            targets = {row.target or old for row in arrows_from(old, event.action)}
            assert new in targets
            assert event.role in {p.value for r in arrows_from(old, event.action) for p in r.posts}
            state = new
        assert case.state == (state or State.REPORTED)


def test_seeded_cases_keep_every_invariant_of_the_door(seeded):
    for pk in Case.objects.values_list("pk", flat=True):
        check_case(pk)


def test_most_seeded_cases_are_closed_and_open_ones_spread(seeded):
    states = Counter(Case.objects.values_list("state", flat=True))
    assert states["closed"] > 0.85 * PLAN.count
    assert len(states.keys() & {state.value for state in OPEN_STATES}) >= 4
    assert Case.objects.filter(is_open=True, ended_at__isnull=False).count() == 0
    assert Case.objects.filter(is_open=False, ended_at=None).count() == 0


def test_seeded_numbers_fill_the_counters(seeded):
    counted = NumberCounter.objects.values_list("day", "last")
    assert sum(last for _day, last in counted) == PLAN.count
    assert len(counted) == PLAN.days


def test_seeded_events_stand_in_the_log_in_the_order_of_time(seeded):
    assert not EventOutbox.objects.exists()
    log = EventPosition.objects.order_by("position").values_list("position", "event__at")
    assert [position for position, _at in log] == list(range(1, CaseEvent.objects.count() + 1))
    moments = [at for _position, at in log]
    assert moments[:50] == sorted(moments[:50])


def test_seeded_clocks_add_up(seeded):
    running = CaseClock.objects.filter(stopped_at=None)
    assert not running.filter(case__is_open=False).exists()
    for case in Case.objects.filter(is_open=True):
        kind = CLOCK_OF_STATE.get(case.current_state)
        clock = running.filter(case=case, kind=kind or "", run=case.run).first()
        shown = (clock.due_at, clock.warn_at) if clock else (None, None)
        assert (case.due_at, case.warn_at) == shown
        assert case.clock_kind == (kind or "")
        assert running.filter(case=case, kind="whole").count() == 1
    assert not CaseClock.objects.filter(stopped_at__lt=F("started_at")).exists()


def test_seeded_work_has_one_holder(seeded):
    open_cases = Case.objects.filter(is_open=True).annotate(
        tasks=Count("field_tasks", Q(field_tasks__ended_at=None), distinct=True),
        leads=Count("sub_orders", Q(sub_orders__ended_at=None), distinct=True),
    )
    for case in open_cases:
        in_field = case.state in (State.CONFIRMING, State.CHECKING)
        assert (case.tasks, case.collector_id is not None) == (int(in_field), in_field)
        assert case.leads == int(case.department_id is not None)
    assert not FieldTask.objects.filter(case__is_open=False, ended_at=None).exists()
    assert not SubOrder.objects.filter(case__is_open=False, ended_at=None).exists()
    assert not ApprovalRequest.objects.filter(case__is_open=False, status="open").exists()


def shape(case: Case) -> dict[str, object]:
    """Return what a history is made of, without who, where and when."""
    events = case.events.values_list("action", "role", "old_state", "new_state", "run")
    clocks = case.clocks.order_by("started_at", "kind")
    return {
        "events": list(events),
        "data": [sorted(data) for data in case.events.values_list("data", flat=True)],
        "clocks": sorted(clocks.values_list("kind", "outcome", "run")),
        "known": sorted(
            (clock.kind, *(name for name in CLOCK_FACTS if getattr(clock, name) is not None))
            for clock in clocks
        ),
        "orders": list(case.sub_orders.values_list("is_lead", "outcome")),
        "tasks": list(case.field_tasks.values_list("kind", "outcome")),
        "case": sorted(name for name in CASE_FACTS if getattr(case, name)),
    }


CLOCK_FACTS = (
    "organisation_id",
    "person_id",
    "limit_value",
    "standard_id",
    "stage_limit_id",
    "calendar_version_id",
    "warn_at",
    "due_at",
    "original_due_at",
    "paused_at",
    "remaining",
    "stopped_at",
    "actual_end_at",
)
CASE_FACTS = (
    "type_id",
    "description",
    "address",
    "standard_id",
    "profile",
    "limit_value",
    "limit_unit",
    "closing_conditions",
    "desk_id",
    "department_id",
    "collector_id",
    "routing_reason",
    "handled_at",
    "ended_at",
    "clock_kind",
    "history_head",
)


NOT_SEEDED = {"photos", "routing"}  # no files, and no rules that suggested a department


def seeded_part(shape: dict[str, object]) -> dict[str, object]:
    return {**shape, "data": [[n for n in names if n not in NOT_SEEDED] for names in shape["data"]]}


ROAD = ("accept", "file", "dispatch", "sign", "complete", "send_check", "check_pass", "close")


ACTORS = {
    "accept": "acceptor_wang",
    "file": "supervisor_zhao",
    "dispatch": "dispatcher_li",
    "sign": "clerk_sun",
    "complete": "clerk_sun",
    "send_check": "acceptor_wang",
    "check_pass": "collector_lin",
    "close": "supervisor_zhao",
}


def test_a_seeded_case_looks_like_one_that_went_through_the_door(cast):
    story, world = Story(cast), read_world(cast.city, PLAN.day(0), PLAN.until)
    for length in range(len(ROAD) + 1):
        for action in ROAD[length - 1 : length]:
            story.act(action, cast.people[ACTORS[action]])
        made = made_case(world, ROAD[:length])
        assert seeded_part(shape(made)) == seeded_part(shape(story.case)), ROAD[:length]


def made_case(world: World, road: tuple[str, ...]) -> Case:
    random = Random(1)
    life = Life(
        world,
        random,
        kind=next(kind for kind in world.kinds if kind.code == "E0102"),
        spot=world.spots[0],
        source="collector",
        urgency="normal",
        reporter=world.collectors[0],
        reported_at=from_datetime(NOW),
        description="路边有一堆垃圾",
        request_ids=[],
    )
    life.number = f"202603160001{len(road)}"
    life.report("COL", "")
    Play(world, random, life).run(road, until=from_datetime(NOW + timedelta(days=400)))
    life.chain()
    Loader(world, PLAN, events_number).copy([life])
    return Case.objects.get(number=life.number)


def test_seeded_cases_go_on_through_the_door(seeded):
    case = Case.objects.filter(state=State.REPORTED.value).first()
    Story(seeded, case=case).act("accept", seeded.acceptor_wang)
    assert list(verify_history()) == []


def test_the_same_again_adds_nothing(seeded):
    assert seed() == 0
    assert seed(Plan(8, 60, 60, PLAN.until)) == 60
    assert list(verify_history()) == []


def test_an_interrupted_run_goes_on(cast):
    world = read_world(cast.city, PLAN.day(0), PLAN.until)
    assert Loader(world, PLAN, events_number).load_day(5) == PLAN.cases_on(5)
    assert seed() == PLAN.count - PLAN.cases_on(5)
    assert list(verify_history()) == []


def test_numbers_follow_those_of_real_cases(cast):
    story = Story(cast, now=NOW - timedelta(days=1))
    seed()
    assert story.case.number.endswith("00001")
    assert list(verify_history()) == []


def test_the_same_seed_makes_the_same_lives(cast):
    def lives() -> list[tuple]:
        with transaction.atomic():
            seed()
            rows = CaseEvent.objects.order_by("case__number", "sequence")
            made = list(rows.values_list("case__number", "action", "actor_id", "at", "new_state"))
            transaction.set_rollback(True)
        return made

    assert lives() == lives()


def test_a_database_that_people_use_is_refused(cast):
    with pytest.raises(CommandError, match="People may use this database"):
        call_command("seed_cases", count=10)
    assert not Case.objects.exists()


def test_a_benchmark_database_is_filled(cast, capsys):
    call_command("seed_cases", count=30, days=30, until=date(2026, 3, 16), consent=True)
    assert Case.objects.count() == 30
    assert capsys.readouterr().out.startswith("30 cases added")
    call_command("seed_cases", count=30, consent=True)  # on another day, without saying which
    assert Case.objects.count() == 30


def test_a_city_without_people_is_refused_with_a_sentence(mini_city):
    with translation.override("en"):
        with pytest.raises(CityNotReady, match="not ready"):
            read_world(mini_city, PLAN.day(0), PLAN.until)
        with pytest.raises(CommandError, match="not ready"):
            call_command("seed_cases", count=10, consent=True)
