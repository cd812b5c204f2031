"""Every page, both languages and themes: accessible, fitting, light, without a script error."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from functools import cache
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from playwright.sync_api import Error, Page

from cases.workflow import State
from tests.browser.conftest import DESK, PHONE, PHONE_USERS, cookie_of, file_of
from tests.cast import Story
from tests.matrix.test_addresses import ADDRESSES, PEOPLE, address_of, parts, table

__all__ = ["parts"]

pytestmark = pytest.mark.django_db(transaction=True)

AXE = (settings.BASE_DIR / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
LOOK_AT = """async (theme) => {
    // A rule's impact is that of all it finds: what cannot find a grave fault is left out.
    const slight = axe._audit.rules.filter(({ impact }) => ["minor", "moderate"].includes(impact));
    const rules = Object.fromEntries(slight.map(({ id }) => [id, { enabled: false }]));
    const still = new CSSStyleSheet(); // no colour is on its way to another
    still.replaceSync("*, *::before, *::after { transition: none !important; }");
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, still];
    const page = document.documentElement, usualTheme = page.dataset.theme;
    if (!location.pathname.startsWith("/wall/")) page.dataset.theme = theme; // that is always dark
    const { violations } = await axe.run(document, {
        resultTypes: ["violations"], selectors: false, preload: false, rules,
    });
    page.dataset.theme = usualTheme;
    const faults = violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => `${theme} ${id}: ${nodes[0].html.slice(0, 160)}`);
    const tooWide = page.scrollWidth - window.innerWidth;
    if (tooWide > 0) faults.push(`${tooWide} px too wide`);
    const files = performance.getEntriesByType("resource").map(({ name }) => name);
    return [faults, page.outerHTML, files];
}"""
MOST_BYTES = 400_000  # compressed, without photos and tiles
NOT_PAGES = ("api/", "admin/", "-/", "tiles/", "photos/", "i18n/", "live/")
# Beside every address of the matrix: the same pages with something chosen on them.
CHOSEN = (  # who, where
    ("acceptor_wang", "/acceptance/"),
    ("clerk_sun", "/inbox/?density=line"),
    ("administrator_bai", "/dispatch/desks/?desk=xihu"),
    ("supervisor_zhao", "/components/bodies/?type=C0305&new_role=maintainer&new_body=water"),
    ("administrator_bai", "/components/plates/?area=330106007"),
    ("supervisor_zhao", "/supervision/ledgers/extension/"),
)


def addresses(places: dict[str, str]) -> Iterator[tuple[str | None, str]]:
    """Return who first may open each address of the matrix that may be a page, and where it is."""
    for pattern, statuses in table(ADDRESSES).items():
        if not pattern.startswith(NOT_PAGES) and 200 in statuses:
            yield list(PEOPLE.values())[statuses.index(200)], address_of(pattern, places)
    yield from CHOSEN


def opens(page: Page, url: str) -> bool:
    """Go there and tell whether it is a page: not a file, nor a part of a page."""
    try:
        answer = page.goto(url)
    except Error as error:
        if "Download is starting" in error.message:
            return False
        raise
    assert answer is not None
    assert answer.ok, f"{url}: {answer.status}"
    is_html = answer.headers.get("content-type", "").startswith("text/html")
    return is_html and "<html" in answer.text()[:200]


# Colours do not depend on words: each language is looked at in one theme.
@pytest.mark.parametrize(("language", "theme"), [("zh-CN", "light"), ("en", "dark")])
def test_every_page_is_accessible_small_and_fits_its_screen(
    chromium, address, city_cast, parts, language, theme
) -> None:
    states = (State.REPORTED, State.ACCEPTED, State.FILED, State.CHECKED)
    for metres, state in enumerate(states, 1):
        Story(city_cast, metres=metres * 20).walk_to(state)
    faults: list[str] = []
    with chromium.new_context(locale=language, timezone_id="Asia/Shanghai") as context:
        context.add_init_script(AXE)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
        cookies = {
            name: cookie_of(user, address) for name, user in city_cast.people.items()
        }  # one log-in each
        for name, path in addresses(parts):
            context.clear_cookies()
            if name is not None:
                context.add_cookies([cookies[name]])
            page.set_viewport_size(PHONE if (name or "").startswith(PHONE_USERS) else DESK)
            if opens(page, address + path):
                faults += [f"{path}: {fault}" for fault in faults_of(page, theme)]
    assert faults == []


def faults_of(page: Page, theme: str) -> list[str]:
    """Return what axe calls serious or critical, a page wider than its window or too heavy."""
    faults, html, files = page.evaluate(LOOK_AT, theme)
    return [*faults, *_weight(html, {urlsplit(file).path for file in files})]


def _weight(html: str, files: set[str]) -> list[str]:
    """Return a fault if a page and the files it has asked for by now are too heavy."""
    total = len(gzip.compress(html.encode(), 4))
    total += sum(_compressed(path) for path in files if path.startswith("/static/"))
    return [f"{total:,} bytes"] if total > MOST_BYTES else []


@cache
def _compressed(path: str) -> int:
    """Return the bytes of a static file as nginx sends it; fonts are compressed already."""
    content, _kind = file_of(path.removeprefix("/static/"))
    return len(content) if path.endswith(".woff2") else len(gzip.compress(content, 4))
