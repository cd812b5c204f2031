"""The wall in a browser: the shift drives it from another, and it lives through a restart."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.core.servers.basehttp import ThreadedWSGIServer
from django.test.testcases import LiveServerThread, QuietWSGIRequestHandler
from playwright.sync_api import expect

from cases.workflow import State
from desks.models import Wall
from desks.wall.services import kiosk_key_make
from live.services import events_sequence
from tests.browser.conftest import KeptFiles
from tests.cast import NOW, Story

pytestmark = pytest.mark.django_db(transaction=True)
WITHIN_MS = 10_000  # of silence the wall must say so


class WithOpenSockets(ThreadedWSGIServer):
    """Knows its connections: one that a browser keeps open would outlive the server."""

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection and serve it."""
        self.__dict__.setdefault("sockets", []).append(request)
        super().process_request(request, client_address)


class ServerThread(LiveServerThread):
    """Serves at the port it had before, whatever is left of its connections."""

    def _create_server(self, connections_override: Any = None) -> WithOpenSockets:
        return WithOpenSockets(
            (self.host, self.port),
            QuietWSGIRequestHandler,
            allow_reuse_address=True,
            connections_override=connections_override,
        )


class Server:
    """The pages' server, which a test may stop and start again at the same address."""

    def __init__(self) -> None:
        self.port = 0
        self.start()

    def start(self) -> None:
        """Serve, on the port it had before."""
        self.thread = ServerThread("localhost", static_handler=KeptFiles, port=self.port)
        self.thread.daemon = True
        self.thread.start()
        self.thread.is_ready.wait()
        if self.thread.error:
            raise self.thread.error
        self.port = self.thread.port

    def stop(self) -> None:
        """Answer nobody any more."""
        self.thread.terminate()
        for each in self.thread.httpd.__dict__.get("sockets", []):
            with suppress(OSError):  # closed long ago
                each.shutdown(socket.SHUT_RDWR)

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://localhost:{self.port}"


@pytest.fixture
def server(transactional_db) -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


@pytest.fixture
def address(server: Server) -> str:
    """Let people sit at the server that is stopped and started again."""
    return server.address


def test_the_shift_drives_a_wall_that_lives_through_a_restart(
    city_cast, chromium, server, person
) -> None:
    Story(city_cast).walk_to(State.HANDLING)
    events_sequence()
    wall = Wall.objects.create(
        city=city_cast.city, code="hall", name="大厅", name_en="Hall", language="en"
    )
    _row, key = kiosk_key_make(wall=wall, label="", actor=city_cast.administrator_bai, now=NOW)
    context = chromium.new_context(viewport={"width": 1920, "height": 1080}, locale="en-US")
    screen = context.new_page()
    screen.goto(f"{server.address}/wall/?key={key}")
    expect(screen.locator("[data-line]")).to_contain_text("Live")
    expect(screen.locator("[data-open=all]")).to_have_text("1")
    expect(screen.locator(".wall-label strong").first).to_be_visible()
    assert screen.evaluate("document.documentElement.scrollHeight") <= 1080, "nothing to scroll"

    shift = person("supervisor_zhao")
    page = shift.go("/supervision/")
    expect(page.locator("[aria-busy=true]")).to_have_count(0)  # the panels above have come
    form = page.locator("form[data-wall=hall]")
    form.locator("[name=scene]").select_option("district")
    form.locator("[name=district]").select_option("330105")
    form.locator("[name=held]").check()
    form.get_by_role("button").click()
    expect(page.locator("#walls")).to_contain_text("supervisor_zhao")
    where = screen.locator("[data-where]")
    expect(where).to_have_text("Gongshu District", timeout=WITHIN_MS)
    expect(screen.locator("[data-scene=district]")).to_have_attribute("aria-current", "true")
    expect(screen.locator("[data-round]")).to_have_text("held")
    expect(screen.locator("[data-open=all]")).to_have_text("0", timeout=WITHIN_MS)

    server.stop()
    expect(screen.locator("[data-line]")).to_contain_text("Disconnected", timeout=WITHIN_MS)
    expect(screen.locator("body")).to_have_attribute("data-health", "lost")
    server.start()
    expect(screen.locator("[data-line]")).to_contain_text("Live", timeout=2 * WITHIN_MS)
    expect(where).to_have_text("Gongshu District")

    wall.keys.update(revoked_at=NOW, revoked_by=city_cast.administrator_bai)
    gone = "This address opens no wall."
    expect(screen.locator("h1")).to_have_text(gone, timeout=WITHIN_MS)
    context.close()


@pytest.mark.parametrize(
    ("days", "drawn"),
    [
        ("[1, 1], [1, 2], [1, 1]", "polyline last"),
        ("null, [1, 1], [1, 2], null, null, [1, 4], [1, 1]", "polyline line polyline last"),
        ("[1, 1], null, [1, 2], null, [1, 1], [1, 2]", "day line day line polyline last"),
        ("[1, 1], [1, 2], null", "polyline"),
    ],
)
def test_the_trend_joins_days_across_those_without_a_rate(chromium, address, days, drawn) -> None:
    page = chromium.new_page()
    page.goto(f"{address}/login/")
    shapes = page.evaluate(
        f"""async () => {{
            const {{ trendLine }} = await import("/static/js/wall/evaluation.js");
            return [...trendLine([{days}]).children].map((each) =>
                each.getAttribute("class") ?? each.tagName);
        }}"""
    )
    assert " ".join(shapes) == drawn
    page.close()


def test_a_share_that_is_not_all_never_reads_as_all(chromium, address) -> None:
    page = chromium.new_page()
    page.goto(f"{address}/login/")
    shown = page.evaluate(
        """async () => {
            const { percent } = await import("/static/js/wall/format.js");
            const shares = [[1, 3], [1999, 2000], [9999, 10000], [99999, 100000], [7, 7], [0, 7]];
            return shares.map((share) => percent(...share)).join(" ");
        }"""
    )
    assert shown == "33.3 99.95 99.99 99.99 100.0 0.0"
    page.close()


def test_scenes_chosen_before_the_ground_has_come_wait_for_it(person, city_cast) -> None:
    errors: list[str] = []
    leader = person("leader_tang")
    leader.page.on("pageerror", lambda error: errors.append(str(error)))
    leader.page.route("**/wall/ground/**", lambda route: route.abort())
    page = leader.go("/wall/")
    for scene in ("district", "evaluation"):
        page.locator(f"[data-scene={scene}]").click()
    expect(page.locator("body")).to_have_attribute("data-health", "live")
    assert page.locator("[data-stage]").is_hidden()
    page.unroute("**/wall/ground/**")
    expect(page.locator("[data-stage]")).to_be_visible()
    assert errors == []
