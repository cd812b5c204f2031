"""Pages as people on the street see them: on a phone, with something on them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from cases.workflow import State
from tests.browser.conftest import PHONE
from tests.cast import Story
from tests.notices import read_log, rules_of

pytestmark = pytest.mark.django_db(transaction=True)

# A text of some length that stands in a column of a letter or two.
SQUEEZED = """() => [...document.querySelectorAll("main *")].filter((element) => {
    const own = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    const length = own.reduce((sum, node) => sum + node.data.trim().length, 0);
    const { width, height } = element.getBoundingClientRect();
    const size = parseFloat(getComputedStyle(element).fontSize);
    return length >= 6 && height > 0 && width > 1 && width < 2.5 * size && height > 4 * size;
}).map((element) => `${element.className}: ${element.textContent.trim().slice(0, 40)}`)"""


def faults_of(page: Page) -> list[str]:
    """Return which texts are squeezed, and whether the page is wider than the phone."""
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return [*page.evaluate(SQUEEZED), *([f"{wide} px too wide"] if wide > 0 else [])]


def test_what_is_read_on_a_phone_has_room_for_its_words(person, city_cast) -> None:
    rules_of(city_cast)
    story = Story(city_cast).walk_to(State.CHECKING)
    number = Story(city_cast, metres=40).walk_to(State.HANDLING).case.number
    read_log()
    faults: dict[str, list[str]] = {}
    pages = {
        "collector_lin": (
            *("/tasks/", f"/tasks/{story.case.number}/", "/tasks/report/", "/cases/", "/map/"),
            *("/components/", "/notifications/", "/notifications/preferences/", "/notices/"),
        ),
        "clerk_sun": ("/inbox/", f"/inbox/?case={number}", "/notifications/", "/evaluation/"),
    }
    for name, paths in pages.items():
        somebody = person(name)
        somebody.page.set_viewport_size(PHONE)
        for path in paths:
            found = faults_of(somebody.go(path))
            if path == "/notifications/":
                expect(somebody.page.locator("#notifications li")).not_to_have_count(0)
            if found:
                faults[path] = found
    assert faults == {}


def test_on_a_phone_the_map_is_seen_before_its_filters(person, city_cast) -> None:
    page = person("collector_lin").go("/map/")
    layers = page.get_by_role("group", name="Components")
    expect(layers).to_be_hidden()
    page.get_by_role("button", name="Layers and filters").click()
    expect(layers).to_be_visible()
    page.get_by_role("button", name="Layers and filters").click()
    expect(layers).to_be_hidden()
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(layers).to_be_visible()
