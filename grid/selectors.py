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
from django.utils.translation import gettext_lazy as _

from common.errors import DomainError
from common.prepared import Statement
from grid.models import District, GridCell


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


# Uses the GiST indexes on grid_gridcell.geometry, grid_zone.geometry, grid_managementarea.geometry.
_LOCATE = Statement(
    "locate",
    """
WITH place AS (
    SELECT ST_SetSRID(ST_MakePoint(%s, %s), 4326) AS point, %s::date AS day
)
SELECT cell.id, cell.code,
    community.id, community.code, community.name, community.name_en,
    street.id, street.code, street.name, street.name_en,
    district.id, district.code, district.name, district.name_en,
    zones.grades, zones.codes,
    managed.id, managed.code, managed.name, managed.name_en
FROM place
JOIN LATERAL (
    SELECT id, code, community_id FROM grid_gridcell
    WHERE ST_Covers(geometry, place.point)
        AND valid_from <= place.day AND (valid_to IS NULL OR valid_to > place.day)
    ORDER BY id LIMIT 1
) AS cell ON true
JOIN grid_area AS community ON community.id = cell.community_id
JOIN grid_area AS street ON street.id = community.parent_id
JOIN grid_area AS district ON district.id = street.parent_id
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


def locate(lon: float, lat: float, *, on: date) -> Location:
    """Return cell, areas, zones and management area of a WGS-84 point (degrees) on a day.

    Raises:
        OutsideCity: the point lies in no cell (404).
        DomainError: ``invalid`` 400 for what is no point.
    """
    check_point(lon, lat)
    with connection.cursor() as cursor:
        _LOCATE.execute(cursor, [lon, lat, on])
        row = cursor.fetchone()
    if row is None:
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


def cell_on(code: str, day: date) -> GridCell | None:
    """Return the cell that bears the code on a day."""
    return GridCell.objects.valid_on(day).filter(code=code).first()
