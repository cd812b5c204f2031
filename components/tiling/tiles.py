"""Vector tiles of the register: each component where they can be told apart, else how many.

Up to zoom 14 a tile has one feature per pixel (1/64 of the tile) with the number of components and
the commonest class, read from the counts; from zoom 15 it has every component as long as there are
no more than ``MOST`` of them, else pixels again. Either way nothing is left out: the features and
the numbers of a tile add up to what the register has there.

Layers: ``count`` (count, class), ``component`` (id; type, class, state) and ``shape``, the lines
and areas of components with the same properties.
"""
# ruff: noqa: S608  the statements are put together from constants of this module

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import connection

from components.models import Component
from components.tiling.models import ALL_TYPES
from components.tiling.sql import BASE_ZOOM, HALF, MIN_ZOOM, PIXELS, TYPE_ZOOM
from grid.tiles import check_tile

MAX_ZOOM = 18
MOST = 8_000  # features of a tile: about 100 KB compressed
EXTENT, BUFFER = 4096, 128  # a symbol on the edge of a tile is drawn on both sides of it
UNIT = EXTENT // PIXELS

STATES = {state.value: state.value[0] for state in Component.State}

_CLASSES = """AND {column} = ANY (ARRAY(
    SELECT id FROM components_typeclass WHERE kind = 'component' AND code = ANY (%(classes)s)))"""
_TYPES = """AND type_id = ANY (ARRAY(
    SELECT id::int FROM components_casetype WHERE code = ANY (%(types)s)))"""

# One feature a pixel, from rows (pixel, class_id, count) named `found`.
_PIXELS = f"""
SELECT ST_AsMVT(feature, 'count', {EXTENT}, 'shape') FROM (
    SELECT ST_MakePoint((pixel & {PIXELS - 1}) * {UNIT} + {UNIT // 2},
            (pixel / {PIXELS}) * {UNIT} + {UNIT // 2}) AS shape,
        total AS count, type_class.code AS class
    FROM (
        SELECT pixel, sum(count)::int AS total, max(ARRAY[count, class_id]) AS most
        FROM (
            SELECT pixel, class_id, sum(count)::int AS count FROM found
            GROUP BY pixel, class_id HAVING sum(count) > 0
        ) AS by_class GROUP BY pixel
    ) AS by_pixel JOIN components_typeclass AS type_class ON type_class.id = most[2]
) AS feature
"""
# Uses the primary key of components_componentcount and component_delta_pixel.
_COUNTED = f"""
WITH found AS (
    SELECT pixel, class_id, count FROM components_componentcount
    WHERE zoom = %(z)s AND tile_x = %(x)s AND tile_y = %(y)s {{kept}} {{filters}}
    UNION ALL
    SELECT (((pixel_y >> %(bits)s) & {PIXELS - 1}) * {PIXELS})
        + ((pixel_x >> %(bits)s) & {PIXELS - 1}), class_id, count
    FROM components_componentdelta
    WHERE pixel_x >= %(west)s AND pixel_x < %(east)s
        AND pixel_y >= %(north)s AND pixel_y < %(south)s {{filters}}
)
{_PIXELS}
"""
# Uses component_tile and, for lines and areas, component_shape.
_STANDING = f"""
WITH tile AS (
    SELECT ST_TileEnvelope(%(z)s, %(x)s, %(y)s) AS box,
        ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => {BUFFER / EXTENT}) AS wide
), seen AS MATERIALIZED (
    SELECT component.id, type.code AS type, type.type_class_id AS class_id, state, tile_point
    FROM tile JOIN components_component AS component ON tile_point && wide
    JOIN components_casetype AS type ON type.id = type_id
    WHERE retired_date IS NULL {{filters}}
), found AS (
    SELECT (floor(({HALF} - ST_Y(tile_point)) * %(scale)s)::int & {PIXELS - 1}) * {PIXELS}
        + (floor((ST_X(tile_point) + {HALF}) * %(scale)s)::int & {PIXELS - 1}) AS pixel,
        class_id, 1 AS count
    FROM seen, tile WHERE ST_X(tile_point) >= ST_XMin(box) AND ST_X(tile_point) < ST_XMax(box)
        AND ST_Y(tile_point) > ST_YMin(box) AND ST_Y(tile_point) <= ST_YMax(box)
), drawn AS MATERIALIZED (
    SELECT seen.id, type, type_class.code AS class, state,
        ST_MakePoint(
            floor((ST_X(tile_point) - ST_XMin(box)) * %(units)s),
            floor((ST_YMax(box) - ST_Y(tile_point)) * %(units)s)) AS shape
    FROM tile, seen JOIN components_typeclass AS type_class ON type_class.id = class_id
), outline AS MATERIALIZED (
    SELECT component.id, type.code AS type, type_class.code AS class, state,
        ST_AsMVTGeom(ST_Transform(geometry, {settings.GEO_TILE_SRID}), box, {EXTENT}, {BUFFER})
            AS shape
    FROM tile JOIN components_component AS component
        ON ST_Dimension(geometry) > 0
        AND geometry && ST_Transform(wide, {settings.GEO_STORAGE_SRID})
    JOIN components_casetype AS type ON type.id = type_id
    JOIN components_typeclass AS type_class ON type_class.id = type.type_class_id
    WHERE retired_date IS NULL {{filters}}
)
SELECT CASE WHEN (SELECT count(*) FROM seen) > %(most)s THEN ({_PIXELS}) ELSE (
    SELECT coalesce(ST_AsMVT(drawn, 'component', {EXTENT}, 'shape', 'id'), '')
    FROM drawn
) || (
    SELECT coalesce(ST_AsMVT(outline, 'shape', {EXTENT}, 'shape', 'id'), '')
    FROM outline WHERE shape IS NOT NULL
) END
"""


def component_tile(
    z: int,
    x: int,
    y: int,
    *,
    classes: Sequence[str] = (),
    types: Sequence[str] = (),
    states: Sequence[str] = (),
    most: int = MOST,
) -> bytes:
    """Return a tile of the components in use, of some classes, types and states if given (codes).

    Raise NoSuchTile for what is no tile, or one at a zoom below 10.
    """
    check_tile(z, x, y, max_zoom=MAX_ZOOM, min_zoom=MIN_ZOOM)
    given: dict[str, Any] = {
        "z": z, "x": x, "y": y, "classes": list(classes), "types": list(types), "most": most,
    }  # fmt: skip
    if z <= (TYPE_ZOOM if types else BASE_ZOOM):
        statement = _counted(given, bool(classes), bool(types), states)
    else:
        statement = _standing(given, bool(classes), bool(types), states)
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        (tile,) = cursor.fetchone()
    return bytes(tile or b"")


def _counted(given: dict[str, Any], classes: bool, types: bool, states: Sequence[str]) -> str:
    bits = BASE_ZOOM - given["z"]
    a_tile = PIXELS << bits
    given |= {
        "bits": bits,
        "west": given["x"] * a_tile,
        "east": (given["x"] + 1) * a_tile,
        "north": given["y"] * a_tile,
        "south": (given["y"] + 1) * a_tile,
        "states": [STATES[state] for state in states if state in STATES],
    }
    filters = _CLASSES.format(column="class_id") if classes else ""
    filters += _TYPES if types else ""
    filters += "AND state = ANY (%(states)s)" if states else ""
    kept = f"AND type_id <> {ALL_TYPES}" if types else f"AND type_id = {ALL_TYPES}"
    return _COUNTED.format(kept=kept, filters=filters)


def _standing(given: dict[str, Any], classes: bool, types: bool, states: Sequence[str]) -> str:
    tiles_a_metre = 2 ** given["z"] / (2 * HALF)
    given |= {
        "scale": PIXELS * tiles_a_metre,
        "units": EXTENT * tiles_a_metre,
        "states": list(states),
    }
    filters = _CLASSES.format(column="type.type_class_id") if classes else ""
    filters += _TYPES if types else ""
    filters += "AND state = ANY (%(states)s)" if states else ""
    return _STANDING.format(filters=filters)
