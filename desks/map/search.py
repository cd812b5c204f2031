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
from grid.models import Area, GridCell, Place

MAX_FOUND = 8
_COORDINATES = re.compile(r"^\s*(-?\d{1,3}(?:\.\d+)?)\s*[,，\s]\s*(-?\d{1,3}(?:\.\d+)?)\s*$")
_CODE = re.compile(r"^\d{6,16}$")


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
    found: list[Found] = []
    for search in (_point, _component, _case, _cell, _area, _place):
        found += search(text, user, on)
        if len(found) >= MAX_FOUND:
            break
    return found[:MAX_FOUND]


def _point(text: str, user: User, on: date) -> Iterator[Found]:
    match = _COORDINATES.match(text)
    if match is None:
        return
    lon, lat = (float(part) for part in match.groups())
    if abs(lat) > 90 or (abs(lon) <= 90 and abs(lat) > abs(lon) and abs(lat) > 60):
        lon, lat = lat, lon
    if abs(lat) <= 85 and abs(lon) <= 180:
        yield Found(
            f"{lon:.5f}, {lat:.5f}", _("Coordinates"), "current-location", Point(lon, lat), 18
        )


def _component(text: str, user: User, on: date) -> Iterator[Found]:
    if not (_CODE.match(text) and len(text) > 10):
        return
    rows = Component.objects.filter(code__startswith=text).select_related("type")
    for row in rows.order_by("code")[:MAX_FOUND]:
        yield Found(row.code, f"{named(row.type)} · {row.address}", "cube", row.point, 19)


def _case(text: str, user: User, on: date) -> Iterator[Found]:
    rows = Case.objects.visible_to(user).filter(number=text.upper()).select_related("type")
    for row in rows[:1]:
        detail = f"{named(row.type) if row.type else ''} · {row.address}".strip(" ·")
        yield Found(row.number, detail, "clipboard-check", row.point, 18)


def _cell(text: str, user: User, on: date) -> Iterator[Found]:
    if not (_CODE.match(text) and len(text) >= 13):
        return
    rows = GridCell.objects.valid_on(on).filter(code__startswith=text).select_related("community")
    for row in rows.order_by("code")[:3]:
        middle = row.geometry.point_on_surface
        yield Found(row.code, f"{_('Unit grid cell')} · {row.community}", "map", middle, 17)


def _area(text: str, user: User, on: date) -> Iterator[Found]:
    zooms = {Area.Level.DISTRICT: 12, Area.Level.STREET: 14, Area.Level.COMMUNITY: 16}
    areas = Area.objects.valid_on(on)
    rows = areas.filter(code=text) if _CODE.match(text) else areas.filter(name__contains=text)
    for row in rows.order_by("code")[:4]:
        middle = row.geometry.point_on_surface
        yield Found(
            named(row), f"{row.get_level_display()} · {row.code}", "map-pin", middle,
            zooms[Area.Level(row.level)],
        )  # fmt: skip


def _place(text: str, user: User, on: date) -> Iterator[Found]:
    rows = Place.objects.filter(name__contains=text).order_by("name", "id")
    for row in rows[:MAX_FOUND]:
        yield Found(row.name, "", "map-pin", row.point, 18)
