"""Where a point lies.

One rule for borders: a point on the edge of several cells belongs to the one with the lowest id.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.gis.db.models import Extent
from django.db import connection
from django.db.models import F, TextChoices
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.errors import DomainError
from common.prepared import Statement
from grid.models import (
    Area,
    AreaCode,
    District,
    GridCell,
    PastArea,
    Reorganisation,
    ReorganisationLine,
)


class OutsideCity(DomainError):
    """The point lies in none of the city's cells."""

    def __init__(self) -> None:
        super().__init__("outside_city", _("This place lies outside the city."), status=404)


@dataclass(frozen=True, slots=True)
class AreaRef:
    """An area as it is called on a day."""

    id: int
    code: str
    name: str
    name_en: str = ""


@dataclass(frozen=True, slots=True)
class Location:
    """Everything that a point's place implies."""

    lon: float
    lat: float
    cell_id: int
    cell_code: str
    community: AreaRef
    street: AreaRef
    district: AreaRef
    zone_grade: str
    zones: tuple[str, ...]
    management_area: AreaRef | None


# Uses the GiST indexes on grid_gridcell.geometry, grid_zone.geometry, grid_managementarea.geometry,
# and the index on grid_pastarea.area_id for what an area was called on the day.
_LOCATE = Statement(
    "locate",
    """
WITH place AS (
    SELECT ST_SetSRID(ST_MakePoint(%s, %s), 4326) AS point, %s::date AS day
)
SELECT cell.id, cell.code,
    community.id, coalesce(community_past.code, community.code),
    coalesce(community_past.name, community.name),
    coalesce(community_past.name_en, community.name_en),
    street.id, coalesce(street_past.code, street.code),
    coalesce(street_past.name, street.name), coalesce(street_past.name_en, street.name_en),
    district.id, coalesce(district_past.code, district.code),
    coalesce(district_past.name, district.name), coalesce(district_past.name_en, district.name_en),
    zones.grades, zones.codes,
    managed.id, managed.code, managed.name, managed.name_en,
    district.city_id
FROM place
JOIN LATERAL (
    SELECT id, code, community_id FROM grid_gridcell
    WHERE ST_Covers(geometry, place.point)
        AND valid_from <= place.day AND (valid_to IS NULL OR valid_to > place.day)
    ORDER BY id LIMIT 1
) AS cell ON true
JOIN grid_area AS community ON community.id = cell.community_id
LEFT JOIN grid_pastarea AS community_past ON community_past.area_id = community.id
    AND community_past.valid_from <= place.day AND community_past.valid_to > place.day
JOIN grid_area AS street
    ON street.id = coalesce(community_past.parent_id, community.parent_id)
LEFT JOIN grid_pastarea AS street_past ON street_past.area_id = street.id
    AND street_past.valid_from <= place.day AND street_past.valid_to > place.day
JOIN grid_area AS district ON district.id = coalesce(street_past.parent_id, street.parent_id)
LEFT JOIN grid_pastarea AS district_past ON district_past.area_id = district.id
    AND district_past.valid_from <= place.day AND district_past.valid_to > place.day
LEFT JOIN LATERAL (
    SELECT array_agg(grade ORDER BY id) AS grades, array_agg(code ORDER BY id) AS codes
    FROM grid_zone
    WHERE ST_Covers(geometry, place.point)
        AND valid_from <= place.day AND (valid_to IS NULL OR valid_to > place.day)
) AS zones ON true
LEFT JOIN LATERAL (
    SELECT id, code, name, name_en FROM grid_managementarea
    WHERE ST_Covers(geometry, place.point)
        AND valid_from <= place.day AND (valid_to IS NULL OR valid_to > place.day)
    ORDER BY id LIMIT 1
) AS managed ON true
""",
)


def city_bounds(on: date) -> tuple[float, float, float, float]:
    """Return west, south, east, north (degrees) of a day's districts; without any, the world."""
    districts = District.objects.valid_on(on).aggregate(extent=Extent("geometry"))
    return districts["extent"] or (-180.0, -85.0, 180.0, 85.0)


_GRADES = ("key", "control", "ordinary")  # the strictest zone a point lies in counts


def locate(lon: float, lat: float, *, on: date, city_id: int | None = None) -> Location:
    """Return cell, areas, zones and management area of a WGS-84 point (degrees) on a day.

    Raises:
        OutsideCity: the point lies in no cell, or in none of the city's (404).
        DomainError: ``invalid`` 400 for what is no point.
    """
    check_point(lon, lat)
    with connection.cursor() as cursor:
        _LOCATE.execute(cursor, [lon, lat, on])
        row = cursor.fetchone()
    if row is None or city_id not in (None, row[20]):
        raise OutsideCity
    grades = row[14] or ["ordinary"]
    return Location(
        lon,
        lat,
        row[0],
        row[1],
        AreaRef(*row[2:6]),
        AreaRef(*row[6:10]),
        AreaRef(*row[10:14]),
        next(grade for grade in _GRADES if grade in grades),
        tuple(row[15] or ()),
        AreaRef(*row[16:20]) if row[16] else None,
    )


def check_point(lon: Any, lat: Any) -> None:
    """Raise ``invalid`` 400 for what is no longitude and latitude in degrees."""
    for name, value, limit in (("lon", lon, 180), ("lat", lat, 90)):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or abs(value) > limit:
            raise not_a_point(name)


def not_a_point(field: str) -> DomainError:
    """Return the refusal of what is no longitude or latitude."""
    message = _("Longitude and latitude must be numbers in range.")
    return DomainError("invalid", message, {field: [message]})


class UnknownCode(DomainError):
    """No area bears or bore the code."""

    def __init__(self, code: str) -> None:
        message = gettext("No area bears or bore the code %(code)s.") % {"code": code[:20]}
        super().__init__("unknown_code", message, status=404)


class Standing(TextChoices):
    """What a code means today."""

    CURRENT = "current", _("In force")
    SUCCEEDED = "succeeded", _("Succeeded by another code")
    TO_BE_DECIDED = "to_be_decided", _("Successor to be decided")
    ELSEWHERE = "elsewhere", _("Succeeded outside this installation")


@dataclass(frozen=True, slots=True)
class CodeAnswer:
    """What came of a code: the areas that stand for it, and codes that lie outside this city."""

    code: str
    standing: Standing
    areas: tuple[AreaRef, ...]
    elsewhere: tuple[tuple[str, str], ...] = ()  # code, name
    old_name: str = ""


SCHEME = "GB"


def area_by_code(code: str, on: date | None = None) -> CodeAnswer:
    """Say which area a code means: on a day, or today, old codes with what came after them.

    Codes are given to other areas in time: without a day whoever bears it today is meant, else
    whoever bore it last. Raise UnknownCode 404 for one that nobody bore.
    """
    if "\x00" in code:
        raise UnknownCode(code)
    bearers = AreaCode.objects.filter(scheme=SCHEME, code=code).select_related("area")
    if on is not None:
        bearer = bearers.valid_on(on).first()
        if bearer is None:
            raise UnknownCode(code)
        return CodeAnswer(code, Standing.CURRENT, (area_as_on(bearer.area, on),))
    bearer = bearers.order_by(F("valid_to").desc(nulls_first=True)).first()
    lines = _lines_of(code)
    if bearer is None and not lines:
        return _without_code_row(code)
    areas = _standing_for(bearer.area) if bearer else ()
    elsewhere = _elsewhere(lines)
    old_name = next((line.old_name for line in lines), "")
    if any(line.is_open for line in lines):
        standing = Standing.TO_BE_DECIDED
    elif bearer is not None and bearer.valid_to is None:
        standing, elsewhere = Standing.CURRENT, ()
    else:
        standing = Standing.SUCCEEDED if areas else Standing.ELSEWHERE
    return CodeAnswer(code, standing, areas, elsewhere, old_name)


def area_as_on(area: Area, on: date) -> AreaRef:
    """Return what an area was called on a day."""
    past = PastArea.objects.valid_on(on).filter(area=area).first() or area
    return AreaRef(area.pk, past.code, past.name, past.name_en)


def _standing_for(area: Area) -> tuple[AreaRef, ...]:
    """Return the area itself, or today's successors of one that ended, and where ground went."""
    after = Area.objects.filter(predecessors__predecessor=area, valid_to=None).order_by("code")
    areas = [area] if area.valid_to is None else []
    return tuple(AreaRef(row.pk, row.code, row.name, row.name_en) for row in (*areas, *after))


def _lines_of(code: str) -> list[ReorganisationLine]:
    """Return what the plan in force that names the code last says of it."""
    lines = ReorganisationLine.objects.filter(
        old_code=code, reorganisation__state=Reorganisation.State.APPLIED
    ).order_by("-reorganisation__applied_at", "number", "pk")
    return [line for line in lines if line.reorganisation_id == lines[0].reorganisation_id]


def _elsewhere(lines: list[ReorganisationLine]) -> tuple[tuple[str, str], ...]:
    """Return the new codes of areas that this city does not have."""
    codes = {line.new_code: line.name or line.old_name for line in lines if line.new_code}
    known = AreaCode.objects.filter(scheme=SCHEME, code__in=codes).values_list("code", flat=True)
    return tuple((code, codes[code]) for code in sorted(codes.keys() - set(known)))


def _without_code_row(code: str) -> CodeAnswer:
    """A city may have areas whose codes were never listed."""
    area = Area.objects.filter(code=code, valid_to=None).first()
    if area is None:
        raise UnknownCode(code)
    return CodeAnswer(code, Standing.CURRENT, _standing_for(area))


def cell_on(code: str, day: date) -> GridCell | None:
    """Return the cell that bears the code on a day."""
    if "\x00" in code:
        return None
    return GridCell.objects.valid_on(day).filter(code=code).first()
