"""Journeys of exceptions and supervision, each step by another person at a browser."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.conf import settings
from playwright.sync_api import expect

from cases.exceptions.repeats import repeats_find
from cases.models import ApprovalRequest, Case, RepeatSpot, SupervisionOrder
from cases.services.overdue import suspended_wake
from cases.services.verify import case_verify
from cases.workflow import State
from common import clock
from tests.cast import Story

pytestmark = pytest.mark.django_db(transaction=True)


def test_who_is_logged_out_meanwhile_is_told_beside_what_they_typed(person, city_cast) -> None:
    case = Story(city_cast, clock.now()).walk_to(State.HANDLING).case
    page = person("clerk_sun", locale="en").go(f"/cases/{case.number}/")
    page.locator('[hx-get*="/actions/request_return/"]').click()
    page.locator("#dialog [name=reason_code]").select_option("wrong_place")
    page.locator("#dialog [name=reason]").fill("等待配件")
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.locator("#dialog .form-foot button:not([type=button])").click()
    told = page.locator("#logged-out")
    expect(told).to_be_visible()
    expect(page.locator("#dialog [name=reason]")).to_have_value("等待配件")
    told.get_by_role("link").click()
    expect(page).to_have_url(re.compile(rf"/login/\?next=.*{case.number}"))


def test_return_extension_suspension_and_a_repeat_spot(person, city_cast) -> None:
    now = clock.now()
    stories = [Story(city_cast, now, metres=3 * n).walk_to(State.HANDLING) for n in range(5)]
    dispatcher, clerk = person("dispatcher_li"), person("clerk_sun")
    leader, supervisor = person("leader_tang"), person("supervisor_zhao")

    # a return with its reason
    case = stories[0].case
    clerk.act(case, "request_return", reason_code="wrong_place", reason="不在管辖范围")
    page = dispatcher.go(f"/cases/{case.number}/actions/approve_return/")
    expect(page.locator(".decision")).to_contain_text("不在管辖范围")
    expect(page.locator(".decision")).to_contain_text("The cap is exceeded.")  # 1 of 5
    dispatcher.act(case, "approve_return")
    assert case.state == "filed"

    # an extension through two approvals
    case = stories[1].case
    before = case.due_at
    clerk.act(
        case,
        "request_extension",
        extension_value="3",
        extension_unit="working_day",
        reason_code="parts",
        reason="等待配件",
    )
    dispatcher.act(case, "approve_extension", note="情况属实")
    assert case.due_at == before
    with leader.page.expect_response(re.compile("/panels/decisions/")):  # after the page itself
        page = leader.go("/supervision/")
    expect(page.locator("main")).to_contain_text("等待配件")
    page = leader.go(f"/cases/{case.number}/actions/approve_extension/")
    expect(page.locator(".decision")).to_contain_text("情况属实")
    leader.act(case, "approve_extension")
    assert case.due_at > before

    # a suspension that wakes up
    case = stories[2].case
    review = (now + timedelta(days=20)).strftime("%Y-%m-%dT09:00")
    clerk.act(
        case, "request_suspension", reason_code="dispute", reason="产权纠纷", review_at=review
    )
    dispatcher.act(case, "approve_suspension")
    leader.act(case, "approve_suspension")
    assert case.state == "suspended"
    expect(leader.go("/supervision/suspended/").locator("main")).to_contain_text(case.number)
    assert suspended_wake(now=case.review_at) == 1
    case.refresh_from_db()
    assert case.state == "handling"

    # a repeat spot turned into a supervision order, answered and rated
    assert repeats_find(now=clock.now()) == 1
    page = supervisor.go("/supervision/repeats/")
    page.locator(".spot summary").first.click()
    page.locator('[name="reply_due"]').fill((now + timedelta(days=5)).strftime("%Y-%m-%dT09:00"))
    page.get_by_role("button", name="Give the order").click()
    expect(page.locator("body")).to_contain_text("was given")
    order = SupervisionOrder.objects.get()
    assert RepeatSpot.objects.get().order == order
    case = Case.objects.get(pk=order.case_id)
    clerk.act(case, "reply_supervision", reply="已查明原因并整改")
    leader.act(case, "rate_supervision", rating="good")
    page = supervisor.go("/supervision/orders/?tab=rated")
    expect(page.locator("main")).to_contain_text("Good")

    # the ledgers know all of it
    page = leader.go("/supervision/ledgers/")
    expect(page.locator("tr.total")).to_contain_text("20.0%")
    page.locator("tr.total a").nth(1).click()
    expect(page.locator("main")).to_contain_text(stories[1].case.number)
    statuses = ApprovalRequest.objects.values_list("kind", "status")
    assert sorted(statuses) == [
        ("extension", "approved"),
        ("return", "approved"),
        ("suspension", "approved"),
    ]
    assert not [fault for story in stories for fault in case_verify(story.case)]
