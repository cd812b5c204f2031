"""Writing the grid: communities are gridded, cells are closed and opened, never overwritten.

A re-gridding closes the cells of its communities from a day on and opens new ones with codes that
were never borne before. Cases keep the version they were filed in; beats, jurisdictions and the
register follow to the cells that lie where the old ones lay.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, cast

import shapely
from django.conf import settings
from django.contrib.gis.geos import GEOSGeometry, MultiPolygon
from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from psycopg2.extras import execute_values

from accounts.models import City
from common.errors import DomainError
from grid.gridding import Cell, Check, Ground, Rules, check_cells, make_cells
from grid.models import Community, GridCell, Zone
from grid.publish import tell_cells_replaced
from grid.selectors import area_by_code

ROADS = ("road",)  # layers of the base map whose lines are edges of cells
WATER = ("water",)
HILLS = ("forest", "scrub", "nature_reserve", "park")  # kinds of the layer green

_GROUNDS = """
SELECT code, ST_AsBinary(ST_Transform(geometry, %(metric)s)) FROM grid_area
WHERE id = ANY (%(ids)s) ORDER BY code
"""
# Uses the GiST index on grid_basefeature.geometry.
_FEATURES = """
WITH wanted AS (
    SELECT ST_Transform(ST_SetSRID(ST_Extent(geometry)::geometry, %(storage)s), %(tile)s) AS box
    FROM grid_area WHERE id = ANY (%(ids)s)
)
SELECT layer, kind, ST_AsBinary(ST_Transform(geometry, %(metric)s))
FROM grid_basefeature, wanted WHERE geometry && box AND layer IN ('road', 'water', 'green')
ORDER BY id
"""


def community_ids(city: City, on: date, codes: Iterable[str] = ()) -> list[int]:
    """Return the ids of communities by their codes of today, of all when none is named.

    A code may be a street's or a district's: all its communities. A code of earlier days stands for
    the areas that came after it. Raise DomainError ``invalid`` for one that names nothing.
    """
    here = Community.objects.valid_on(on).filter(city=city).order_by("code")
    wanted = list(codes)
    if not wanted:
        return list(here.values_list("pk", flat=True))
    ids: list[int] = []
    for code in wanted:
        areas = [area.id for area in area_by_code(code).areas]
        inside = Q(pk__in=areas) | Q(parent__in=areas) | Q(parent__parent__in=areas)
        found = here.filter(inside).values_list("pk", flat=True) if areas else []
        if not found:
            message = _("There is no community, street or district %(code)s.") % {"code": code}
            raise DomainError("invalid", message, {"code": [message]})
        ids += found
    return list(dict.fromkeys(ids))


def grid_make(
    *, communities: Sequence[int], rules: Rules | None = None
) -> tuple[list[Ground], list[Cell], Check]:
    """Grid communities (ids) along the roads and shores of the base map; nothing is written.

    Returns the grounds, the cells in metres of ``GEO_METRIC_SRID``, and how well they fit.
    """
    given: dict[str, Any] = {
        "ids": list(communities),
        "metric": settings.GEO_METRIC_SRID,
        "storage": settings.GEO_STORAGE_SRID,
        "tile": settings.GEO_TILE_SRID,
    }
    with connection.cursor() as cursor:
        cursor.execute(_GROUNDS, given)
        grounds = [Ground(code, shapely.from_wkb(bytes(wkb))) for code, wkb in cursor.fetchall()]
        cursor.execute(_FEATURES, given)
        features = [
            (layer, kind, shapely.from_wkb(bytes(wkb))) for layer, kind, wkb in cursor.fetchall()
        ]
    cells = make_cells(
        grounds,
        edges=[shape for layer, _kind, shape in features if layer in ROADS],
        water=[shape for layer, _kind, shape in features if layer in WATER],
        hills=[shape for layer, kind, shape in features if layer == "green" and kind in HILLS],
        rules=rules,
    )
    return grounds, cells, check_cells(grounds, cells, rules)


# A code once borne is never borne again: numbering goes on after the last.
_LAST_SEQUENCES = """
SELECT area.code, area.id, coalesce(max(substr(cell.code, length(area.code) + 1)::int), 0)
FROM grid_area AS area LEFT JOIN grid_gridcell AS cell
    ON cell.code LIKE area.code || '%%' AND cell.city_id = area.city_id
WHERE area.id = ANY (%s) GROUP BY area.code, area.id
"""
_OPEN = f"""
INSERT INTO grid_gridcell (city_id, code, community_id, kind, geometry, area_m2, valid_from)
SELECT city, code, community, kind,
    ST_Transform(ST_GeomFromWKB(wkb, {settings.GEO_METRIC_SRID}), {settings.GEO_STORAGE_SRID}),
    area, since
FROM (VALUES %s) AS made (city, code, community, kind, wkb, area, since) RETURNING id
"""  # noqa: S608  two numbers of the settings
# Beats and jurisdictions of a closed cell get the cells whose middle lies in it.
_FOLLOW = """
INSERT INTO {table} ({owner}, gridcell_id)
SELECT DISTINCT followed.{owner}, opened.id
FROM grid_gridcell AS opened
JOIN grid_gridcell AS closed
    ON closed.id = ANY (%(closed)s)
    AND ST_Covers(closed.geometry, ST_PointOnSurface(opened.geometry))
JOIN {table} AS followed ON followed.gridcell_id = closed.id
WHERE opened.id = ANY (%(opened)s)
"""
FOLLOWERS = (  # sets of cells: (table, key of its owner)
    ("grid_beat_cells", "beat_id"),
    ("grid_jurisdiction_cells", "jurisdiction_id"),
    ("grid_zone_cells", "zone_id"),
)


@transaction.atomic
def grid_apply(
    *, city: City, communities: Sequence[int], cells: Sequence[Cell], on: date
) -> tuple[int, int]:
    """Let these cells hold from a day on instead of those their communities have.

    Returns how many were closed and opened. Raise DomainError ``codes_used_up`` 409 when a
    community has no codes left for so many cells.
    """
    list(Community.objects.select_for_update().filter(pk__in=communities).order_by("pk"))
    codes = _codes_for(city, communities, cells)
    old = GridCell.objects.valid_on(on).filter(community_id__in=communities)
    closed = list(old.values_list("pk", flat=True))
    GridCell.objects.filter(pk__in=closed).update(valid_to=on)
    with connection.cursor() as cursor:
        rows = [
            (city.pk, code, community, cell.kind, cell.shape.wkb, cell.area_m2, on)
            for cell, (code, community) in zip(cells, codes, strict=True)
        ]
        opened = [
            row[0] for row in execute_values(cursor.cursor, _OPEN, rows, page_size=2000, fetch=True)
        ]
        for table, owner in FOLLOWERS:
            cursor.execute(
                _FOLLOW.format(table=table, owner=owner), {"closed": closed, "opened": opened}
            )
    zones_follow_cells(opened=opened, on=on)
    tell_cells_replaced(closed=closed, opened=opened, on=on)
    return len(closed), len(opened)


# A zone made of cells whose ground differs from the cells that stand in it now.
_ZONES_MOVED = """
SELECT zone.id, ST_Multi(now.shape)
FROM grid_zone AS zone
CROSS JOIN LATERAL (
    SELECT ST_Union(cell.geometry) AS shape
    FROM grid_zone_cells AS made
    JOIN grid_gridcell AS cell ON cell.id = made.gridcell_id AND cell.valid_from <= %(on)s
        AND (cell.valid_to IS NULL OR cell.valid_to > %(on)s)
    WHERE made.zone_id = zone.id
) AS now
WHERE (zone.valid_to IS NULL OR zone.valid_to > %(on)s)
    AND zone.id IN (SELECT zone_id FROM grid_zone_cells WHERE gridcell_id = ANY (%(opened)s))
    AND ST_Area(ST_SymDifference(zone.geometry, now.shape)::geography) > 1
ORDER BY zone.id
"""


def zones_follow_cells(*, opened: Sequence[int], on: date) -> int:
    """Let zones made of cells cover the ground of their cells from a day on; return how many.

    Past days keep their answer: where the ground differs, the zone ends and one of the same code
    begins.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ZONES_MOVED, {"opened": list(opened), "on": on})
        moved = cursor.fetchall()
    for pk, shape in moved:
        zone = Zone.objects.get(pk=pk)
        if zone.valid_from >= on:
            Zone.objects.filter(pk=pk).update(geometry=shape)
            continue
        cells = list(zone.cells.valid_on(on))
        until = zone.valid_to
        Zone.objects.filter(pk=pk).update(valid_to=on)
        zone.pk, zone.valid_from, zone.valid_to = None, on, until
        zone.geometry = cast("MultiPolygon", GEOSGeometry(shape))
        zone._state.adding = True
        zone.save()
        zone.cells.set(cells)
    return len(moved)


def grid_read(
    *, city: City, cells: Sequence[Cell], on: date, rules: Rules | None = None
) -> tuple[list[int], Check]:
    """Measure cells made elsewhere against their communities; returns these (ids) and the check.

    Raise DomainError ``invalid`` for a community that does not exist on the day.
    """
    wanted = sorted({cell.community for cell in cells})
    here = Community.objects.valid_on(on).filter(city=city, code__in=wanted)
    known = dict(here.values_list("code", "pk"))
    if unknown := [code for code in wanted if code not in known]:
        message = _("There is no community, street or district %(code)s.") % {
            "code": ", ".join(unknown[:5])
        }
        raise DomainError("invalid", message, {"code": [message]})
    with connection.cursor() as cursor:
        cursor.execute(_GROUNDS, {"ids": list(known.values()), "metric": settings.GEO_METRIC_SRID})
        grounds = [Ground(code, shapely.from_wkb(bytes(wkb))) for code, wkb in cursor.fetchall()]
    return list(known.values()), check_cells(grounds, cells, rules)


def _borne(city: City, codes: Sequence[str]) -> list[str]:
    """Return those of the codes that a cell bears or bore."""
    cells = GridCell.objects.filter(city=city, code__in=codes)
    return sorted(set(cells.values_list("code", flat=True)))


def _codes_for(
    city: City, communities: Sequence[int], cells: Sequence[Cell]
) -> list[tuple[str, int]]:
    """Return the code and the community's id of each cell."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST_SEQUENCES, [list(communities)])
        last = {code: (pk, sequence) for code, pk, sequence in cursor.fetchall()}
    digits = city.cell_sequence_length
    borne = _borne(city, [cell.code for cell in cells if cell.code])
    if borne:
        raise DomainError(
            "code_reused",
            _("These codes were borne before and are never borne again: %(codes)s.")
            % {"codes": ", ".join(borne[:5])},
            status=409,
        )
    codes = []
    for cell in cells:
        community, used = last[cell.community]
        if cell.code:
            codes.append((cell.code, community))
            continue
        if used + cell.sequence >= 10**digits:
            raise DomainError(
                "codes_used_up",
                _("Community %(code)s has no codes left: %(digits)s digits number its cells.")
                % {"code": cell.community, "digits": digits},
                status=409,
            )
        codes.append((f"{cell.community}{used + cell.sequence:0{digits}d}", community))
    return codes
