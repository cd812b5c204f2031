"""The journeys a city buys the system for, each step by another person at a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from cases.models import ApprovalRequest, Case, CaseClock, CaseEvent
from cases.services.verify import case_verify

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_case_goes_from_report_to_close_at_eight_desks(person, city_cast) -> None:
    """From the dispatch on by keyboard alone; what comes before has tests of its own."""
    collector = person("collector_chen")
    assert collector.desk == "/tasks/"
    page = collector.go("/tasks/report/")
    collector.add_photo("brown")
    page.get_by_role("combobox", name="Type").fill("bllj")  # initials of 暴露垃圾
    page.get_by_role("option").first.click()
    page.get_by_label("Description").fill("人行道上一堆垃圾")
    page.get_by_role("button", name="Where I am").click()
    expect(page.locator("#id_longitude")).not_to_have_value("")
    page.get_by_role("button", name="Send the report").click()
    expect(page).to_have_url(re.compile("/tasks/"))
    case = Case.objects.get()
    assert (case.state, case.type.code, case.photos.count()) == ("reported", "E0102", 1)

    acceptor = person("acceptor_wang")
    assert acceptor.desk == "/acceptance/"
    acceptor.page.keyboard.press("F2")
    _wait_for(case, "accepted", acceptor.page)

    supervisor = person("supervisor_zhao")
    assert supervisor.desk == "/supervision/"
    supervisor.act(case, "file", urgency="normal")
    assert case.state == "filed"

    dispatcher = person("dispatcher_li")
    assert dispatcher.desk == "/dispatch/"
    page = dispatcher.go(f"/dispatch/?case={case.number}")
    expect(page.locator("#id-department")).to_have_value("sanitation")  # the suggestion
    page.keyboard.press("F2")
    _wait_for(case, "dispatched", page)

    clerk = person("clerk_sun")
    assert clerk.desk == "/inbox/"
    clerk.act_by_keyboard(case, "sign")
    clerk.act_by_keyboard(case, "complete", photo="green", note="已清运，地面冲洗")
    assert case.state == "handled"

    acceptor.act_by_keyboard(case, "send_check", collector="collector_lin")
    checker = person("collector_lin")
    expect(checker.go("/tasks/").locator("main")).to_contain_text(case.address)
    checker.act_by_keyboard(case, "check_pass", photo="white")
    assert case.state == "checked"

    supervisor.act_by_keyboard(case, "close")
    assert case.state == "closed"
    page = supervisor.go(f"/cases/{case.number}/")
    expect(page.locator("main img")).not_to_have_count(0)
    actors = CaseEvent.objects.filter(case=case).values_list("action", "actor__username")
    assert dict(actors) == {
        "report": "collector_chen",
        "accept": "acceptor_wang",
        "file": "supervisor_zhao",
        "dispatch": "dispatcher_li",
        "sign": "clerk_sun",
        "complete": "clerk_sun",
        "send_check": "acceptor_wang",
        "check_pass": "collector_lin",
        "close": "supervisor_zhao",
    }
    assert not list(case_verify(case))


def test_a_case_survives_every_exception(person, city_cast) -> None:
    acceptor, supervisor = person("acceptor_wang"), person("supervisor_zhao")
    dispatcher, clerk = person("dispatcher_li"), person("clerk_sun")
    leader, checker = person("leader_tang"), person("collector_lin")
    case = _call(acceptor, city_cast)

    acceptor.act(case, "ask_confirmation", collector="collector_lin")
    checker.act(case, "confirm", photo="gray", outcome="true")
    acceptor.act(
        case, "refuse", reason_code=_first_option(acceptor, case, "refuse"), reply="不属城管"
    )
    assert case.state == "refused"
    supervisor.act(case, "appeal", reason="市民补充了证据")
    assert (case.state, case.run) == ("reported", 2)

    acceptor.act(case, "accept")
    supervisor.act(case, "file")
    dispatcher.act(case, "dispatch", department="gardens", reason="绿地旁")
    clerk_of_gardens = person("clerk_hua")
    clerk_of_gardens.act(case, "request_return", reason="不是绿地垃圾")
    dispatcher.act(case, "approve_return")
    assert case.state == "filed"

    dispatcher.act(case, "dispatch", department="sanitation", reason="环卫责任区")
    clerk.act(case, "sign")
    clerk.act(
        case,
        "request_extension",
        extension_value="1",
        extension_unit="working_hour",
        reason="车辆检修",
    )
    before = case.due_at
    dispatcher.act(case, "approve_extension")
    assert case.due_at > before
    clerk.act(case, "request_suspension", reason="等待产权单位", review_at="2027-01-15T09:00")
    dispatcher.act(case, "approve_suspension")
    assert case.state == "handling"
    leader.act(case, "approve_suspension")
    assert case.state == "suspended"
    dispatcher.act(case, "resume")

    clerk.act(case, "complete", photo="green", note="已清")
    acceptor.act(case, "send_check", collector="collector_lin")
    checker.act(case, "check_fail", photo="brown", note="墙角还有")
    assert (case.state, case.rework_count) == ("rework", 1)
    dispatcher.act(case, "dispatch")
    clerk.act(case, "sign")
    clerk.act(case, "complete", photo="lime", note="墙角已清")
    acceptor.act(case, "send_check", collector="collector_lin")
    checker.act(case, "check_pass", photo="white")
    supervisor.act(case, "close")
    assert case.state == "closed"

    acceptor.act(case, "propose_reopen", reason="回访不满意")
    supervisor.act(case, "reopen")
    assert (case.state, case.run) == ("rework", 3)
    kinds = ApprovalRequest.objects.filter(case=case).values_list("kind", "status")
    assert set(kinds) == {
        ("return", "approved"),
        ("extension", "approved"),
        ("suspension", "approved"),
        ("reopen", "approved"),
    }
    outcomes = CaseClock.objects.filter(case=case, kind="handle").values_list("outcome", flat=True)
    assert set(outcomes) == {"annulled", "done"}
    assert not list(case_verify(case))


def _call(acceptor, cast) -> Case:
    """Take a citizen's call down at the hotline desk."""
    page = acceptor.go("/acceptance/call/")
    lon, lat = cast.place
    page.get_by_role("combobox", name="Type").fill("0102")
    page.get_by_role("option", name=re.compile("E?0102.*")).last.click()
    page.get_by_label("Description").fill("楼下有一堆垃圾")
    page.locator("#id_longitude").fill(f"{lon:.6f}")
    page.locator("#id_latitude").fill(f"{lat:.6f}")
    page.locator('[name="reporter_phone"]').fill("13800000000")
    page.get_by_role("button", name=re.compile("report|take|Save", re.IGNORECASE)).last.click()
    page.wait_for_load_state()
    return Case.objects.get()


def _first_option(someone, case: Case, action: str) -> str:
    """Return the first real choice of an action's reasons."""
    page = someone.go(f"/cases/{case.number}/actions/{action}/")
    return page.locator('[name="reason_code"] option').nth(1).get_attribute("value")


def _wait_for(case: Case, state: str, page) -> None:
    """The desk says in a line what came of the action."""
    expect(page.locator("body")).to_contain_text(f"{case.number}:")
    case.refresh_from_db()
    assert case.state == state
