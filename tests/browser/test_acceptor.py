"""The acceptor's desk with the keyboard alone, and two acceptors at once."""

from __future__ import annotations

import pytest
from django.contrib.gis.geos import Point
from playwright.sync_api import Page, expect

from cases.models import Case
from cases.services import case_act, case_report
from components.models import CaseType
from components.services import component_create
from tests.cast import NOW, Cast, Story

pytestmark = pytest.mark.django_db(transaction=True)

REPORTS = 5
MOST_EFFORT = 12  # key presses and jumps of the focus, a report


class Keyboard:
    """Presses keys and counts them, and how often the focus jumps."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.presses = self.jumps = 0
        self.page.expose_function("focusJumped", self._jumped)
        self.page.add_init_script("document.addEventListener('focusin', () => focusJumped());")

    def _jumped(self) -> None:
        self.jumps += 1

    def press(self, *keys: str) -> None:
        """Press one key after the other."""
        for key in keys:
            self.presses += 1
            self.page.keyboard.press(key)

    @property
    def effort(self) -> int:
        """What it took so far."""
        return self.presses + self.jumps


def report_untyped(cast: Cast, metres: float) -> Case:
    """Report what its reporter did not name."""
    lon, lat = cast.near(metres)
    return case_report(
        actor=cast.collector_chen,
        source="collector",
        lon=lon,
        lat=lat,
        now=NOW,
        description="井盖缺一角，车轮压过有响声",
    )


def give_covers(cast: Cast) -> list[str]:
    """Put a manhole cover beside every report; returns their codes."""
    cover = CaseType.objects.get(code="C0103")
    return [
        component_create(
            actor=None,
            type=cover,
            geometry=Point(lon, lat, srid=4326),
            competent_body=cast.bodies["water"],
            maintainer=cast.bodies["water"],
            on=NOW.date(),
        ).code
        for lon, lat in (cast.near(150.0 * number + 3) for number in range(REPORTS))
    ]


def test_five_reports_are_accepted_by_keyboard_alone(person, city_cast) -> None:
    codes = give_covers(city_cast)
    cases = [report_untyped(city_cast, 150.0 * number) for number in range(REPORTS)]
    acceptor = person("acceptor_wang")
    page = acceptor.page
    keyboard = Keyboard(page)
    acceptor.go("/acceptance/")
    efforts = []
    for case in cases:
        before = keyboard.effort
        expect(page.locator(f'[data-report="{case.number}"]')).to_be_visible()
        expect(page.locator("#type-search")).to_be_focused()
        keyboard.press("F2")  # what is missing gets the focus: it has it already
        expect(page.locator("#type-search")).to_be_focused()
        keyboard.press("j", "g")
        expect(page.locator("#type-options [role=option]").first).to_contain_text("0103")
        keyboard.press("Enter", "1")  # ahead of the list that Enter brings
        expect(page.locator("#type-details [name=component]").first).to_be_checked()
        expect(page.locator("#expected")).to_contain_text("water")  # who would get it
        keyboard.press("F2")
        expect(page.locator("body")).to_contain_text(f"{case.number}:")
        efforts.append(keyboard.effort - before)
    assert max(efforts) <= MOST_EFFORT, efforts
    for case, code in zip(cases, codes, strict=True):
        case.refresh_from_db()
        assert (case.state, case.type.code, case.component.code) == ("accepted", "C0103", code)
    expect(page.locator(".queue")).to_contain_text("Nothing waits here")


def test_two_acceptors_at_one_report_lose_nothing(person, city_cast) -> None:
    case = Story(city_cast).case
    wang, wu = person("acceptor_wang"), person("acceptor_wu")
    wang.go(f"/acceptance/?case={case.number}")
    expect(wang.page.locator("[data-hold-text]")).to_contain_text("Yours")
    wu.go(f"/acceptance/?case={case.number}")
    expect(wu.page.locator("[data-hold-text]")).to_contain_text("acceptor_wang has it open")
    expect(wu.page.locator(".queue-row.taken")).to_contain_text("acceptor_wang")
    wu.page.locator("#id-address").fill("龙井路 3 号，茶室门口")

    wang.page.keyboard.press("F2")
    expect(wang.page.locator("body")).to_contain_text(f"{case.number}:")

    wu.page.locator("#id-address").press("F2")
    dialog = wu.page.locator("#dialog")
    expect(dialog).to_contain_text("Somebody has changed this case in the meantime")
    expect(dialog).to_contain_text("To file")  # the case as it is now
    wu.page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()
    expect(wu.page.locator("#id-address")).to_have_value("龙井路 3 号，茶室门口")
    case.refresh_from_db()
    assert (case.state, case.version) == ("accepted", 2)


def test_a_duplicate_is_merged_with_both_reports_side_by_side(person, city_cast) -> None:
    master, other = Story(city_cast, metres=20).case, Story(city_cast, metres=35).case
    case = Story(city_cast).case
    for story in (master, other):  # no longer in the acceptor's queue, still open
        case_act(
            case_id=story.pk,
            action="accept",
            actor=city_cast.acceptor_wu,
            now=NOW,
            type="E0102",
            address="文三路",
        )
    acceptor = person("acceptor_wang")
    page = acceptor.go("/acceptance/")
    page.keyboard.press("F4")
    sides = page.locator("#dialog .side")
    expect(sides.nth(0)).to_contain_text(case.number)
    expect(sides.nth(1)).to_contain_text(master.number)
    page.keyboard.press("1")  # the other one instead
    expect(sides.nth(1)).to_contain_text(other.number)
    page.keyboard.press("1")
    expect(sides.nth(1)).to_contain_text(master.number)
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_contain_text(f"{case.number}:")
    case.refresh_from_db()
    assert (case.state, case.master) == ("merged", master)
