"""Vector tiles of the open cases a person may see: each case with its light, or how many."""
# ruff: noqa: S608  the statement is put together from constants and a queryset of ours

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.gis.geos import Polygon
from django.db import connection
from django.db.models import Case as Choice
from django.db.models import CharField, Value, When

from accounts.models import User
from cases.queues import late, near, open_cases
from grid.tiles import EXTENT, check_tile, tile_bounds

MIN_ZOOM, MAX_ZOOM = 8, 18
MOST = 3_000  # features of a tile
BUFFER = 256  # a light on the edge of a tile is drawn on both sides of it
PIXEL = EXTENT // 64
LIGHTS = ("red", "yellow", "green")  # the worst first

_TILE = f"""
WITH seen (number, type, light, point) AS ({{rows}}), drawn AS MATERIALIZED (
    SELECT number, type, light, ST_AsMVTGeom(
        ST_Transform(point, %s), ST_TileEnvelope(%s, %s, %s), {EXTENT}, {BUFFER}) AS shape
    FROM seen
), pixel AS (
    SELECT ST_MakePoint(x * {PIXEL} + {PIXEL // 2}, y * {PIXEL} + {PIXEL // 2}) AS shape,
        count(*)::int AS count, min(array_position(%s::text[], light)) AS worst
    FROM (
        SELECT floor(ST_X(shape) / {PIXEL})::int AS x, floor(ST_Y(shape) / {PIXEL})::int AS y, light
        FROM drawn WHERE ST_X(shape) >= 0 AND ST_X(shape) < {EXTENT}
            AND ST_Y(shape) >= 0 AND ST_Y(shape) < {EXTENT}
    ) AS inside GROUP BY x, y
), counted AS (
    SELECT shape, count, (%s::text[])[worst] AS light FROM pixel
)
SELECT CASE WHEN (SELECT count(*) FROM drawn WHERE shape IS NOT NULL) > {MOST}
    THEN (SELECT ST_AsMVT(counted, 'count', {EXTENT}, 'shape') FROM counted)
    ELSE (SELECT ST_AsMVT(drawn, 'case', {EXTENT}, 'shape') FROM drawn WHERE shape IS NOT NULL)
END
"""


def case_tile(user: User, z: int, x: int, y: int, *, now: datetime) -> bytes:
    """Return a tile of the open cases that ``user`` may see; raise NoSuchTile.

    Layers: ``case`` (number, type, light) or, where there are too many, ``count`` (count, light).
    """
    check_tile(z, x, y, max_zoom=MAX_ZOOM, min_zoom=MIN_ZOOM)
    light = Choice(
        When(late(now), then=Value("red")),
        When(near(now), then=Value("yellow")),
        default=Value("green"),
        output_field=CharField(),
    )
    box = Polygon.from_bbox(tile_bounds(z, x, y, margin=BUFFER / EXTENT))
    box.srid = settings.GEO_STORAGE_SRID
    rows = (
        open_cases(user)
        .filter(point__bboverlaps=box)
        .annotate(light=light)
        .values_list("number", "type__code", "light", "point")
        .order_by()
    )
    sql, params = rows.query.sql_with_params()
    given = [*params, settings.GEO_TILE_SRID, z, x, y, list(LIGHTS), list(LIGHTS)]
    with connection.cursor() as cursor:
        cursor.execute(_TILE.format(rows=sql), given)
        (tile,) = cursor.fetchone()
    return bytes(tile or b"")
