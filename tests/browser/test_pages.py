"""Every page in both languages: accessible, without sideways scrolling, without a script error."""

from __future__ import annotations

import pytest
from django.conf import settings
from playwright.sync_api import Page

from cases.workflow import State
from components.register.changes import change_ask
from tests.cast import NOW, Story

pytestmark = pytest.mark.django_db(transaction=True)

AXE = (settings.BASE_DIR / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
PAGES = (  # who, where
    ("acceptor_wang", "/acceptance/"),
    ("acceptor_wang", "/acceptance/call/"),
    ("acceptor_wang", "/cases/"),
    ("supervisor_zhao", "/supervision/"),
    ("dispatcher_li", "/dispatch/"),
    ("clerk_sun", "/inbox/"),
    ("clerk_sun", "/inbox/?density=line"),
    ("clerk_sun", "/contractors/"),
    ("administrator_bai", "/dispatch/desks/?desk=xihu"),
    ("supervisor_zhao", "/map/"),
    ("collector_chen", "/tasks/"),
    ("collector_chen", "/tasks/report/"),
    ("acceptor_wang", "/components/"),
    ("acceptor_wang", "/components/exports/"),
    ("supervisor_zhao", "/components/changes/"),
    ("supervisor_zhao", "/components/bodies/?type=C0305&new_role=maintainer&new_body=water"),
    ("collector_chen", "/q/"),
    ("administrator_bai", "/components/plates/?area=330106007"),
    ("administrator_bai", "/components/documents/"),
    ("leader_tang", "/components/atlas/"),
    ("leader_tang", "/supervision/ledgers/"),
    ("supervisor_zhao", "/supervision/ledgers/extension/"),
    ("supervisor_zhao", "/supervision/suspended/"),
    ("supervisor_zhao", "/supervision/overdue/"),
    ("supervisor_zhao", "/supervision/orders/"),
    ("supervisor_zhao", "/supervision/repeats/"),
)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_desk_is_accessible_and_fits_its_screen(person, city_cast, language) -> None:
    states = (State.REPORTED, State.ACCEPTED, State.FILED, State.HANDLING, State.CHECKED)
    stories = [
        Story(city_cast, metres=metres).walk_to(state)
        for metres, state in zip(range(0, 100, 20), states, strict=True)
    ]
    code = city_cast.component.code
    change = change_ask(
        actor=city_cast.collector_chen,
        component_id=city_cast.component.pk,
        kind="change",
        proposed={"state": "damaged"},
        reason="破损",
        now=NOW,
    )
    pages = (
        *PAGES,
        ("acceptor_wang", f"/cases/{stories[3].case.number}/"),
        ("clerk_sun", f"/links/{stories[3].case.number}/"),
        ("acceptor_wang", f"/components/{code}/"),
        ("acceptor_wang", f"/components/{code}/changes/replace/"),
        ("supervisor_zhao", f"/components/changes/{change.pk}/"),
    )
    faults: list[str] = []
    for name, path in pages:
        somebody = person(name, locale=language)
        errors: list[str] = []
        somebody.page.on("pageerror", lambda error, found=errors: found.append(str(error)))
        page = somebody.go(path)
        faults += [f"{path}: {fault}" for fault in (*errors, *_faults(page))]
    assert faults == []


def _faults(page: Page) -> list[str]:
    """Return what axe calls serious or critical, and a page wider than its window."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    faults = [
        f"{violation['id']}: {violation['nodes'][0]['html'][:120]}"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    width = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return [*faults, f"{width} px too wide"] if width > 0 else faults
