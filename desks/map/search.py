"""What the map's search box understands: codes of things, numbers of cases, places by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.contrib.gis.geos import Point
from django.utils.translation import gettext as _

from accounts.models import User
from cases.models import Case
from common.templatetags.ui import named
from components.models import Component
from grid.geocoding import selectors as places

MAX_FOUND = 8
PLACE_ZOOM, THING_ZOOM = 18, 19
ZOOMS = {"district": 12, "street": 14, "community": 16, "cell": 17, "road": 16, "area": 17}
_CODE = re.compile(r"^\d{11,16}$")


@dataclass(frozen=True, slots=True)
class Found:
    """A place to go to: its words, a second line, where, and how near to look."""

    label: str
    detail: str
    icon: str
    point: Point
    zoom: int


def map_search(text: str, *, user: User, on: date) -> list[Found]:
    """Return what ``text`` may mean on the map, the surest first."""
    text = text.replace("\0", "").strip()
    if not text:
        return []
    things = [*_components(text, user), *_cases(text, user)]
    return [*things, *_places(text, on)][:MAX_FOUND]


def _components(text: str, user: User) -> Iterator[Found]:
    if not _CODE.match(text):
        return
    rows = Component.objects.visible_to(user).filter(code__startswith=text).select_related("type")
    for row in rows.order_by("code")[:MAX_FOUND]:
        detail = f"{named(row.type)} · {row.address}"
        yield Found(row.code, detail, "cube", row.point, THING_ZOOM)


def _cases(text: str, user: User) -> Iterator[Found]:
    rows = (
        Case.objects.visible_to(user, from_case=True)
        .filter(number=text.upper())
        .select_related("type")
    )
    for row in rows[:1]:
        kind = named(row.type) if row.type else _("Case")
        yield Found(row.number, f"{kind} · {row.address}", "clipboard-check", row.point, PLACE_ZOOM)


def _places(text: str, on: date) -> Iterator[Found]:
    for row in places.map_search(text, on=on):
        zoom = ZOOMS.get(row.kind, PLACE_ZOOM)
        icon = "current-location" if row.kind == "point" else "map-pin"
        yield Found(named(row), row.understood, icon, Point(row.lon, row.lat), zoom)
