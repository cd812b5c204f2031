"""Vector tiles (Mapbox vector tiles made by PostGIS): the base map, and areas with their cells.

The base map is drawn from `BaseFeature`, stored in the tiles' own projection; a feature shows from
its `min_zoom` on. Areas and cells are transformed on the way: only few are in a tile at the zooms
at which they show. A name is a point of its own, so that it stands once and not in every tile.
"""

from __future__ import annotations

import math
from datetime import date
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext_lazy as _

from common.errors import DomainError

MAX_ZOOM = 15  # a browser enlarges these for the zooms above
EXTENT, BUFFER = 4096, 96  # units of a tile, and how far its features reach over its edge
_SIZES = {
    "extent": EXTENT,
    "buffer": BUFFER,
    "margin": BUFFER / EXTENT,
    "srid": settings.GEO_STORAGE_SRID,
    "tile_srid": settings.GEO_TILE_SRID,
}

# Uses the GiST index on grid_basefeature.geometry.
_BASE = """
WITH seen AS MATERIALIZED (
    SELECT feature.id, layer, kind,
        CASE WHEN ST_Dimension(geometry) < 2 OR ST_Centroid(geometry) && tile.box
            THEN nullif(name, '') END AS name,
        ST_AsMVTGeom(geometry, tile.box, %(extent)s, %(buffer)s) AS shape
    FROM grid_basefeature AS feature,
        (SELECT ST_TileEnvelope(%(z)s, %(x)s, %(y)s) AS box,
            ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => %(margin)s) AS wide) AS tile
    WHERE geometry && tile.wide AND min_zoom <= %(z)s
)
SELECT string_agg(layer.tile, '' ORDER BY layer.name)
FROM (SELECT DISTINCT layer AS name FROM seen) AS found,
LATERAL (
    SELECT found.name, ST_AsMVT(feature, found.name, %(extent)s, 'shape') AS tile
    FROM (
        SELECT kind, name, shape FROM seen
        WHERE seen.layer = found.name AND shape IS NOT NULL ORDER BY id
    ) AS feature
) AS layer
"""

# Uses the GiST indexes on grid_area.geometry and grid_gridcell.geometry.
_GRID = """
WITH tile AS (
    SELECT ST_TileEnvelope(%(z)s, %(x)s, %(y)s) AS box, ST_Transform(
        ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => %(margin)s),
        %(srid)s) AS wide
), seen AS MATERIALIZED (
    SELECT id, level, code, name, name_en, ST_Transform(geometry, %(tile_srid)s) AS geometry
    FROM grid_area, tile
    WHERE geometry && tile.wide
        AND valid_from <= %(day)s AND (valid_to IS NULL OR valid_to > %(day)s)
        AND %(z)s >= CASE level WHEN 'district' THEN 0 WHEN 'street' THEN 11 ELSE 13 END
), area AS (
    SELECT level, code, ST_AsMVTGeom(geometry, tile.box, %(extent)s, %(buffer)s) AS shape
    FROM seen, tile
), named AS (
    SELECT level, name, name_en,
        ST_AsMVTGeom(ST_PointOnSurface(geometry), tile.box, %(extent)s, 0) AS shape
    FROM seen, tile WHERE level <> 'community'
), cell AS (
    SELECT code, kind, ST_AsMVTGeom(
        ST_Transform(geometry, %(tile_srid)s), tile.box, %(extent)s, %(buffer)s) AS shape
    FROM grid_gridcell, tile
    WHERE %(z)s >= 14 AND geometry && tile.wide
        AND valid_from <= %(day)s AND (valid_to IS NULL OR valid_to > %(day)s)
)
SELECT (SELECT ST_AsMVT(named, 'name', %(extent)s, 'shape') FROM named WHERE shape IS NOT NULL)
    || (SELECT ST_AsMVT(area, 'area', %(extent)s, 'shape') FROM area WHERE shape IS NOT NULL)
    || (SELECT ST_AsMVT(cell, 'cell', %(extent)s, 'shape') FROM cell WHERE shape IS NOT NULL)
"""


class NoSuchTile(DomainError):
    """The address names no tile."""

    def __init__(self) -> None:
        super().__init__("not_found", _("There is no such tile."), status=404)


# Uses the GiST index on grid_zone.geometry; at most a few hundred rows.
_ZONES = """
SELECT ST_AsMVT(feature, 'zone', %(extent)s, 'shape') FROM (
    SELECT code, name, name_en, grade, ST_AsMVTGeom(
        ST_Transform(geometry, %(tile_srid)s), ST_TileEnvelope(%(z)s, %(x)s, %(y)s),
        %(extent)s, %(buffer)s) AS shape
    FROM grid_zone
    WHERE valid_from <= %(day)s AND (valid_to IS NULL OR valid_to > %(day)s)
        AND geometry && ST_Transform(
            ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => %(margin)s), %(srid)s)
    ORDER BY id
) AS feature WHERE shape IS NOT NULL
"""


def zone_tile(z: int, x: int, y: int, *, on: date) -> bytes:
    """Return a tile of the key, control and ordinary zones that hold on a day."""
    return _tile(_ZONES, z, x, y, day=on)


def base_tile(z: int, x: int, y: int) -> bytes:
    """Return a tile of the offline base map, empty where the city has nothing."""
    return _tile(_BASE, z, x, y)


def grid_tile(z: int, x: int, y: int, *, on: date) -> bytes:
    """Return a tile of areas (by level) and, from zoom 14, unit grid cells that hold on a day."""
    return _tile(_GRID, z, x, y, day=on)


def check_tile(z: int, x: int, y: int, *, max_zoom: int, min_zoom: int = 0) -> None:
    """Raise NoSuchTile for what is no tile of these zooms."""
    if not (min_zoom <= z <= max_zoom and 0 <= x < 2**z and 0 <= y < 2**z):
        raise NoSuchTile


def tile_bounds(z: int, x: int, y: int, margin: float = 0) -> tuple[float, float, float, float]:
    """Return west, south, east, north of a tile in degrees, ``margin`` tiles wider on each side."""

    def longitude(column: float) -> float:
        return column / 2**z * 360 - 180

    def latitude(row: float) -> float:
        return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / 2**z))))

    return (
        longitude(x - margin),
        latitude(y + 1 + margin),
        longitude(x + 1 + margin),
        latitude(y - margin),
    )


def _tile(statement: str, z: int, x: int, y: int, **given: Any) -> bytes:
    check_tile(z, x, y, max_zoom=MAX_ZOOM)
    with connection.cursor() as cursor:
        cursor.execute(statement, {**_SIZES, "z": z, "x": x, "y": y, **given})
        (tile,) = cursor.fetchone()
    return bytes(tile or b"")
