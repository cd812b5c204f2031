"""The frame of every page: its header fits, and nothing moves while a page comes together."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from cases.workflow import State
from tests.cast import Story

pytestmark = pytest.mark.django_db(transaction=True)

HEADER = """() => {
    const right = (element) => element.getBoundingClientRect().right;
    const parts = [...document.querySelector(".top").children].filter((each) => each.clientWidth);
    const covered = parts.slice(1).filter((each, at) =>
        right(parts[at]) > each.getBoundingClientRect().left + 1);
    const name = document.querySelector(".mark > span");
    return {
        name: name.innerText,
        isCut: name.scrollWidth > name.clientWidth && getComputedStyle(name).overflow !== "visible",
        covered: covered.map((each) => each.className),
        tooWide: document.documentElement.scrollWidth - innerWidth,
    };
}"""
MOVES = """
window.moves = [];
const tell = ({ node, previousRect: a, currentRect: b }) =>
    `${node?.outerHTML?.slice(0, 60) ?? "gone"} ${a.x},${a.y} -> ${b.x},${b.y}`;
const keep = ({ value, sources }) => { window.moves.push([value, sources.map(tell)]); };
new PerformanceObserver((list) => list.getEntries().forEach(keep))
    .observe({ type: "layout-shift", buffered: true });
"""
DRAWN = "new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
MOST_MOVED = 0.01  # of the window; 0.1 is what browsers' makers call good
DESKS = {
    "/acceptance/": "acceptor_wang",
    "/acceptance/call/": "acceptor_wang",
    "/supervision/": "supervisor_zhao",
    "/dispatch/": "dispatcher_li",
    "/inbox/": "clerk_sun",
    "/cases/": "supervisor_zhao",
    "/components/": "administrator_bai",
    "/tasks/": "collector_chen",
    "/wall/": "supervisor_zhao",
}


@pytest.mark.parametrize("width", [1440, 1280])
@pytest.mark.parametrize(("language", "city"), [("zh-CN", "杭州市"), ("en", "Hangzhou")])
def test_the_header_has_room_for_the_citys_name_and_every_desk(
    person, width, language, city
) -> None:
    sitting = person("administrator_bai", language)
    page = sitting.page
    page.set_viewport_size({"width": width, "height": 900})
    sitting.go("/cases/")
    header = page.evaluate(HEADER)
    assert header.pop("name").startswith(city)
    assert header == {"isCut": False, "covered": [], "tooWide": 0}
    menu = page.locator(".nav .menu")
    expect(menu).to_be_hidden()
    page.locator(".nav summary").focus()
    page.keyboard.press("Enter")
    expect(menu).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.nav .menu') !== null")
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(page.locator(".nav summary")).to_be_focused()


@pytest.mark.parametrize("path", DESKS)
def test_nothing_moves_while_a_desk_comes_together(person, city_cast, path) -> None:
    for metres, state in enumerate((State.REPORTED, State.FILED, State.HANDLING), 1):
        Story(city_cast, metres=metres * 20).walk_to(state)
    sitting = person(DESKS[path])
    page = sitting.page
    page.add_init_script(MOVES)
    parts = re.compile("/panels/|/filters/")
    asked: list[Route] = []

    def hold(route: Route) -> None:
        asked.append(route)

    page.route(parts, hold)
    sitting.go(path)
    page.evaluate(DRAWN)
    while asked:  # in the worst order: what stands highest comes last
        part = asked.pop()
        with page.expect_response(part.request.url):
            part.continue_()
        page.evaluate(DRAWN)
    page.unroute(parts)
    page.wait_for_load_state("networkidle")
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    page.evaluate(DRAWN)
    moves = page.evaluate("window.moves")
    assert sum(value for value, _what in moves) < MOST_MOVED, moves


def test_a_form_clicked_twice_is_sent_once(person) -> None:
    somebody, sent = person("acceptor_wang"), []

    def keep_waiting(route: Route) -> None:
        sent.append(route.request.method)
        route.fulfill(status=204)  # the page stays, as while an answer is on its way

    somebody.page.route("**/i18n/**", keep_waiting)
    button = somebody.page.get_by_role("button", name="中文")
    with somebody.page.expect_request("**/i18n/**"):
        button.click()
    button.click()
    somebody.go("/acceptance/")  # by now whatever was sent is known
    assert sent == ["POST"]
