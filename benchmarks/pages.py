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
from desks.replay.crew import Crew

CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-headless-shell"))), ""
)
QUERIES, SERVER_MS, PAINT_MS, WEIGHT_KB = 12, 60, 1000, 400
ROUNDS, PAINTS = 25, 5
PAGES = (
    ("/acceptance/", Role.ACCEPTOR, ""),
    ("/supervision/", Role.SHIFT_SUPERVISOR, ""),
    ("/dispatch/", Role.DISPATCHER, ""),
    ("/inbox/", Role.DEPARTMENT_CLERK, "city-sanitation"),
    ("/cases/", Role.ACCEPTOR, ""),
    ("/tasks/", Role.COLLECTOR, ""),
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
    newest = Case.objects.filter(is_open=True).order_by("-pk").values_list("number", flat=True)[0]
    pages = [*PAGES, (f"/cases/{newest}/", Role.SHIFT_SUPERVISOR, "")]
    people = [User.objects.get(pk=crew.holder(role, body).pk) for _path, role, body in pages]
    for (path, _role, _body), user in zip(pages, people, strict=True):
        yield from on_the_server(path, user)
    # Before the browser's driver is there: it runs a loop, and Django asks nothing inside of one.
    cookies = [session_of(user).cookies[settings.SESSION_COOKIE_NAME].value for user in people]
    with running_stack("redis", "ws") as stack, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        for (path, _role, _body), cookie in zip(pages, cookies, strict=True):
            yield from in_the_browser(browser, f"http://127.0.0.1:{stack.port}", path, cookie)
        browser.close()


def session_of(user: User) -> Client:
    """Return a client logged in as somebody."""
    client = Client(HTTP_HOST="localhost")
    client.force_login(user, backend="accounts.backends.PersonBackend")
    return client


def on_the_server(path: str, user: User) -> Iterator[Figure]:
    """Count the queries of a page and time it."""
    client = session_of(user)
    client.get(path)  # compiled and planned
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    yield Figure(f"{name_of(path)} SQL queries", len(captured), QUERIES, "", at_most=True)
    times = []
    for _round in range(ROUNDS):
        started = time.perf_counter()
        client.get(path)
        times.append(1000 * (time.perf_counter() - started))
    median = statistics.median(times)
    yield Figure(f"{name_of(path)} server, median", median, SERVER_MS, "ms", at_most=True)


def in_the_browser(browser: Browser, base: str, path: str, cookie: str) -> Iterator[Figure]:
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
    yield Figure(f"{name_of(path)} weight", weight, WEIGHT_KB, "KB", at_most=True)
    median = statistics.median(paints)
    yield Figure(f"{name_of(path)} first paint", median, PAINT_MS, "ms", at_most=True)


def name_of(path: str) -> str:
    """Return what a page is called in a figure: a case's number says nothing."""
    parts = path.strip("/").split("/")
    return f"{parts[0]}/…" if len(parts) > 1 else parts[0]
