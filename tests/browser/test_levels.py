"""From the city's desk to a district, to a street, to a crew with nothing but a link, and back."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.roles import Role
from cases.models import CaseEvent
from cases.services.verify import case_verify
from cases.workflow import DEADLINE_ACTIONS, State
from dispatch.models import ContractorLink
from tests.browser.conftest import PHONE
from tests.browser.test_pages import AXE, faults_of
from tests.cast import Story

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_case_goes_down_two_levels_and_out_by_a_link(
    person, city_cast, chromium, photograph
) -> None:
    city_cast.hire("clerk_gudang", "gudang", Role.DEPARTMENT_CLERK)
    story = Story(city_cast).walk_to(State.FILED)
    case = story.case

    person("dispatcher_li").act(case, "hand_down", desk="xihu")
    assert case.desk.code == "xihu"

    page = person("dispatcher_xihu").go(f"/dispatch/?case={case.number}")
    page.locator("#id-department").select_option("gudang")
    page.locator("#id-reason").fill("属地街道")
    page.locator("#dispatch-form summary").click()
    page.locator('input[name="cooperating"][value="water"]').check()
    page.keyboard.press("F2")
    expect(page.locator("body")).to_contain_text(f"{case.number}:")
    case.refresh_from_db()
    assert (case.state, case.department.code) == ("dispatched", "gudang")

    clerk = person("clerk_gudang")
    clerk.act(case, "sign")
    page = clerk.go(f"/inbox/?case={case.number}")
    expect(page.locator(".orders")).to_contain_text("water")
    page.get_by_role("link", name="Send to a contractor").click()
    page.locator('[name="name"]').fill("古荡保洁队")
    page.locator('[name="task"]').fill("清运西侧垃圾")
    page.get_by_role("button", name="Make the link").click()
    expect(page.locator(".qr svg")).to_be_visible()
    address = page.get_by_label("Address of the link").input_value()

    with chromium.new_context(viewport=PHONE, locale="zh-CN") as phone:
        phone.add_init_script(AXE)
        crew = phone.new_page()
        crew.goto(clerk.base + address[address.index("/l/") :])
        assert faults_of(crew, "light") + faults_of(crew, "dark") == []
        expect(crew.locator("main")).to_contain_text("清运西侧垃圾")
        crew.locator('input[name="outcome"][value="done"]').check(force=True)
        crew.locator('input[type="file"]').set_input_files(photograph("green"))
        crew.locator('[name="note"]').fill("已清运，地面冲洗")
        crew.locator("button.button-primary").click()
        expect(crew.get_by_role("status")).to_contain_text("已清运，地面冲洗")
        assert faults_of(crew, "light") + faults_of(crew, "dark") == []
    assert ContractorLink.objects.get().answers.get().photos.count() == 1

    person("clerk_shui").act(case, "complete_sub_order", note="阀门已关")
    page = clerk.go(f"/inbox/?queue=answers&case={case.number}")
    expect(page.locator(".pane")).to_contain_text("已清运，地面冲洗")
    page.get_by_role("link", name="Look at the answer").click()
    page.get_by_role("button", name="Complete with this answer").click()
    form = page.locator("[data-action-form] form")
    expect(form.locator('[name="note"]')).to_have_value("已清运，地面冲洗")
    expect(form.locator("[data-photo]")).to_have_count(1)
    for box in form.locator('input[name="closing_answers_met"]').all():
        box.check()
    form.locator(".form-foot button.button-primary").click()
    expect(page.locator("body")).to_contain_text(f"{case.number}:")
    case.refresh_from_db()
    assert case.state == State.HANDLED

    story.now = timezone.now()
    story.act("send_check", city_cast.acceptor_wang)
    story.act("check_pass", city_cast.collector_lin)
    story.act("close", city_cast.supervisor_zhao)
    steps = CaseEvent.objects.filter(case=case).exclude(action__in=DEADLINE_ACTIONS)
    assert list(steps.order_by("sequence").values_list("action", flat=True)) == [
        "report", "accept", "file", "hand_down", "dispatch", "sign", "send_link", "answer_link",
        "complete_sub_order", "complete", "send_check", "check_pass", "close",
    ]  # fmt: skip
    assert not list(case_verify(case))
