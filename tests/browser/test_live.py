"""What happens elsewhere appears on open pages by itself, and nothing on them moves."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import uvicorn
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from playwright.sync_api import expect

from accounts.services import user_set_roles
from cases.workflow import State
from citymgmt.asgi import application
from tests.cast import Story
from tests.faults.servers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

SHIFTS = """() => new Promise((done) => {
    window.shifts = [];
    const moved = ({ node }) => node?.outerHTML?.slice(0, 120) ?? "a node that is gone";
    const keep = ({ sources }) => { window.shifts.push(sources.map(moved)); };
    const add = (list) => list.getEntries().forEach(keep);
    new PerformanceObserver(add).observe({ type: "layout-shift" });
    done();
})"""

SHIFTED = """() => new Promise((done) =>
    requestAnimationFrame(() => setTimeout(() => done(window.shifts))))"""  # what is drawn is told

CASE_ON_MAP = """([lon, lat, number]) => {
    const there = document.querySelector("[data-city-map]").cityMapPage.under({ lng: lon, lat });
    return there?.feature.props.number === number;
}"""


@pytest.fixture
def address(transactional_db) -> Iterator[str]:
    """Serve pages and sockets together, on the test database."""
    files = ASGIStaticFilesHandler(application)
    config = uvicorn.Config(files, host="localhost", port=0, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, "the server")
    yield f"http://localhost:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(30)


def test_what_others_do_arrives_on_open_pages_without_a_reload(person, city_cast) -> None:
    story = Story(city_cast)
    number = story.case.number
    wang, wu = person("acceptor_wang"), person("acceptor_wu")
    listed, desk = wu.go("/cases/"), wang.go("/acceptance/")  # nobody else has the report open
    lon, lat = city_cast.near(40)
    mapped = person("supervisor_zhao").go(f"/map/?at={lon},{lat},18")
    expect(desk.locator("#duplicates .section-title")).to_be_visible()  # the desk's own last words
    expect(desk.locator("[data-hold]")).to_contain_text("Yours")
    for page in (desk, listed, mapped):
        expect(page.locator('[data-health="ok"]')).to_be_visible()
        page.wait_for_load_state("networkidle")  # what a page fetches by itself has come
        page.evaluate(SHIFTS)
    row = listed.locator(f'[data-case="{number}"]')
    before = row.locator(".badge").inner_text()

    other = Story(city_cast, metres=40)
    expect(desk.locator("[data-news]")).to_contain_text("1 changed since you looked")
    assert desk.locator(f'[data-case="{other.case.number}"]').count() == 0, "nothing is pushed in"
    mapped.wait_for_function(CASE_ON_MAP, arg=[lon, lat, other.case.number])

    story.act("accept", city_cast.acceptor_wang)
    expect(row.locator(".badge")).not_to_have_text(before)
    expect(desk.locator("[data-health-text]")).to_contain_text("delay")
    assert [page.evaluate(SHIFTED) for page in (desk, listed)] == [[], []]

    first, second = wang.go(f"/cases/{number}/"), wu.go(f"/cases/{number}/")
    expect(first.locator("[data-looking] .person-chip")).to_contain_text("acceptor_wu")
    wu.go("/cases/")
    expect(first.locator("[data-looking] .person-chip")).to_have_count(0)
    story.act("file", city_cast.supervisor_zhao)
    expect(first.locator("[data-case-news]")).to_be_visible()

    user_set_roles(user=city_cast.acceptor_wu, roles=[])
    expect(second.locator("[data-case].is-gone").first).to_be_visible()


TOO_FAR_BEHIND = """async () => {
    const { EventLog } = await import("/static/js/live/log.js");
    const line = Object.assign(new EventTarget(), { isOpen: true, say() {} });
    const log = new EventLog(line, { feed: "/api/v1/events/", position: 0 });
    const told = [];
    for (const name of ["reload", "read"]) log.addEventListener(name, () => told.push(name));
    await log.resume();
    return told;
}"""


def test_a_page_further_behind_than_it_reads_loads_again_what_it_shows(person, city_cast) -> None:
    page = person("acceptor_wang").go("/cases/")
    assert page.evaluate(TOO_FAR_BEHIND) == ["read"]
    more = {"events": [], "position": 500, "is_complete": False}
    page.route("**/api/v1/events/**", lambda route: route.fulfill(json=more))
    assert page.evaluate(TOO_FAR_BEHIND) == ["reload", "read"]


def test_rows_are_asked_for_ever_more_seldom_while_nobody_answers(person, city_cast) -> None:
    story = Story(city_cast).walk_to(State.CHECKED)
    page = person("acceptor_wang").go("/cases/")
    expect(page.locator('[data-health="ok"]')).to_be_visible()
    row = page.locator(f'[data-case="{story.case.number}"]')
    expect(row.locator(".clock")).to_be_visible()
    asked = []

    def away(route):
        asked.append(route)
        route.fulfill(status=503)

    page.route("**/live/rows/**", away)
    story.act("close", city_cast.supervisor_zhao)
    page.wait_for_timeout(5000)
    assert 1 <= len(asked) <= 4
    page.unroute("**/live/rows/**")
    expect(row.locator(".badge")).to_contain_text("Closed")
    expect(row.locator(".clock")).to_be_hidden()  # a closed case has no deadline to miss
