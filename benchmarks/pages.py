"""The desks' pages over the seeded cases: queries, the server's time, first paint, weight.

Each page is opened by somebody whose desk it is: in this process for its queries and its time, and
in Chromium on the stack of ``make run`` for what a person waits for and what goes over the wire.
"""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections.abc import Iterator

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import Browser, sync_playwright

from accounts.models import City, User
from accounts.roles import Role
from benchmarks.figures import Figure
from benchmarks.stack import running_stack
from cases.models import Case
from cases.workflow import State
from components.models import TypeKind
from desks.replay.crew import Crew
from desks.views import PANELS

CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-headless-shell"))), ""
)
QUERIES, SERVER_MS, PAINT_MS, WEIGHT_KB = 12, 60, 1000, 400
SEARCH_MS = 200  # what the suite ``search`` gives nineteen of twenty
ROUNDS, PAINTS = 25, 5
PAGES = (
    ("acceptance", "/acceptance/", Role.ACCEPTOR, ""),
    ("supervision", "/supervision/", Role.SHIFT_SUPERVISOR, ""),
    ("dispatch", "/dispatch/", Role.DISPATCHER, ""),
    ("inbox", "/inbox/", Role.DEPARTMENT_CLERK, "city-sanitation"),
    ("cases", "/cases/", Role.ACCEPTOR, ""),
    ("cases, department", "/cases/", Role.DEPARTMENT_CLERK, "city-sanitation"),
    ("cases, overdue", "/cases/?light=red", Role.SHIFT_SUPERVISOR, ""),
    ("cases, words", "/cases/?q=井盖", Role.SHIFT_SUPERVISOR, ""),
    ("cases, words, department", "/cases/?q=井盖", Role.DEPARTMENT_CLERK, "city-sanitation"),
    ("tasks", "/tasks/", Role.COLLECTOR, ""),
    ("map", "/map/", Role.SHIFT_SUPERVISOR, ""),
    ("case", "/cases/{open}/", Role.SHIFT_SUPERVISOR, ""),
)
# What a page fetches by itself: timed on the server alone.
PARTS = (
    *(
        (f"supervision: {panel}", f"/supervision/panels/{panel}/", Role.SHIFT_SUPERVISOR, "")
        for panel in PANELS
    ),
    (
        "dispatch: pane",
        "/dispatch/?queue=filed&part=pane&case={filed}",
        Role.DISPATCHER,
        "",
    ),
    ("dispatch: further rows", "/dispatch/?part=rows&from=50", Role.DISPATCHER, ""),
    (
        "inbox: pane",
        "/inbox/?part=pane&case={handling}",
        Role.DEPARTMENT_CLERK,
        "city-sanitation",
    ),
    (
        "acceptance: type",
        "/acceptance/{reported}/details/?type={type}",
        Role.ACCEPTOR,
        "",
    ),
)
# Photos and tiles are not part of a page's weight.
WEIGHT = """() => performance.getEntriesByType("resource")
    .filter(({ name }) => !/\\/(photos|tiles|media)\\//.test(name))
    .reduce((sum, { transferSize }) => sum + transferSize,
        performance.getEntriesByType("navigation")[0].transferSize)"""
PAINT = """() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null"""


def measure(database: str) -> Iterator[Figure]:
    """Measure every page, in the database of the cases."""
    call_command("collectstatic", interactive=False, verbosity=0)
    crew = Crew(City.objects.get())
    numbers = cases_shown(crew)
    pages, parts = (
        [
            (name, path.format(**numbers), User.objects.get(pk=crew.holder(role, body).pk))
            for name, path, role, body in rows
        ]
        for rows in (PAGES, PARTS)
    )
    for name, path, user in pages:
        yield queries_of(name, path, user)
        yield time_of(name, path, user)
    for name, path, user in parts:
        yield time_of(name, path, user, HTTP_HX_REQUEST="true")
    # Before the browser's driver is there: it runs a loop, and Django asks nothing inside of one.
    cookies = [
        session_of(user).cookies[settings.SESSION_COOKIE_NAME].value for _name, _path, user in pages
    ]
    with running_stack("redis", "ws") as stack, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        base = f"http://127.0.0.1:{stack.port}"
        for (name, path, _user), cookie in zip(pages, cookies, strict=True):
            yield from in_the_browser(browser, base, name, path, cookie)
        browser.close()


def cases_shown(crew: Crew) -> dict[str, str]:
    """Return the numbers of the cases whose pages are opened, and a type of a component."""
    opened = Case.objects.filter(is_open=True).order_by("-pk")
    reported = opened.filter(state=State.REPORTED, type__kind=TypeKind.COMPONENT)
    kind = reported.select_related("type")[0]
    desk = crew.holder(Role.DISPATCHER).organisation
    clerk = crew.holder(Role.DEPARTMENT_CLERK, "city-sanitation")
    return {
        "open": opened[0].number,
        "filed": opened.filter(state=State.FILED, desk=desk)[0].number,
        "handling": opened.filter(state=State.HANDLING, department=clerk.organisation)[0].number,
        "reported": kind.number,
        "type": kind.type.code if kind.type else "",
    }


def session_of(user: User) -> Client:
    """Return a client logged in as somebody."""
    client = Client(HTTP_HOST="localhost")
    client.force_login(user, backend="accounts.backends.PersonBackend")
    return client


def queries_of(name: str, path: str, user: User) -> Figure:
    """Count the queries of a page."""
    client = session_of(user)
    client.get(path)  # compiled and planned
    with CaptureQueriesContext(connection) as captured:
        client.get(path)
    return Figure(f"{name}: SQL queries", len(captured), QUERIES, "", at_most=True)


def time_of(name: str, path: str, user: User, **headers: str) -> Figure:
    """Time a page in this process."""
    client = session_of(user)
    answer = client.get(path, **headers)
    assert answer.status_code == 200, (path, answer.status_code)
    times = []
    for _round in range(ROUNDS):
        started = time.perf_counter()
        client.get(path, **headers)
        times.append(1000 * (time.perf_counter() - started))
    most = SEARCH_MS if "?q=" in path else SERVER_MS
    return Figure(f"{name}: server", statistics.median(times), most, "ms", at_most=True)


def in_the_browser(
    browser: Browser, base: str, name: str, path: str, cookie: str
) -> Iterator[Figure]:
    """Open a page with an empty cache for its weight, then again for its first paint."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])
    page = context.new_page()
    page.goto(base + path)
    page.wait_for_load_state("networkidle")
    weight = page.evaluate(WEIGHT) / 1024
    paints = []
    for _round in range(PAINTS):
        page.goto("about:blank")
        page.goto(base + path)
        page.wait_for_function(PAINT)
        paints.append(page.evaluate(PAINT))
    context.close()
    yield Figure(f"{name}: weight", weight, WEIGHT_KB, "KB", at_most=True)
    median = statistics.median(paints)
    yield Figure(f"{name}: first paint", median, PAINT_MS, "ms", at_most=True)
