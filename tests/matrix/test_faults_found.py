"""What random walks have found once and must not find again."""

from __future__ import annotations

from cases.models import Case, CaseClock
from cases.workflow import State
from components.models import CaseStandard
from tests.cast import Story
from tests.matrix.invariants import check_case

WITH_WATER = [{"organisation": "water", "mandatory": True}]


def running(story: Story) -> list[str]:
    """Return the kinds of the clocks that run."""
    clocks = CaseClock.objects.filter(case=story.case, stopped_at=None, paused_at=None)
    return sorted(clocks.values_list("kind", flat=True))


def test_a_department_called_in_for_rework_has_a_clock_that_runs(cast):
    story = Story(cast).walk_to(State.REWORK)
    story.act("dispatch", cast.dispatcher_li, department="gardens", cooperating=WITH_WATER)
    order = story.case.sub_orders.get(organisation__code="water", ended_at=None)
    assert order.clocks.get().stopped_at is None
    assert running(story) == ["handle", "handle", "whole"]


def test_an_urgent_case_is_filed_before_it_is_sent_back(cast):
    story = Story(cast)
    story.act("dispatch_urgent", cast.dispatcher_li)
    story.act("recall", cast.dispatcher_li)
    assert story.refused("send_back", cast.supervisor_zhao).code == "not_possible"
    assert running(story) == ["accept", "dispatch", "file", "whole"]
    story.act("complete_filing", cast.supervisor_zhao)
    story.act("send_back", cast.supervisor_zhao)
    assert running(story) == ["file", "whole"]


def test_an_urgent_case_without_a_standard_goes_back_to_its_check(cast):
    CaseStandard.objects.filter(type__code="E0102", profile="emergency").delete()
    story = Story(cast)
    story.act("dispatch_urgent", cast.dispatcher_li)
    story.act("sign", cast.clerk_sun)
    story.act("complete", cast.clerk_sun)
    story.act("send_check", cast.acceptor_wang)
    story.act("check_pass", cast.collector_lin)
    story.act("send_back", cast.supervisor_zhao)
    assert story.case.state == State.HANDLED
    check_case(story.case.pk)


def test_what_was_handled_on_the_spot_goes_back_to_the_acceptor(cast):
    story = Story(cast, is_self_handled=True)
    story.act("judge_valid", cast.acceptor_wang)
    story.act("send_back", cast.supervisor_zhao)
    assert story.case.state == State.REPORTED
    check_case(story.case.pk)


def test_what_the_first_department_asked_lapses_when_a_squad_takes_over(cast):
    story = Story(cast).walk_to(State.DISPATCHED)
    story.act("request_return", cast.clerk_sun)
    story.act("request_proxy", cast.dispatcher_li)
    story.act("approve_proxy", cast.leader_tang)
    asked = story.case.requests.get(kind="return")
    assert asked.status == "lapsed"
    assert story.refused("approve_return", cast.dispatcher_li).code == "not_possible"
    assert Case.objects.get(pk=story.case.pk).department.code == "squad"


def test_who_handled_a_case_does_not_reopen_it(cast):
    story = Story(cast).walk_to(State.DISPATCHED)
    for action in ("sign", "complete"):
        story.act(action, cast.jack_lu)
    story.act("send_check", cast.acceptor_wang)
    story.act("check_pass", cast.collector_lin)
    story.act("close", cast.supervisor_zhao)
    story.act("propose_reopen", cast.acceptor_wang)
    assert story.refused("reopen", cast.jack_lu).code == "same_person"
    story.act("reopen", cast.supervisor_zhao)
    assert story.case.state == State.REWORK


def test_the_history_keeps_why_a_report_was_refused(cast):
    story = Story(cast)
    story.act("refuse", cast.acceptor_wang, reason_code="duplicate")
    assert story.case.events.get(action="refuse").data == {"reason_code": "duplicate"}
