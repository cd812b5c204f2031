"""Districts join one after the other: which desk gets a case, and what a switch moves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from accounts.models import Organisation
from cases.errors import ActionRefused
from cases.models import Case, CaseClock, CaseEvent, DeskRule
from cases.services import case_act
from cases.workflow import State
from common.errors import LOCK_NOT_AVAILABLE, DomainError
from components.models import CaseType
from dispatch.models import DeskSwitch
from dispatch.rollout.services import desk_switch, desks_settle, switch_withdraw
from grid.models import Area
from tests.cast import NOW, Cast, Story
from tests.matrix.invariants import check_case

TODAY = timezone.localdate(NOW)


@pytest.fixture
def rule(cast: Cast) -> DeskRule:
    """Everything in the district of Xihu goes to its own desk."""
    xihu = Area.objects.get(code="330106", level=Area.Level.DISTRICT)
    return DeskRule.objects.create(city=cast.city, position=10, area=xihu, level="district")


class Locked(Exception):
    """What PostgreSQL says of a row that somebody else holds for too long."""

    pgcode = LOCK_NOT_AVAILABLE


def switch(cast: Cast, is_on: bool, code: str = "xihu", now=NOW, **changes) -> DeskSwitch:
    given = {"from_date": timezone.localdate(now), **changes}
    return desk_switch(actor=cast.administrator_bai, code=code, is_on=is_on, now=now, **given)


def desk_of(story: Story) -> str:
    return Case.objects.values_list("desk__code", flat=True).get(pk=story.case.pk)


# ── the rules ─────────────────────────────────────────────────────────────────────────────────


def test_without_a_rule_a_filed_case_stays_with_the_city(cast):
    assert desk_of(Story(cast).walk_to(State.FILED)) == "platform"


def test_a_rule_gives_a_filed_case_to_the_district(cast, rule):
    story = Story(cast).walk_to(State.ACCEPTED)
    assert desk_of(story) == "platform"
    story.act("file", cast.supervisor_zhao)
    assert desk_of(story) == "xihu"
    clock = CaseClock.objects.get(case=story.case, kind="dispatch")
    assert clock.organisation == cast.bodies["xihu"]  # charged to the desk that got it
    event = CaseEvent.objects.get(case=story.case, action="file")
    assert event.data["changed"]["desk"] == ["platform", "xihu"]


@pytest.mark.parametrize(
    ("change", "desk"),
    [
        ({"kind": "event"}, "xihu"),
        ({"kind": "component"}, "platform"),
        ({"type": "E0102"}, "xihu"),
        ({"type": "E0104"}, "platform"),
        ({"area": "330105"}, "platform"),  # the neighbouring district
        ({"area": None}, "xihu"),
        ({"is_active": False}, "platform"),
        ({"level": "city"}, "platform"),
    ],
)
def test_a_rule_fits_by_kind_type_and_area(cast, rule, change, desk):
    if "type" in change:
        change = {"type": CaseType.objects.get(code=change["type"])}
    if change.get("area"):
        change = {"area": Area.objects.get(code=change["area"], level=Area.Level.DISTRICT)}
    DeskRule.objects.update(**change)
    assert desk_of(Story(cast).walk_to(State.FILED)) == desk


def test_the_first_line_that_fits_decides(cast, rule):
    DeskRule.objects.create(city=cast.city, position=5, kind="event", level="city")
    assert desk_of(Story(cast).walk_to(State.FILED)) == "platform"


# ── a desk that does not work ─────────────────────────────────────────────────────────────────


def test_a_district_without_a_working_desk_has_its_cases_at_the_city(cast, rule):
    switch(cast, False)
    story = Story(cast).walk_to(State.FILED)
    assert desk_of(story) == "platform"
    refusal = story.refused("hand_down", cast.dispatcher_li, desk="xihu")
    assert (refusal.code, list(refusal.fields)) == ("invalid", ["desk"])
    assert story.act("hand_down", cast.dispatcher_li, desk="gongshu").desk.code == "gongshu"


def test_a_dead_organisation_gets_nothing_and_what_it_held_comes_home(cast, rule):
    held = Story(cast).walk_to(State.FILED)
    assert desk_of(held) == "xihu"
    Organisation.objects.filter(code="xihu").update(is_active=False)
    later = Story(cast, metres=5).walk_to(State.FILED)
    assert desk_of(later) == "platform"
    assert desks_settle(now=NOW) == 1
    assert desk_of(held) == "platform"
    assert desks_settle(now=NOW) == 0
    check_case(held.case.pk)


# ── switching ─────────────────────────────────────────────────────────────────────────────────


def test_switching_on_moves_what_waits_and_belongs_there_alone(cast, rule):
    switch(cast, False)
    waiting = [Story(cast, metres=number).walk_to(State.FILED) for number in range(3)]
    under_way = Story(cast, metres=5).walk_to(State.HANDLING)
    reported = Story(cast, metres=6)
    done = switch(cast, True)
    assert (done.moved_count, done.settled_at) == (3, NOW)
    assert [desk_of(story) for story in waiting] == ["xihu"] * 3
    assert [desk_of(story) for story in (under_way, reported)] == ["platform"] * 2
    for story in waiting:
        check_case(story.case.pk)
        event = CaseEvent.objects.get(case=story.case, action="move_desk")
        assert (event.role, event.actor, event.data["switch"]) == ("SYS", None, done.pk)
    first, second = CaseClock.objects.filter(case=waiting[0].case, kind="dispatch").order_by("pk")
    assert (first.outcome, first.organisation.code) == ("reassigned", "platform")
    assert (second.outcome, second.organisation.code) == ("", "xihu")


def test_switching_off_moves_everything_and_changes_no_deadline(cast):
    states = (State.FILED, State.DISPATCHED, State.HANDLING, State.SUSPENDED, State.REWORK)
    stories = []
    for number, state in enumerate(states):
        story = Story(cast, metres=number).walk_to(state)
        Case.objects.filter(pk=story.case.pk).update(desk=cast.bodies["xihu"])
        stories.append(story)
    handle = CaseClock.objects.filter(kind="handle").order_by("pk").values("due_at", "paused_at")
    before = list(handle)
    done = switch(cast, False)
    assert done.moved_count == len(states)
    assert [desk_of(story) for story in stories] == ["platform"] * len(states)
    assert list(handle) == before
    for story in stories:
        check_case(story.case.pk)
    stories[0].act("dispatch", cast.dispatcher_li)


def test_a_switch_is_undone_by_the_opposite_and_both_stay_written_down(cast, rule):
    story = Story(cast).walk_to(State.FILED)
    switch(cast, False)
    switch(cast, True, note="恢复试点")
    assert desk_of(story) == "xihu"
    log = DeskSwitch.objects.order_by("pk").values_list(
        "is_on", "moved_count", "asked_by__username"
    )
    assert list(log) == [(False, 1, "administrator_bai"), (True, 1, "administrator_bai")]


def test_a_later_day_is_planned_and_comes_by_itself(cast, rule):
    switch(cast, False)
    story = Story(cast).walk_to(State.FILED)
    planned = switch(cast, True, from_date=TODAY + timedelta(days=3))
    assert planned.applied_at is None
    assert desks_settle(now=NOW + timedelta(days=2)) == 0
    assert desk_of(story) == "platform"
    assert desks_settle(now=NOW + timedelta(days=3)) == 1
    assert desk_of(story) == "xihu"
    assert desks_settle(now=NOW + timedelta(days=3)) == 0


def test_a_planned_switch_may_be_withdrawn_but_not_an_applied_one(cast):
    planned = switch(cast, False, from_date=TODAY + timedelta(days=1))
    with pytest.raises(DomainError) as second:
        switch(cast, False)
    assert second.value.status == 409
    switch_withdraw(actor=cast.administrator_bai, switch_id=planned.pk, now=NOW)
    applied = switch(cast, False)
    with pytest.raises(DomainError):
        switch_withdraw(actor=cast.administrator_bai, switch_id=applied.pk, now=NOW)


def test_a_case_acted_on_meanwhile_is_left_to_whoever_acted(cast, rule, monkeypatch):
    """Found at one version, moved at another: not moved."""
    switch(cast, False)
    story = Story(cast).walk_to(State.FILED)
    taken = Case.objects.get(pk=story.case.pk)
    story.act("dispatch", cast.dispatcher_li)
    monkeypatch.setattr("dispatch.rollout.services.cases_to_take", lambda *_a, **_k: [taken])
    assert switch(cast, True).moved_count == 0
    assert desk_of(story) == "platform"


def test_a_case_somebody_has_locked_keeps_no_other_back(cast, rule, monkeypatch):
    switch(cast, False)
    taken, free = (Story(cast, metres=20 * n).walk_to(State.FILED) for n in range(2))

    def act(*, case_id, **given):
        if case_id == taken.case.pk:
            raise OperationalError from Locked()
        return case_act(case_id=case_id, **given)

    monkeypatch.setattr("dispatch.rollout.services.case_act", act)
    assert switch(cast, True).moved_count == 1
    assert (desk_of(taken), desk_of(free)) == ("platform", "xihu")


def test_a_hand_up_after_the_switch_stays_with_the_city(cast, rule):
    switch(cast, False)
    story = Story(cast).walk_to(State.FILED)
    switch(cast, True)
    story.act("hand_up", cast.dispatcher_xihu)
    desks_settle(now=NOW)
    assert desk_of(story) == "platform"


@pytest.mark.parametrize(
    ("name", "code", "changes", "status"),
    [
        ("supervisor_zhao", "xihu", {}, 403),
        ("root", "xihu", {}, 403),
        ("administrator_bai", "nowhere", {}, 404),
        ("administrator_bai", "platform", {}, 404),  # the city's own desk always works
        ("administrator_bai", "sanitation", {}, 404),
        ("administrator_bai", "xihu", {"is_on": True}, 409),
        ("administrator_bai", "xihu", {"from_date": TODAY - timedelta(days=1)}, 400),
    ],
)
def test_a_switch_that_cannot_be_is_refused(cast, name, code, changes, status):
    given = {"is_on": False, "from_date": TODAY, **changes}
    with pytest.raises(DomainError) as refused:
        desk_switch(actor=cast.people[name], code=code, now=NOW, **given)
    assert refused.value.status == status
    assert not DeskSwitch.objects.exists()
    assert Organisation.objects.get(code="xihu").has_dispatch_desk


# ── two people, two levels ────────────────────────────────────────────────────────────────────


def test_each_level_acts_on_its_own_part_alone(cast, rule, api_of, assert_refused):
    mine, citys = Story(cast).walk_to(State.FILED), Story(cast, metres=5).walk_to(State.FILED)
    citys.act("hand_up", cast.dispatcher_xihu)
    give = {"department": "sanitation", "reason": "属于环卫"}
    district, city, neighbour = map(
        api_of, ("dispatcher_xihu", "dispatcher_li", "dispatcher_gongshu")
    )
    # what lies in the district is seen by both levels, acted on by the one that holds it
    assert_refused(city.act(mine.case, "dispatch", **give), 403, "role_refused")
    assert_refused(district.act(citys.case, "dispatch", **give), 403, "role_refused")
    # the neighbouring district sees neither
    for story in (mine, citys):
        assert neighbour.get(f"cases/{story.case.number}/").status_code == 404
        assert_refused(neighbour.act(story.case, "dispatch", **give), 404, "not_found")
    assert district.act(mine.case, "dispatch", **give).status_code == 200
    assert city.act(citys.case, "dispatch", **give).status_code == 200


def test_a_desk_hands_down_to_its_own_side_alone(cast, rule):
    story = Story(cast).walk_to(State.FILED)
    refusal = story.refused("hand_down", cast.dispatcher_xihu, desk="gongshu")
    assert refusal.code == "not_possible"
    with pytest.raises(ActionRefused):
        story.act("move_desk", cast.dispatcher_xihu, desk="gongshu")
