"""Several departments in one case: one lead, whose deadline it is, and parts with clocks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cases.deadlines.engine import deadlines_scan
from cases.models import CaseClock, CaseEvent, SubOrder
from cases.workflow import State
from tests.cast import NOW, Cast, Story
from tests.matrix.invariants import check_case

MANDATORY = {"organisation": "water", "task": "关闭阀门"}
OPTIONAL = {"organisation": "gardens", "mandatory": False}


@pytest.fixture
def story(cast: Cast) -> Story:
    """Sanitation leads, water must do a part, gardens may."""
    story = Story(cast).walk_to(State.FILED)
    story.act("dispatch", cast.dispatcher_li, cooperating=[MANDATORY, OPTIONAL])
    story.act("sign", cast.clerk_sun)
    return story


def part(story: Story, code: str) -> SubOrder:
    return story.case.sub_orders.filter(organisation__code=code).latest("pk")


def clock_of(order: SubOrder) -> CaseClock:
    return order.clocks.get()


def test_every_part_has_a_clock_and_a_due_date_of_its_own(cast, story):
    lead = CaseClock.objects.get(case=story.case, kind="handle", sub_order=None)
    assert lead.organisation == cast.bodies["sanitation"]
    assert story.case.due_at == lead.due_at
    story.now = NOW + timedelta(hours=1)
    story.act("add_sub_orders", cast.dispatcher_li, cooperating=[{"organisation": "squad"}])
    due = {code: clock_of(part(story, code)).due_at for code in ("water", "gardens", "squad")}
    assert due["water"] == due["gardens"] == lead.due_at < due["squad"]
    assert part(story, "water").task == "关闭阀门"
    check_case(story.case.pk)


def test_the_lead_waits_for_the_mandatory_part_and_is_told_whose_it_is(cast, story):
    refusal = story.refused("complete", cast.clerk_sun)
    assert (refusal.code, refusal.status) == ("not_possible", 409)
    assert "water" in str(refusal.message)
    assert "gardens" not in str(refusal.message)
    story.act("complete_sub_order", cast.clerk_shui)
    assert story.act("complete", cast.clerk_sun).state == State.HANDLED


def test_the_clocks_of_the_parts_rest_with_the_leads(cast, story):
    """Nobody can work on a part of a suspended case, nor on one the lead has completed."""
    due = clock_of(part(story, "water")).due_at
    story.act("request_suspension", cast.clerk_sun)
    story.act("approve_suspension", cast.dispatcher_li)
    story.act("approve_suspension", cast.leader_tang)
    assert story.refused("complete_sub_order", cast.clerk_shui).code == "not_possible"
    deadlines_scan(now=due + timedelta(days=5))
    breaches = CaseEvent.objects.filter(case=story.case, action="breach")
    assert not breaches.filter(data__clock="handle").exists()
    story.now = NOW + timedelta(days=10)
    story.act("resume", cast.dispatcher_li)
    lead = CaseClock.objects.get(case=story.case, kind="handle", sub_order=None)
    assert clock_of(part(story, "water")).due_at == lead.due_at > due
    check_case(story.case.pk)
    story.act("complete_sub_order", cast.clerk_shui)
    story.act("complete", cast.clerk_sun)
    gardens = clock_of(part(story, "gardens"))
    assert gardens.paused_at == story.now
    check_case(story.case.pk)
    story.act("send_check", cast.acceptor_wang)
    story.act("check_pass", cast.collector_lin)
    gardens.refresh_from_db()
    assert (gardens.outcome, gardens.actual_end_at) == ("ended", story.now)
    check_case(story.case.pk)


def test_several_mandatory_parts_are_all_named(cast, story):
    story.act("add_sub_orders", cast.dispatcher_li, cooperating=[{"organisation": "squad"}])
    message = str(story.refused("complete", cast.clerk_sun).message)
    assert "water" in message
    assert "squad" in message


def test_a_part_in_time_is_done_and_an_open_optional_one_ends_with_the_lead(cast, story):
    story.act("complete_sub_order", cast.clerk_shui)
    story.act("complete", cast.clerk_sun)
    story.act("send_check", cast.acceptor_wang)
    story.act("check_pass", cast.collector_lin)
    assert clock_of(part(story, "water")).outcome == "done"
    assert clock_of(part(story, "gardens")).outcome == "ended"


def test_a_recalled_part_no_longer_holds_the_lead_back(cast, story):
    story.act("recall_sub_order", cast.dispatcher_li, sub_order="water")
    order = part(story, "water")
    assert (order.outcome, clock_of(order).outcome) == ("recalled", "annulled")
    assert part(story, "gardens").ended_at is None
    assert story.case.department == cast.bodies["sanitation"]
    assert story.act("complete", cast.clerk_sun).state == State.HANDLED


def test_a_part_goes_to_another_department(cast, story):
    story.act("recall_sub_order", cast.dispatcher_li, sub_order="water")
    story.act("add_sub_orders", cast.dispatcher_li, cooperating=[{"organisation": "squad"}])
    assert story.refused("complete_sub_order", cast.clerk_shui).code == "role_refused"
    story.act("complete_sub_order", cast.squad_gao)
    assert story.act("complete", cast.clerk_sun).state == State.HANDLED


def test_a_department_that_declines_its_part_waits_for_the_desk(cast, story):
    story.act("decline_sub_order", cast.clerk_shui, reason="不是供水管道")
    assert story.refused("complete", cast.clerk_sun).code == "not_possible"  # it still holds back
    assert story.refused("decline_sub_order", cast.clerk_shui).code == "not_possible"
    story.act("keep_sub_order", cast.dispatcher_li, sub_order="water", reason="查明是供水")
    assert part(story, "water").declined_at is None
    story.act("decline_sub_order", cast.clerk_shui)
    story.act("recall_sub_order", cast.dispatcher_li, sub_order="water")
    order = part(story, "water")
    assert (order.outcome, clock_of(order).outcome) == ("returned", "annulled")


def test_only_a_declined_part_is_insisted_on(cast, story):
    story.act("decline_sub_order", cast.clerk_shui)
    refusal = story.refused("keep_sub_order", cast.dispatcher_li, sub_order="gardens")
    assert list(refusal.fields) == ["sub_order"]


@pytest.mark.parametrize("code", ["sanitation", "gardens", "eyes", "nobody"])
def test_nobody_takes_part_twice_and_only_who_handles_takes_part(cast, story, code):
    refusal = story.refused(
        "add_sub_orders", cast.dispatcher_li, cooperating=[{"organisation": code}]
    )
    assert (refusal.code, list(refusal.fields)) == ("invalid", ["cooperating"])


def test_recalling_the_lead_ends_every_part(cast, story):
    story.act("recall", cast.dispatcher_li)
    assert set(story.case.sub_orders.values_list("outcome", flat=True)) == {"recalled"}
    assert not CaseClock.objects.filter(case=story.case, kind="handle", stopped_at=None).exists()
    story.act("dispatch", cast.dispatcher_li, department="gardens", cooperating=[])
    assert story.case.department == cast.bodies["gardens"]
    check_case(story.case.pk)


def test_a_granted_return_of_the_lead_ends_every_part(cast, story):
    story.act("request_return", cast.head_qian)
    story.act("approve_return", cast.dispatcher_li)
    assert story.case.state == State.FILED
    assert set(story.case.sub_orders.values_list("outcome", flat=True)) == {"returned"}


def test_another_lead_for_rework_begins_with_its_own_parts(cast, story):
    story.act("complete_sub_order", cast.clerk_shui)
    story.act("complete", cast.clerk_sun)
    story.act("send_check", cast.acceptor_wang)
    story.act("check_fail", cast.collector_lin)
    story.act("dispatch", cast.dispatcher_li, department="gudang", cooperating=[MANDATORY])
    orders = story.case.sub_orders.filter(ended_at=None).order_by("-is_lead")
    assert [(order.organisation.code, order.is_lead) for order in orders] == [
        ("gudang", True),
        ("water", False),
    ]
    check_case(story.case.pk)


def test_a_part_is_the_desks_to_give_and_the_departments_to_do(cast, story, api_of, assert_refused):
    refused = api_of("clerk_sun").act(
        story.case, "recall_sub_order", sub_order="water", reason="不需要"
    )
    assert_refused(refused, 403, "role_refused")
    hidden = api_of("clerk_sun").act(story.case, "send_link", link=1)
    assert_refused(hidden, 404, "not_found")
    stranger = api_of("dispatcher_gongshu").act(
        story.case, "recall_sub_order", sub_order="water", reason="不需要"
    )
    assert_refused(stranger, 404, "not_found")
