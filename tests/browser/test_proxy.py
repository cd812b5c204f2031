"""A proxy case charged to the fund: every step by another person at a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from cases.services.verify import case_verify
from cases.workflow import State
from common import clock
from dispatch.funds.models import JournalEntry, ProxyWork
from dispatch.funds.selectors import books_verify
from tests.api.funds.conftest import build_funds
from tests.cast import Story

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_proxy_case_is_charged_to_the_fund(person, city_cast) -> None:
    now = clock.now()
    build_funds(city_cast)
    story = Story(city_cast, now=now).walk_to(State.HANDLING)
    case = story.case

    leader = person("leader_tang")
    page = leader.go("/funds/books/xihu/")
    _press(page, "Enter a budget")
    _fill(page, year=str(now.year), amount="20,000", note="年度预算")
    page.goto(page.url.split("?")[0] + f"?year={now.year}")
    _press(page, "Allocate")
    _send(page, year=str(now.year), amount="12.345")
    expect(page.locator(".field-error")).to_contain_text("two decimals")
    _fill(page, amount="10000")
    expect(page.locator("main")).to_contain_text("10,000.00")

    clerk = person("clerk_sun")
    clerk.act(
        case,
        "request_proxy",
        reason_code="refuses",
        reason="责任单位拒不整改",
        squad="squad",
        estimate="3000",
    )
    dispatcher = person("dispatcher_li")
    page = dispatcher.go(f"/cases/{case.number}/")
    _press(page, "Enter a quote")
    _fill(page, bidder="rival", amount="3100", note="电话报价")
    leader.act(case, "approve_proxy")
    assert case.state == "dispatched"
    work = ProxyWork.objects.get()

    squad = person("squad_gao")
    page = squad.go(f"/cases/{case.number}/")
    expect(page.locator("#proxy h2")).to_be_visible()
    expect(page.locator("#proxy")).not_to_contain_text("3,100.00")
    _press(page, "Enter a quote")
    _fill(page, amount="2800", note="含人工和清运")
    page = dispatcher.go(f"/cases/{case.number}/")
    expect(page.locator("#proxy")).to_contain_text("3,100.00")
    _press(page, "Accept a quote")
    _fill(page)
    squad.act(case, "sign")
    squad.act(case, "complete", photo="green", note="已整治")

    page = squad.go(f"/cases/{case.number}/")
    _press(page, "Enter the cost")
    form = page.locator("[data-action-form]")
    form.get_by_label("Item 1", exact=True).fill("人工")
    form.get_by_label("Quantity 1", exact=True).fill("2.5")
    form.get_by_label("Price in yuan 1", exact=True).fill("400")
    form.get_by_label("Item 2", exact=True).fill("清运")
    form.get_by_label("Price in yuan 2", exact=True).fill("1750.50")
    squad.add_photo("white")
    _fill(page)
    expect(page.locator("#proxy")).to_contain_text("2,750.50")

    supervisor = person("supervisor_zhao")
    page = supervisor.go("/funds/works/?queue=check")
    page.locator("main").get_by_role("link", name=case.number).click()
    _press(page, "Cost is right")
    _fill(page)
    person("acceptor_wang").act(case, "send_check", collector="collector_lin")
    person("collector_lin").act(case, "check_pass", photo="lime")

    inspector = person("inspector_he")
    page = inspector.go(f"/cases/{case.number}/")
    _press(page, "Charge to the fund")
    _fill(page)
    expect(page.locator("#proxy")).to_contain_text("Charged")
    supervisor.act(case, "close")
    assert case.state == "closed"

    page = inspector.go(f"/funds/books/xihu/?year={now.year}")
    expect(page.locator(".fund-figures")).to_contain_text("7,249.50")
    expect(page.locator(".fund-ledger")).to_contain_text(case.number)
    kinds = JournalEntry.objects.filter(work=work).order_by("pk").values_list("kind", "amount_fen")
    assert list(kinds) == [("commitment", 300_000), ("release", 20_000), ("charge", 275_050)]
    assert books_verify() == []
    assert not list(case_verify(case))


def _press(page, label: str) -> None:
    """Press a button that opens a form in the dialog."""
    page.locator("main").get_by_role("link", name=re.compile(label)).first.click()
    expect(page.locator("[data-action-form] .form-foot")).to_be_visible()


def _fill(page, **fields: str) -> None:
    """Answer the questions of the open form, send it and wait for what comes of it."""
    _send(page, **fields)
    expect(page.locator("[data-action-form] form")).to_have_count(0)
    page.wait_for_load_state()


def _send(page, **fields: str) -> None:
    """Answer the questions of the open form and send it; a refused one stays."""
    form = page.locator("[data-action-form] form")
    for name, value in fields.items():
        field = form.locator(f'[name="{name}"]').first
        if field.evaluate("element => element.type").startswith("select"):
            field.select_option(value)
        else:
            field.fill(value)
    form.locator(".form-foot button.button-primary, .form-foot button.button-danger").click()
