"""What happens elsewhere appears on open pages by itself, and nothing on them moves."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import uvicorn
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from playwright.sync_api import expect

from accounts.services import user_set_roles
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
    desk, listed = wang.go("/acceptance/"), wu.go("/cases/")
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
