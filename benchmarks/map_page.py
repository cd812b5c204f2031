"""The page of the map in Chromium, over as many components as the database has.

A hand drags the map about at three zooms while the page counts its frames; what it looks like in
the end lies in ``var/bench/map-<zoom>.png``. Chromium draws on the CPU here, beside the server.
"""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.test import Client
from playwright.sync_api import Page, sync_playwright

from accounts.models import City, User
from accounts.roles import Role
from benchmarks.figures import Figure
from benchmarks.stack import running_stack
from desks.replay.crew import Crew
from grid.models import Area

CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium-headless-shell", "chromium"))), ""
)
FOLDER = settings.BASE_DIR / "var" / "bench"
DRAWN_S, FRAME_MS, SLOW_FRAME_MS = 3, 17, 50
ZOOMS = (12, 15, 17)
DRAGS, STEPS, REACH = 6, 30, 260  # pixels that a drag goes
STEP_S = 0.016

COUNT_FRAMES = """() => {
    window.frames = [];
    let last = performance.now();
    const count = (now) => {
        window.frames.push(now - last);
        last = now;
        requestAnimationFrame(count);
    };
    requestAnimationFrame(count);
}"""
DRAWN = """() => {
    const page = document.querySelector("[data-city-map]").cityMapPage;
    const layer = page?.city.layers.components;
    return layer && !layer._loading && Object.keys(layer._tiles).length > 0;
}"""


def measure(database: str) -> Iterator[Figure]:
    """Measure how soon the map is drawn and how smoothly it moves."""
    call_command("collectstatic", interactive=False, verbosity=0)
    city = City.objects.get()
    reader = User.objects.get(pk=Crew(city).holder(Role.ACCEPTOR).pk)
    session = Client()
    session.force_login(reader, backend="accounts.backends.PersonBackend")
    cookie = session.cookies[settings.SESSION_COOKIE_NAME].value
    centre = Area.objects.filter(level="district", valid_to=None).earliest("code").geometry.centroid
    with running_stack() as stack, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        base = f"http://127.0.0.1:{stack.port}"
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])
        page = context.new_page()
        for zoom in ZOOMS:
            address = f"{base}/map/?at={centre.x:.5f},{centre.y:.5f},{zoom}"
            yield from at_zoom(page, address, zoom)
        browser.close()


def at_zoom(page: Page, address: str, zoom: int) -> Iterator[Figure]:
    """Open the map at a zoom, drag it about, and keep a picture of it."""
    page.goto("about:blank")
    started = time.monotonic()
    page.goto(address)
    page.wait_for_function(DRAWN)
    drawn = time.monotonic() - started
    yield Figure(f"map drawn at zoom {zoom}", drawn, DRAWN_S, "s", at_most=True)
    page.evaluate(COUNT_FRAMES)
    for drag in range(DRAGS):
        drag_by(page, REACH if drag % 2 else -REACH, REACH // 2 if drag % 3 else -REACH // 2)
    frames = page.evaluate("window.frames.slice(2)")
    page.wait_for_function(DRAWN)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=Path(FOLDER) / f"map-{zoom}.png")
    slow = statistics.quantiles(frames, n=20)[-1]
    name = f"frame while it is dragged at zoom {zoom}"
    yield Figure(f"{name}, median", statistics.median(frames), FRAME_MS, "ms", at_most=True)
    yield Figure(f"{name}, p95", slow, SLOW_FRAME_MS, "ms", at_most=True)


def drag_by(page: Page, right: int, down: int) -> None:
    """Drag the map as a hand does: press, move in steps, let go."""
    x, y = 850, 450
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, STEPS + 1):
        page.mouse.move(x + right * step / STEPS, y + down * step / STEPS)
        time.sleep(STEP_S)
    page.mouse.up()
