"""Duties handed to a colleague: who may, how long, and that both people count at the door."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.delegation import DutyEnded, duties_hand_over, duty_take_back, standing_in
from accounts.models import User
from accounts.roles import Role
from cases.models import Case, CaseEvent
from cases.services.verify import case_verify
from cases.workflow import State
from common.errors import DomainError
from tests.cast import NOW, Cast, Story

LATER = NOW + timedelta(hours=8)


def hand_over(cast: Cast, principal: str, colleague: str, role: Role, **given) -> list:
    """Hand a duty over as its principal does."""
    people = {"principal": cast.people[principal], "colleague": cast.people[colleague]}
    times = {"starts_at": NOW, "ends_at": LATER, "now": NOW}
    return duties_hand_over(
        **{**people, "actor": cast.people[principal], "roles": [role], **times, **given}
    )


def stand_in(cast: Cast, colleague: str, principal: str, at=NOW) -> User:
    """Return somebody as they stand in for a principal."""
    person = User.objects.with_roles().get(username=colleague)
    return standing_in(user=person, principal_id=cast.people[principal].pk, now=at)


@pytest.fixture
def acting_supervisor(cast: Cast) -> User:
    """An acceptor who stands in for the shift supervisor."""
    hand_over(cast, "supervisor_zhao", "acceptor_wang", Role.SHIFT_SUPERVISOR)
    return stand_in(cast, "acceptor_wang", "supervisor_zhao")


def test_an_act_is_done_by_the_colleague_for_the_principal(cast, acting_supervisor):
    story = Story(cast).walk_to(State.ACCEPTED)
    assert story.refused("file", cast.acceptor_wang).code == "role_refused"
    story.act("file", acting_supervisor)
    event = CaseEvent.objects.get(case=story.case, action="file")
    assert (event.actor, event.principal) == (cast.acceptor_wang, cast.supervisor_zhao)
    assert event.role == "SUP"
    assert case_verify(story.case) == []  # the hash covers for whom


def test_who_stands_in_has_the_duty_handed_over_and_nothing_else(cast, acting_supervisor):
    assert acting_supervisor.roles == {Role.SHIFT_SUPERVISOR}
    story = Story(cast)
    assert story.refused("accept", acting_supervisor).code == "role_refused"
    assert story.case in Case.objects.visible_to(acting_supervisor)


def test_a_department_sees_through_a_colleague_what_its_principal_sees(cast):
    story = Story(cast).walk_to(State.DISPATCHED)
    hand_over(cast, "clerk_sun", "head_qian", Role.DEPARTMENT_CLERK)
    person = stand_in(cast, "head_qian", "clerk_sun")
    assert list(Case.objects.visible_to(person)) == [story.case]
    story.act("sign", person)
    assert CaseEvent.objects.get(case=story.case, action="sign").principal == cast.clerk_sun


@pytest.mark.parametrize("moment", [NOW + timedelta(hours=9), NOW - timedelta(seconds=1)])
def test_outside_its_time_nobody_stands_in_and_the_door_refuses(cast, acting_supervisor, moment):
    with pytest.raises(DutyEnded):
        stand_in(cast, "acceptor_wang", "supervisor_zhao", at=moment)
    story = Story(cast).walk_to(State.ACCEPTED)
    story.now = moment
    assert "has ended" in str(story.refused("file", acting_supervisor).message)


def test_what_was_taken_back_runs_no_longer(cast):
    (duty,) = hand_over(cast, "leader_tang", "acceptor_wang", Role.LEADER)
    duty_take_back(delegation_id=duty.pk, actor=cast.leader_tang, now=NOW)
    with pytest.raises(DutyEnded):
        stand_in(cast, "acceptor_wang", "leader_tang")
    with pytest.raises(DomainError) as again:
        duty_take_back(delegation_id=duty.pk, actor=cast.leader_tang, now=NOW)
    assert again.value.code == "not_possible"


def test_a_principal_who_lost_the_role_or_left_hands_nothing_on(cast, acting_supervisor):
    cast.supervisor_zhao.groups.clear()
    with pytest.raises(DutyEnded):
        stand_in(cast, "acceptor_wang", "supervisor_zhao")


# ── both must differ ──────────────────────────────────────────────────────────────────────────


def test_nobody_approves_through_a_delegate_what_they_asked_for(cast):
    """Jill has every post; Jack asks, then hands his leader's duty to her, and the other way."""
    story = Story(cast).walk_to(State.HANDLING)
    hand_over(cast, "jack_lu", "jill_lu", Role.DEPARTMENT_CLERK)
    story.act("request_suspension", stand_in(cast, "jill_lu", "jack_lu"))
    request = story.case.requests.get()
    assert (request.asked_by, request.asked_for) == (cast.jill_lu, cast.jack_lu)
    story.act("approve_suspension", cast.dispatcher_li)
    for name in ("jack_lu", "jill_lu"):  # for whom it was asked, and who asked
        assert story.refused("approve_suspension", cast.people[name]).code == "same_person"


def test_what_the_principal_handled_the_delegate_cannot_close_for_them(cast):
    story = Story(cast).walk_to(State.DISPATCHED)
    story.act("sign", cast.jack_lu)
    story.act("complete", cast.jack_lu)
    story.act("send_check", cast.acceptor_wang)
    story.act("check_pass", cast.collector_lin)
    hand_over(cast, "jack_lu", "jill_lu", Role.SHIFT_SUPERVISOR)
    refusal = story.refused("close", stand_in(cast, "jill_lu", "jack_lu"))
    assert (refusal.code, refusal.status) == ("same_person", 403)
    story.act("close", cast.supervisor_zhao)


def test_nobody_agrees_twice_in_two_names(cast):
    hand_over(cast, "leader_tang", "acceptor_wang", Role.LEADER)
    story = Story(cast).walk_to(State.HANDLING)
    story.act("request_suspension", cast.clerk_sun)
    story.act("approve_suspension", cast.dispatcher_li)
    request = story.case.requests.get()
    request.approvals = [*request.approvals, {"post": "DSP", "user": 0, "for": cast.leader_tang.pk}]
    request.chain = [["DSP"], ["DSP"], ["LDR"]]
    request.waits_for = ["LDR"]
    request.save()
    assert story.refused("approve_suspension", cast.leader_tang).code == "same_person"
    person = stand_in(cast, "acceptor_wang", "leader_tang")
    assert story.refused("approve_suspension", person).code == "same_person"


# ── handing over ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"roles": [Role.LEADER]}, "invalid", "roles"),  # not theirs
        ({"roles": []}, "invalid", "roles"),
        ({"ends_at": NOW}, "invalid", "ends_at"),
        ({"ends_at": NOW + timedelta(days=93)}, "invalid", "ends_at"),
        ({"starts_at": LATER}, "invalid", "ends_at"),
    ],
)
def test_what_cannot_be_handed_over_is_refused_beside_its_field(cast, given, code, field):
    with pytest.raises(DomainError) as refused:
        hand_over(cast, "supervisor_zhao", "acceptor_wang", Role.SHIFT_SUPERVISOR, **given)
    assert refused.value.code == code
    assert field in refused.value.fields


def test_a_duty_goes_to_a_colleague_of_the_same_organisation_only(cast):
    for name in ("dispatcher_li", "supervisor_zhao"):  # another body; oneself
        with pytest.raises(DomainError) as refused:
            hand_over(cast, "supervisor_zhao", name, Role.SHIFT_SUPERVISOR)
        assert "colleague" in refused.value.fields


def test_a_duty_is_in_one_pair_of_hands_at_a_time(cast):
    hand_over(cast, "supervisor_zhao", "acceptor_wang", Role.SHIFT_SUPERVISOR)
    with pytest.raises(DomainError) as refused:
        hand_over(cast, "supervisor_zhao", "acceptor_wu", Role.SHIFT_SUPERVISOR)
    assert refused.value.code == "not_possible"
    after = {"starts_at": LATER, "ends_at": LATER + timedelta(hours=8)}
    assert hand_over(cast, "supervisor_zhao", "acceptor_wu", Role.SHIFT_SUPERVISOR, **after)


def test_only_the_principal_or_an_administrator_hands_over(cast, acting_supervisor):
    role = Role.SHIFT_SUPERVISOR
    for actor in (cast.acceptor_wu, acting_supervisor):  # a stranger; one to whom it was handed
        with pytest.raises(DomainError) as refused:
            hand_over(cast, "supervisor_zhao", "acceptor_wu", role, actor=actor)
        assert refused.value.code == "role_refused"
    administrator = cast.administrator_bai
    assert hand_over(cast, "leader_tang", "acceptor_wu", Role.LEADER, actor=administrator)
