"""Real browsers on a real server: Debian's Chromium, one context a person."""

from __future__ import annotations

import mimetypes
import os
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.servers.basehttp import ThreadedWSGIServer
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.test.testcases import LiveServerThread
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from accounts.models import User
from cases.models import Case
from tests.cast import Cast, session_of

# The shell without a window starts and draws in half the time; not every system packages it.
CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium-headless-shell", "chromium"))), ""
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
PHONE_USERS = ("collector",)
expect.set_options(timeout=15_000)  # a busy machine is slow, not wrong


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the tests of a module.

    While it is open, Playwright's event loop runs in this thread: no test outside the module may
    meet it, since it forbids asyncio.run, and the tests' own queries beside it are synchronous.
    """
    with pytest.MonkeyPatch.context() as environment, sync_playwright() as playwright:
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


class KeptFiles(StaticFilesHandler):
    """Static files, kept in memory and by the browsers: they do not change while tests run."""

    def serve(self, request: HttpRequest) -> HttpResponse:
        """Answer with the file, for an hour."""
        content, kind = file_of(self.file_path(request.path))
        return HttpResponse(content, kind, headers={"Cache-Control": "max-age=3600"})


@cache
def file_of(path: str) -> tuple[bytes, str]:
    """Return the content and the kind of a static file."""
    found = finders.find(path)
    if not found:
        raise Http404
    return Path(found).read_bytes(), mimetypes.guess_type(path)[0] or "application/octet-stream"


class PatientServer(ThreadedWSGIServer):
    """Ends when its last answer is given: nothing asks a database that is gone."""

    daemon_threads = False


class PatientServerThread(LiveServerThread):
    """The thread of such a server."""

    server_class = PatientServer


@pytest.fixture
def address(transactional_db, monkeypatch) -> Iterator[str]:
    """Serve pages and every app's static files, in threads, on the test database.

    As in production, a thread keeps its connection, and with it what PostgreSQL has planned there;
    it ends with the browser's own connection.
    """
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", None)
    thread = PatientServerThread("localhost", static_handler=KeptFiles)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    if thread.error:
        raise thread.error
    yield f"http://localhost:{thread.port}"
    thread.terminate()


@pytest.fixture
def city_cast(transactional_db, cast) -> Cast:
    """The cast in a database of its own, so that the server's threads see it."""
    return cast


@pytest.fixture
def photograph(tmp_path: Path) -> Callable[[str], Path]:
    """Return a real picture file of a colour."""

    def take(colour: str) -> Path:
        path = tmp_path / f"{colour}.jpg"
        content = BytesIO()
        Image.new("RGB", (800, 600), colour).save(content, "JPEG")
        path.write_bytes(content.getvalue())
        return path

    return take


def cookie_of(user: User, base: str) -> dict[str, str]:
    """Return the cookie of somebody who has just logged in; the login page has tests of its own."""
    return {"name": settings.SESSION_COOKIE_NAME, "value": session_of(user), "url": base}


class Person:
    """Somebody at a browser, logged in, at the desk where their work begins."""

    def __init__(
        self, page: Page, base: str, user: User, photograph: Callable[[str], Path]
    ) -> None:
        self.page = page
        self.base = base
        self.name = user.username
        self.photograph = photograph
        page.set_default_timeout(30_000)
        page.context.add_cookies([cookie_of(user, base)])
        page.goto(f"{base}/")  # the modules that listen to keys have run when it is loaded

    @property
    def desk(self) -> str:
        """The path this person landed on."""
        return self.page.url.removeprefix(self.base)

    def go(self, path: str) -> Page:
        """Open a page of the site."""
        self.page.goto(self.base + path)
        return self.page

    def add_photo(self, colour: str) -> None:
        """Choose a photo in the open form and wait until it was sent."""
        chosen = self.page.locator("[data-photo]:visible").count()
        self.page.locator(".photo-picker input[type=file]").last.set_input_files(
            self.photograph(colour)
        )
        expect(self.page.locator("[data-photo]:visible")).to_have_count(chosen + 1)

    def act(self, case: Case, action: str, *, photo: str = "", **fields: str) -> None:
        """Open the case, press the action's button, answer what is asked, send it."""
        page = self.go(f"/cases/{case.number}/")
        more = page.locator("details.more summary")
        button = page.locator(
            f'main [href*="/actions/{action}/"], [action$="/actions/{action}/"] button'
        )
        if more.count() and not button.first.is_visible():
            more.first.click()
        asks = button.first.evaluate("element => element.tagName") == "A"
        button.first.click()
        if asks:
            self._answer(action, photo, fields)
        expect(page.locator("body")).to_contain_text(f"{case.number}: ")  # what came of it
        page.wait_for_load_state()
        case.refresh_from_db()

    def act_by_keyboard(self, case: Case, action: str, *, photo: str = "", **fields: str) -> None:
        """Do the same without a mouse; only a file is handed over, as the system's dialog would."""
        page = self.go(f"/cases/{case.number}/")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # the way past the head of the page
        self.tab_to(
            f'main a[href*="/actions/{action}/"], main form[action$="/actions/{action}/"] button'
        )
        asks = page.evaluate("document.activeElement.tagName") == "A"
        page.keyboard.press("Enter")
        if asks:
            form = page.locator(f'[data-action-form] form[action*="/actions/{action}/"]')
            expect(form).to_be_visible()
            for name, value in fields.items():
                self.tab_to(f'[data-action-form] [name="{name}"]')
                page.keyboard.type(value)
            if photo:
                self.add_photo(photo)
            for box in form.locator('input[name="closing_answers_met"]').all():
                box.focus()
                page.keyboard.press("Space")
            self.tab_to("[data-action-form] .form-foot button:not([type=button])")
            page.keyboard.press("Enter")
        expect(page.locator("body")).to_contain_text(f"{case.number}: ")
        page.wait_for_load_state()
        case.refresh_from_db()

    def tab_to(self, selector: str, most: int = 80) -> None:
        """Press Tab until the focus is there."""
        for _press in range(most):
            if self.page.evaluate("(it) => document.activeElement.matches(it)", selector):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab never comes to {selector}")

    def _answer(self, action: str, photo: str, fields: dict[str, str]) -> None:
        """Fill the dialog of an action and send it."""
        form = self.page.locator(f'[data-action-form] form[action*="/actions/{action}/"]')
        expect(form).to_be_visible()
        for name, value in fields.items():
            self._fill(form, name, value)
        if photo:
            self.add_photo(photo)
        for box in form.locator('input[name="closing_answers_met"]').all():
            box.check()
        form.locator(".form-foot button.button-primary, .form-foot button.button-danger").click()
        expect(form).to_have_count(0)

    def _fill(self, form, name: str, value: str) -> None:
        field = form.locator(f'[name="{name}"]').first
        if not field.is_visible():
            form.locator("details.optional > summary").click()
        kind = field.evaluate("element => element.type")
        if kind.startswith("select"):
            field.select_option(value)
        elif kind == "radio":
            form.locator(f'[name="{name}"][value="{value}"]').check()
        else:
            field.fill(value)


@pytest.fixture
def person(
    chromium: Browser, address: str, city_cast: Cast, photograph
) -> Iterator[Callable[[str], Person]]:
    """Return somebody of the cast at a browser of their own; a collector holds a phone."""
    contexts: dict[str, Person] = {}
    opened = []

    def sit_down(name: str, locale: str = "en") -> Person:
        if name not in contexts:
            size = PHONE if name.startswith(PHONE_USERS) else DESK
            lon, lat = city_cast.place
            context = chromium.new_context(
                viewport=size,
                locale=locale,
                timezone_id="Asia/Shanghai",
                geolocation={"longitude": lon, "latitude": lat},
                permissions=["geolocation"],
            )
            opened.append(context)
            contexts[name] = Person(
                context.new_page(), address, User.objects.get(username=name), photograph
            )
        return contexts[name]

    yield sit_down
    for context in opened:
        context.close()
