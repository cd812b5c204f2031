"""Supervising on pages: orders and their ratings, repeat spots, urging, cycles of returns."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cases.exceptions.repeats import repeats_find, spot_dismiss
from cases.models import (
    Case,
    CaseEvent,
    CaseUrge,
    RepeatRule,
    RepeatSpot,
    RepeatSpotCase,
    SupervisionOrder,
)
from cases.workflow import State
from tests.cast import NOW, Story
from tests.web.test_routing_pages import form_of

OVERDUE = NOW + timedelta(days=3)


@pytest.fixture
def story(cast) -> Story:
    return Story(cast).walk_to(State.HANDLING)


@pytest.fixture
def at_three_days_later(settings, monkeypatch):
    """Let the pages believe it is three days later, when the case is overdue."""
    monkeypatch.setattr("common.clock.now", lambda: OVERDUE)


# ── urging ────────────────────────────────────────────────────────────────────────────────────


def test_an_overdue_case_is_urged_by_one_click_and_not_twice(cast, story, page_of):
    story.now = OVERDUE
    version = story.case.version
    story.act("urge", cast.supervisor_zhao)
    event = CaseEvent.objects.get(case=story.case, action="urge")
    sanitation = cast.bodies["sanitation"]
    assert event.data["organisation"] == sanitation.pk
    assert event.data["roles"] == ["department_clerk", "department_head"]
    assert Case.objects.get(pk=story.case.pk).version == version, "nobody's page goes stale"
    history = page_of("supervisor_zhao").get(f"/cases/{story.case.number}/").text
    assert f"→ {sanitation} · " in history, "it says who was urged"
    refusal = story.refused("urge", cast.leader_tang)
    assert refusal.code == "not_possible"
    story.now = OVERDUE + timedelta(minutes=120)
    story.act("urge", cast.leader_tang)
    assert CaseUrge.objects.filter(case=story.case, organisation=sanitation).count() == 2


def test_another_body_may_be_urged_at_once(cast, story):
    story.now = OVERDUE
    story.act("urge", cast.supervisor_zhao)
    story.act("recall", cast.dispatcher_li)
    story.now = OVERDUE + timedelta(minutes=60)
    story.act("urge", cast.supervisor_zhao)
    urge = CaseUrge.objects.filter(case=story.case).latest("pk")
    assert (urge.organisation, urge.post) == (cast.bodies["platform"], "DSP")


def test_what_is_in_time_is_not_urged(cast, story):
    assert story.refused("urge", cast.supervisor_zhao).code == "not_possible"
    story.now = story.case.warn_at
    story.act("urge", cast.supervisor_zhao)


def test_many_are_urged_together_each_with_its_result(cast, story, page_of, at_three_days_later):
    other = Story(cast, metres=60).walk_to(State.DISPATCHED)
    ended = Story(cast, metres=120).walk_to(State.CLOSED)
    page = page_of("supervisor_zhao")
    listed = page.get("/supervision/overdue/")
    numbers = [each.case.number for each in (story, other, ended)]
    assert [number in listed.text for number in numbers] == [True, True, False]
    chosen = {"case": [*numbers, "20000101000001"], "next": "/supervision/overdue/"}
    chosen = form_of(page.get("/bulk/urge/", chosen)) | chosen
    answer = page.post("/bulk/urge/", chosen, follow=True)
    assert "2 done, 2 refused" in answer.text
    assert "cannot be done" in answer.text  # the closed one
    assert "There is no such case" in answer.text
    again = page.post("/bulk/urge/", chosen | {"key": "k2"}, follow=True)
    assert "0 done, 4 refused" in again.text
    assert CaseUrge.objects.count() == 2


@pytest.mark.parametrize("chosen", [[], ["\x00"], [str(n) for n in range(201)]])
def test_none_or_too_many_are_refused_in_words(page_of, chosen):
    answer = page_of("supervisor_zhao").post("/bulk/urge/", {"key": "k", "case": chosen})
    assert answer.status_code == 400
    assert "Choose between 1 and 200 cases." in answer.text


def test_a_department_urges_nobody(story, page_of):
    answer = page_of("clerk_sun").post("/bulk/urge/", {"key": "k", "case": [story.case.number]})
    assert answer.status_code == 403


# ── orders and ratings ────────────────────────────────────────────────────────────────────────


def test_an_order_is_answered_rated_and_found_by_what_it_waits_for(cast, story, page_of, send):
    due = (NOW + timedelta(days=1)).isoformat()
    story.act("order_supervision", cast.supervisor_zhao, reply_due=due)
    order = SupervisionOrder.objects.get()
    assert order.organisation == cast.bodies["sanitation"]
    page = page_of("supervisor_zhao")

    def shown(tab: str) -> bool:
        return order.number in page.get("/supervision/orders/", {"tab": tab}).text

    assert [shown(tab) for tab in ("waiting", "answered", "rated")] == [True, False, False]
    assert story.refused("rate_supervision", cast.supervisor_zhao).code == "not_possible"
    story.act("reply_supervision", cast.clerk_sun)
    assert [shown(tab) for tab in ("waiting", "answered", "rated")] == [False, True, False]
    assert story.refused("rate_supervision", cast.clerk_sun).code == "role_refused"
    answer = send(
        "leader_tang", story, "rate_supervision", order=order.number, rating="poor", note="太慢"
    )
    assert answer.status_code == 302
    assert [shown(tab) for tab in ("waiting", "answered", "rated")] == [False, False, True]
    order.refresh_from_db()
    assert (order.rating, order.rating_note, order.rated_by) == ("poor", "太慢", cast.leader_tang)
    assert story.refused("rate_supervision", cast.leader_tang).code == "not_possible"
    assert order.number in page.get(f"/cases/{story.case.number}/").text


def test_a_reply_that_is_late_stands_among_the_late(cast, story, page_of, at_three_days_later):
    due = (NOW + timedelta(days=1)).isoformat()
    story.act("order_supervision", cast.supervisor_zhao, reply_due=due)
    story.act("instruct", cast.leader_tang, reply_due=due)
    for kind, prefix in (("orders", "S"), ("instructions", "I")):
        text = page_of("leader_tang").get(f"/supervision/{kind}/", {"tab": "late"}).text
        assert f"{prefix}{story.case.number}-1" in text
    assert "S" + story.case.number not in page_of("clerk_hua").get("/supervision/orders/").text


def test_rating_a_closed_case_does_not_move_its_end(cast, story):
    story.act("order_supervision", cast.supervisor_zhao)
    story.act("reply_supervision", cast.clerk_sun)
    for name, action in (
        ("clerk_sun", "complete"),
        ("acceptor_wang", "send_check"),
        ("collector_lin", "check_pass"),
        ("supervisor_zhao", "close"),
    ):
        story.act(action, cast.people[name])
    ended_at = story.case.ended_at
    story.now = OVERDUE
    story.act("rate_supervision", cast.leader_tang)
    story.case.refresh_from_db()
    assert (story.case.ended_at, story.case.is_open) == (ended_at, False)


# ── repeat spots ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def rule(cast) -> RepeatRule:
    RepeatRule.objects.all().delete()
    return RepeatRule.objects.create(
        city=cast.city,
        name="三次",
        name_en="Three times",
        subject="cell",
        case_count=3,
        within_days=30,
        valid_from=NOW.date(),
    )


def repeat(cast, count: int, **given) -> list[Story]:
    return [Story(cast, metres=metres, **given) for metres in range(count)]


LATER = NOW + timedelta(hours=1)


def test_so_many_cases_of_a_type_in_a_cell_are_proposed_once(cast, rule):
    repeat(cast, 2)
    repeat(cast, 1, type_code="E0104")
    assert repeats_find(now=LATER) == 0
    Story(cast, metres=3)
    assert repeats_find(now=LATER) == 1
    assert repeats_find(now=LATER) == 0
    spot = RepeatSpot.objects.get()
    assert (spot.type.code, spot.members.count(), spot.status) == ("E0102", 3, "proposed")
    Story(cast, metres=4)
    assert repeats_find(now=LATER) == 0
    assert spot.members.count() == 4, "further cases join a proposal that waits"


def test_what_was_dismissed_is_not_proposed_again_for_the_same_cases(cast, rule):
    repeat(cast, 3)
    repeats_find(now=LATER)
    spot = RepeatSpot.objects.get()
    spot_dismiss(spot_id=spot.pk, actor=cast.supervisor_zhao, reason="同一工地", now=LATER)
    repeat(cast, 2)
    assert repeats_find(now=LATER) == 0
    Story(cast)
    assert repeats_find(now=LATER) == 1
    assert RepeatSpotCase.objects.filter(spot__status="proposed").count() == 3


def test_old_refused_and_merged_cases_do_not_count(cast, rule):
    _first, second, _third = repeat(cast, 3)
    second.act("refuse", cast.acceptor_wang)
    assert repeats_find(now=LATER) == 0
    Story(cast)
    assert repeats_find(now=NOW + timedelta(days=31)) == 0
    assert repeats_find(now=LATER) == 1


def test_a_rule_of_a_component_and_a_class(cast, rule):
    rule.subject, rule.type_class = "component", cast.component.type.type_class
    rule.save()
    for _each in range(3):
        story = Story(cast, type_code="C0305")
        story.act("accept", cast.acceptor_wang, component=cast.component.code)
    repeat(cast, 3)  # events have no component
    assert repeats_find(now=LATER) == 1
    spot = RepeatSpot.objects.get()
    assert (spot.component, spot.cell, spot.type) == (cast.component, None, None)


def test_a_proposal_becomes_a_supervision_order_through_the_door(cast, rule, page_of):
    stories = [Story(cast, metres=metres).walk_to(State.CLOSED) for metres in (0, 3)]
    stories.append(Story(cast, metres=6).walk_to(State.HANDLING))
    repeats_find(now=LATER)
    spot = RepeatSpot.objects.get()
    page = page_of("supervisor_zhao")
    listed = page.get("/supervision/repeats/")
    assert all(story.case.number in listed.text for story in stories)
    address = f"/supervision/repeats/{spot.pk}/order/"
    given = {"text": "查明原因", "reply_due": "2020-01-01T09:00"}
    refused = page.post(address, given)
    assert refused.status_code == 400  # a date that has passed; what was typed is kept
    assert "查明原因" in refused.text
    given["reply_due"] = "2099-01-01T09:00"
    far = page.post(address, given)
    assert far.status_code == 400  # beyond what calendars know
    given["reply_due"] = "2026-12-31T09:00"
    assert page.post(address, given).status_code == 302
    spot.refresh_from_db()
    assert (spot.status, spot.order.case, spot.order.text) == (
        "ordered",
        stories[2].case,
        "查明原因",
    )
    assert CaseEvent.objects.filter(case=stories[2].case, action="order_supervision").exists()
    again = page.post(address, given)
    assert again.status_code == 409
    assert SupervisionOrder.objects.count() == 1


def test_an_order_is_given_though_every_case_is_closed(cast, rule, page_of):
    stories = [Story(cast, metres=metres).walk_to(State.CLOSED) for metres in (0, 3, 6)]
    repeats_find(now=LATER)
    spot = RepeatSpot.objects.get()
    given = {"text": "彻底整改", "reply_due": "2026-12-31T09:00"}
    answer = page_of("leader_tang").post(f"/supervision/repeats/{spot.pk}/order/", given)
    assert answer.status_code == 302
    stories[2].case.refresh_from_db()
    assert stories[2].case.state == State.CLOSED
    stories[2].act("reply_supervision", cast.clerk_sun)


def test_a_dismissal_needs_a_reason_and_a_stranger_finds_nothing(cast, rule, page_of):
    repeat(cast, 3)
    repeats_find(now=LATER)
    spot = RepeatSpot.objects.get()
    page = page_of("supervisor_zhao")
    for empty in (" ", "\x00", "\u202e"):
        sent = page.post(f"/supervision/repeats/{spot.pk}/dismiss/", {"reason": empty})
        assert sent.status_code == 400
    assert page.post(f"/supervision/repeats/{spot.pk}/paint/").status_code == 404
    assert page.post("/supervision/repeats/999999/dismiss/", {"reason": "x"}).status_code == 404
    assert page_of("clerk_sun").get("/supervision/repeats/").status_code == 403
    done = page.post(f"/supervision/repeats/{spot.pk}/dismiss/", {"reason": "同一\x00工地"})
    assert done.status_code == 302
    shown = page.get("/supervision/repeats/", {"status": "dismissed"}).text
    assert "同一工地" in shown


# ── cycles ────────────────────────────────────────────────────────────────────────────────────


def test_a_cycle_of_returns_stands_on_the_page_until_it_was_seen(cast, page_of):
    story = Story(cast).walk_to(State.FILED).sent_back("sanitation", "gardens")
    story.act("dispatch", cast.dispatcher_li, department="sanitation")
    page = page_of("supervisor_zhao")
    way = "sanitation → gardens → sanitation"
    assert way in page.get("/supervision/panels/exceptions/").text
    cycle = story.case.return_cycles.get()
    seen = f"/supervision/cycles/{cycle.pk}/seen/"
    assert page_of("leader_tang").post(seen).status_code == 403
    assert page.post("/supervision/cycles/999999/seen/").status_code == 404
    assert page.post(seen).status_code == 302
    assert way not in page.get("/supervision/panels/exceptions/").text
    cycle.refresh_from_db()
    assert cycle.seen_by == cast.supervisor_zhao


def test_a_request_waits_only_for_those_whose_turn_it_is(cast, story, page_of):
    story.act("request_suspension", cast.clerk_sun, reason="等待产权单位")
    panel = "/supervision/panels/decisions/"
    assert "等待产权单位" not in page_of("leader_tang").get(panel).text
    story.act("approve_suspension", cast.dispatcher_li)
    assert "等待产权单位" in page_of("leader_tang").get(panel).text
    assert "等待产权单位" not in page_of("supervisor_zhao").get(panel).text


def test_as_many_requests_wait_as_is_said_though_the_oldest_alone_are_shown(cast, page_of):
    for number in range(8):
        story = Story(cast, metres=9 * number).walk_to(State.HANDLING)
        story.act("request_proxy", cast.clerk_sun)
    panel = page_of("leader_tang").get("/supervision/panels/decisions/").text
    assert '<span class="count count-brand">8</span>' in panel
    assert panel.count('<li class="stack-tight">') == 6
    assert "and 2 more" in panel
