"""The address of a report in a browser: offered while typed, worded from the pin."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.django_db(transaction=True)

CROSSING = "学院路与文二路交叉口"


def test_an_address_sets_the_pin_and_the_pin_words_the_address(person, city_cast) -> None:
    page = person("acceptor_wang", locale="zh-CN").go("/acceptance/call/")
    address, lon = page.locator("#id_address"), page.locator("#id_longitude")
    words = page.locator("[data-place-words]")

    address.press_sequentially("文二路学院路口")
    option = page.locator("#id_address-options [role=option]").first
    expect(option).to_contain_text(CROSSING)
    address.press("Enter")  # closes the list: nobody chose anything
    expect(address).to_have_value("文二路学院路口")
    expect(lon).to_have_value("")

    address.press_sequentially("对面")
    expect(option).to_contain_text(CROSSING)
    address.press("ArrowDown")
    address.press("Enter")
    expect(lon).to_have_value("120.124651")
    expect(address).to_have_value("文二路学院路口对面")  # it says more than the name
    expect(words).to_contain_text(CROSSING)

    address.fill("")
    page.locator("#id_latitude").fill("30.284500")
    page.locator("#id_latitude").press("Tab")
    expect(address).to_have_value(f"{CROSSING}南侧约 60 米")

    page.locator("#id_latitude").fill("30.283900")
    page.locator("#id_latitude").press("Tab")
    expect(address).not_to_have_value(f"{CROSSING}南侧约 60 米")  # ours, so it follows the pin

    address.fill("老张家楼下")
    page.locator("#id_latitude").fill("30.284500")
    page.locator("#id_latitude").press("Tab")
    expect(words).to_contain_text("60")
    expect(address).to_have_value("老张家楼下")
