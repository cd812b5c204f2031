"""What somebody may mean who types into the register's one search box.

A code by its beginning, a type (name, alias, pinyin, initials, code), an area (district, street,
community), a road, a body, or words of a name or address: in this order. The page says how it was
understood and offers the other meanings; ``read_as`` in the address picks one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.gis.geos import GEOSGeometry
from django.db import connection
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organisation
from common.errors import DomainError
from common.templatetags.ui import named
from components.models import CaseType, TypeKind
from components.selectors import CODE_DIGITS, matching
from grid.models import Area

MIN_WORDS, MIN_DIGITS, MAX_LENGTH = 2, 4, 60
SHOWN_NAMES = 3
MAX_BODIES = 50
ALONG_M = 30  # from the middle of a road: its lanes, paths and what stands beside them


@dataclass(frozen=True, slots=True)
class Reading:
    """One meaning of what was typed: its kind, how a page says it, and what it keeps."""

    kind: str
    label: str | Promise
    words: str
    where: Callable[[str], Q]  # of the role in which a body answers


def reading_of(text: str, *, city_id: int, wanted: str = "") -> Reading:
    """Return the likeliest meaning, or the one that is wanted.

    Raise DomainError ``invalid`` for a text that is too short, too long or means nothing wanted.
    """
    text = _checked(text)
    readers = [READERS[wanted]] if wanted in READERS else list(READERS.values())
    found = next((each for each in (read(text, city_id) for read in readers) if each), None)
    if found is None:
        raise _invalid(_("Nothing of this kind is called so."))
    return found


def readings_of(text: str, *, city_id: int) -> list[Reading]:
    """Return every meaning, the likeliest first."""
    text = _checked(text)
    return [each for each in (read(text, city_id) for read in READERS.values()) if each]


def _checked(text: str) -> str:
    text = text.strip()
    if not MIN_WORDS <= len(text) <= MAX_LENGTH:
        raise _invalid(
            _("Type %(least)d to %(most)d characters.") % {"least": MIN_WORDS, "most": MAX_LENGTH}
        )
    return text


def _invalid(message: str) -> DomainError:
    return DomainError("invalid", message, {"q": [message]})


def _code(text: str, city_id: int) -> Reading | None:
    if not (text.isascii() and text.isdigit() and MIN_DIGITS < len(text) <= CODE_DIGITS):
        return None
    return Reading("code", gettext_lazy("Code"), f"{text}…", lambda role: Q(code__startswith=text))


def _types(text: str, city_id: int) -> Reading | None:
    types = list(CaseType.objects.filter(matching(text), kind=TypeKind.COMPONENT).in_order())
    if not types:
        return None
    ids = [row.pk for row in types]
    return Reading("type", gettext_lazy("Type"), _names(types), lambda role: Q(type__in=ids))


def _areas(text: str, city_id: int) -> Reading | None:
    areas = list(Area.objects.filter(city=city_id, name__contains=text).defer("geometry"))
    if not areas:
        return None
    ids = {area.pk for area in areas}
    lies_in = Q(pk__in=ids) | Q(parent__in=ids) | Q(parent__parent__in=ids)
    inside = Area.objects.filter(lies_in, city=city_id, level=Area.Level.COMMUNITY)
    communities = list(inside.values_list("pk", flat=True))
    return Reading(
        "area", gettext_lazy("Area"), _names(areas), lambda role: Q(community__in=communities)
    )


# By the index ``component_tile``; the base map has the tiles' projection, which stretches metres.
_ALONG = """
WITH road AS (
    SELECT ST_Collect(geometry) AS lines FROM grid_basefeature WHERE layer = 'road' AND name = %s
)
SELECT ST_AsEWKB(ST_Buffer(
    lines, %s / cos(radians(ST_Y(ST_Transform(ST_Centroid(lines), 4326)))), 'quad_segs=2'
)) FROM road
"""


def road_reading(text: str, city_id: int) -> Reading | None:
    """Return what stands along a road of the base map, by its whole name; None without one."""
    with connection.cursor() as cursor:
        cursor.execute(_ALONG, [text.strip(), ALONG_M])
        found = cursor.fetchone()[0]
    if found is None:
        return None
    along = GEOSGeometry(found)
    words = _("%(road)s, %(metres)d m to both sides") % {"road": text.strip(), "metres": ALONG_M}
    return Reading(
        "road", gettext_lazy("Road"), words, lambda role: Q(tile_point__intersects=along)
    )


def _bodies(text: str, city_id: int) -> Reading | None:
    called = Q(name__contains=text) | Q(name_en__icontains=text)
    bodies = list(Organisation.objects.filter(called, city=city_id)[:MAX_BODIES])
    if not bodies:
        return None
    ids = [body.pk for body in bodies]
    return Reading(
        "body", gettext_lazy("Body"), _names(bodies), lambda role: Q(**{f"{role}__in": ids})
    )


def _text(text: str, city_id: int) -> Reading | None:
    return Reading(
        "words",
        gettext_lazy("Words"),
        text,
        lambda role: Q(name__contains=text) | Q(address__contains=text),
    )


def _names(rows: list[Any]) -> str:
    names = ", ".join(dict.fromkeys(named(row) for row in rows[:SHOWN_NAMES]))
    return names if len(rows) <= SHOWN_NAMES else f"{names} … ({len(rows)})"


READERS: dict[str, Callable[[str, int], Reading | None]] = {
    "code": _code,
    "type": _types,
    "area": _areas,
    "road": road_reading,
    "body": _bodies,
    "words": _text,
}
