"""Several cases at once from the dispatch desk, and what reaches a department's phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from cases.models import BulkAct, Case
from cases.workflow import State
from tests.browser.conftest import PHONE, Person
from tests.cast import Story

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_batch_is_given_out_and_one_of_it_handled_on_a_phone(
    person, city_cast, chromium, address, photograph
) -> None:
    cases = [Story(city_cast, metres=20 * n).walk_to(State.FILED).case for n in range(3)]
    page = person("dispatcher_li").go("/dispatch/")
    page.get_by_label("Choose all").check()
    bar = page.locator("#bulk-form")
    expect(bar.locator("[data-bulk-count]")).to_have_text("3 chosen")
    bar.get_by_role("button", name="Dispatch").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    departments = [row.input_value() for row in page.locator("tbody select").all()]
    assert departments == ["sanitation"] * 3, "each row has what the rules suggest"
    page.locator(f'input[name="case"][value="{cases[2].number}"]').uncheck()
    page.locator(".action-bar .button-primary").click()
    expect(page.locator("main")).to_contain_text(cases[0].number)
    done = BulkAct.objects.get()
    assert (done.action, done.done_count, done.refused_count) == ("dispatch", 2, 0)
    states = dict(Case.objects.values_list("number", "state"))
    assert [states[case.number] for case in cases] == ["dispatched", "dispatched", "filed"]

    case = cases[0]
    with chromium.new_context(viewport=PHONE, has_touch=True, is_mobile=True, locale="en") as phone:
        clerk = Person(phone.new_page(), address, city_cast.clerk_sun, photograph)
        page = clerk.page
        assert clerk.desk == "/inbox/"
        expect(page.locator(".list-column [data-case]")).to_have_count(2)
        page.locator(f'[data-case="{case.number}"] a').first.tap()
        pane = page.locator(".pane")
        expect(pane).to_contain_text(case.address)
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, "nothing to scroll sideways"
        pane.locator('[action$="/actions/sign/"] button').tap()
        expect(page.locator("body")).to_contain_text(f"{case.number}: ")
        page = clerk.go(f"/inbox/?queue=hand&case={case.number}")
        page.locator("[data-tick]").first.tap()
        page.reload()
        expect(page.locator("[data-tick]").first).to_be_checked()  # kept while one works
        page.locator('.pane [href*="/actions/complete/"]').tap()
        expect(page.locator('[name="closing_answers_met"]').first).to_be_checked()
        clerk._answer("complete", "green", {"note": "已清运"})
        expect(page.locator("body")).to_contain_text(f"{case.number}: ")
    case.refresh_from_db()
    assert case.state == State.HANDLED
    assert case.photos.filter(purpose="after").count() == 1
