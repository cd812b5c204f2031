"""Vector tiles of the register: each component where they can be told apart, else how many.

Up to the zoom the counts are kept for (14, or 13 where a filter names types) a tile has one feature
per pixel (1/64 of the tile) with the number of components and the commonest class. Beyond it, a
tile has every component as long as there are no more than ``MOST`` of them, else the pixels of the
counts that lie in it. Either way nothing is left out: the features and the numbers of a tile add up
to what the register has there.

Layers: ``count`` (count, class; side, how many pixels the tile has in a row where not 64),
``component`` (id; type, class, state) and ``shape``, the lines and areas of components with the
same properties.
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
MOST = 5_000  # components of a tile: reading them takes 5 µs each
EXTENT, BUFFER = 4096, 128  # a symbol on the edge of a tile is drawn on both sides of it

STATES = {state.value: state.value[0] for state in Component.State}

_CLASSES = """AND {column} = ANY (ARRAY(
    SELECT id FROM components_typeclass WHERE kind = 'component' AND code = ANY (%(classes)s)))"""
_TYPES = """AND type_id = ANY (ARRAY(
    SELECT id::int FROM components_casetype WHERE code = ANY (%(types)s)))"""

# What the counts say of a tile, by pixel: rows (pixel, class_id, count) named `found`. Uses the
# primary key of components_componentcount, and component_delta_pixel for what was not summed yet.
_FOUND = f"""
WITH found AS (
    SELECT pixel, class_id, count FROM components_componentcount
    WHERE zoom = %(zoom)s AND tile_x = %(tile_x)s AND tile_y = %(tile_y)s {{kept}}
        AND pixel >= %(top)s * {PIXELS} AND pixel < (%(top)s + %(side)s) * {PIXELS}
        AND pixel & {PIXELS - 1} >= %(left)s AND pixel & {PIXELS - 1} < %(left)s + %(side)s
        {{filters}}
    UNION ALL
    SELECT (((pixel_y >> %(bits)s) & {PIXELS - 1}) * {PIXELS})
        + ((pixel_x >> %(bits)s) & {PIXELS - 1}), class_id, count
    FROM components_componentdelta
    WHERE pixel_x >= %(west)s AND pixel_x < %(east)s
        AND pixel_y >= %(north)s AND pixel_y < %(south)s {{filters}}
)
"""
_TOTAL = f"{_FOUND} SELECT coalesce(sum(count), 0) FROM found"
# One feature a pixel.
_COUNTED = f"""
{_FOUND}
SELECT ST_AsMVT(feature, 'count', {EXTENT}, 'shape') FROM (
    SELECT ST_MakePoint(((pixel & {PIXELS - 1}) - %(left)s) * %(unit)s + %(unit)s / 2,
            (pixel / {PIXELS} - %(top)s) * %(unit)s + %(unit)s / 2) AS shape,
        total AS count, type_class.code AS class {{coarse}}
    FROM (
        SELECT pixel, sum(count)::int AS total, max(ARRAY[count, class_id]) AS most
        FROM (
            SELECT pixel, class_id, sum(count)::int AS count FROM found
            GROUP BY pixel, class_id HAVING sum(count) > 0
        ) AS by_class GROUP BY pixel
    ) AS by_pixel JOIN components_typeclass AS type_class ON type_class.id = most[2]
) AS feature
"""
# Every component. Uses component_tile, or component_near for each type of a filter; for lines and
# areas component_shape.
_STANDING = f"""
WITH tile AS (
    SELECT ST_TileEnvelope(%(z)s, %(x)s, %(y)s) AS box,
        ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => {BUFFER / EXTENT}) AS wide
), drawn AS MATERIALIZED (
    SELECT component.id, type.code AS type, type_class.code AS class, state,
        ST_MakePoint(
            floor((ST_X(tile_point) - ST_XMin(box)) * %(units)s),
            floor((ST_YMax(box) - ST_Y(tile_point)) * %(units)s)) AS shape
    FROM tile {{kinds}} JOIN components_component AS component ON tile_point && wide {{of_kind}}
    JOIN components_casetype AS type ON type.id = type_id
    JOIN components_typeclass AS type_class ON type_class.id = type.type_class_id
    WHERE retired_date IS NULL {{filters}}
), outline AS MATERIALIZED (
    SELECT component.id, type.code AS type, type_class.code AS class, state,
        ST_AsMVTGeom(ST_Transform(geometry, {settings.GEO_TILE_SRID}), box, {EXTENT}, {BUFFER})
            AS shape
    FROM tile {{kinds}} JOIN components_component AS component
        ON ST_Dimension(geometry) > 0
        AND geometry && ST_Transform(wide, {settings.GEO_STORAGE_SRID}) {{of_kind}}
    JOIN components_casetype AS type ON type.id = type_id
    JOIN components_typeclass AS type_class ON type_class.id = type.type_class_id
    WHERE retired_date IS NULL {{filters}}
)
SELECT (
    SELECT coalesce(ST_AsMVT(drawn, 'component', {EXTENT}, 'shape', 'id'), '') FROM drawn
) || (
    SELECT coalesce(ST_AsMVT(outline, 'shape', {EXTENT}, 'shape', 'id'), '')
    FROM outline WHERE shape IS NOT NULL
)
"""
_KINDS = """CROSS JOIN (
    SELECT id AS kind FROM components_casetype WHERE code = ANY (%(types)s)) AS kinds"""


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
    base = TYPE_ZOOM if types else BASE_ZOOM
    kinds = {"classes": list(classes), "types": list(types)}
    counted = {**kinds, **_pixels_of(z, x, y, base), "states": _letters(states)}
    filters = _CLASSES.format(column="class_id") if classes else ""
    filters += _TYPES if types else ""
    filters += "AND state = ANY (%(states)s)" if states else ""
    kept = f"AND type_id {'<>' if types else '='} {ALL_TYPES}"
    if z <= base or _value(_TOTAL.format(kept=kept, filters=filters), counted) > most:
        coarse = ", %(side)s AS side" if z > base else ""
        statement = _COUNTED.format(kept=kept, filters=filters, coarse=coarse)
        return bytes(_value(statement, counted) or b"")
    units = EXTENT * 2**z / (2 * HALF)
    standing = {**kinds, "z": z, "x": x, "y": y, "units": units, "states": list(states)}
    filters = _CLASSES.format(column="type.type_class_id") if classes else ""
    filters += "AND state = ANY (%(states)s)" if states else ""
    by_type = (_KINDS, "AND type_id = kind") if types else ("", "")
    statement = _STANDING.format(kinds=by_type[0], of_kind=by_type[1], filters=filters)
    return bytes(_value(statement, standing) or b"")


def _value(statement: str, given: dict[str, Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return cursor.fetchone()[0]


def _letters(states: Sequence[str]) -> list[str]:
    return [STATES[state] for state in states if state in STATES]


def _pixels_of(z: int, x: int, y: int, base: int) -> dict[str, int]:
    """Return which pixels of which tile of the counts make up a tile: of a deeper one a part."""
    zoom = min(z, base)
    deeper, bits = z - zoom, BASE_ZOOM - zoom
    side = PIXELS >> deeper
    tile_x, tile_y = x >> deeper, y >> deeper
    left, top = (x - (tile_x << deeper)) * side, (y - (tile_y << deeper)) * side
    west, north = (tile_x * PIXELS + left) << bits, (tile_y * PIXELS + top) << bits
    return {
        "zoom": zoom, "bits": bits, "tile_x": tile_x, "tile_y": tile_y,
        "left": left, "top": top, "side": side, "unit": EXTENT // side,
        "west": west, "east": west + (side << bits),
        "north": north, "south": north + (side << bits),
    }  # fmt: skip
