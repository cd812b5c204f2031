"""The triggers that tell the counts what changed, as migrations make them.

Pixels are numbered over the whole world, from the north-west: at zoom 14 there are 2^20 a side.
"""
# ruff: noqa: S608  the statements are put together from constants of this module

from __future__ import annotations

BASE_ZOOM = 14
TYPE_ZOOM = 13  # up to here counts are kept by type as well
MIN_ZOOM = 10
PIXELS = 64  # a side of a tile
HALF = 20037508.342789244  # metres of EPSG:3857 from the middle of the world to its edge
SIDE = PIXELS * 2**BASE_ZOOM

PIXEL_X = f"floor((ST_X(tile_point) + {HALF}) * {SIDE / (2 * HALF)})::int"
PIXEL_Y = f"floor(({HALF} - ST_Y(tile_point)) * {SIDE / (2 * HALF)})::int"

# Sums of components in use by pixel, type and state; {sources} are SELECTs of component rows with
# a column `sign`.
_CHANGES = f"""
    INSERT INTO components_componentdelta (pixel_x, pixel_y, type_id, class_id, state, count)
    SELECT {PIXEL_X} AS x, {PIXEL_Y} AS y, type_id, type.type_class_id, left(state, 1), sum(sign)
    FROM ({{sources}}) AS changed JOIN components_casetype AS type ON type.id = changed.type_id
    GROUP BY 1, 2, 3, 4, 5 HAVING sum(sign) <> 0;
"""
_ROWS = "SELECT tile_point, type_id, state, {sign} AS sign FROM {table} WHERE retired_date IS NULL"
_NEW, _OLD = _ROWS.format(sign="1", table="new_rows"), _ROWS.format(sign="-1", table="old_rows")
_EVENTS = {
    "insert": (_NEW, "NEW TABLE AS new_rows"),
    "update": (f"{_OLD} UNION ALL {_NEW}", "OLD TABLE AS old_rows NEW TABLE AS new_rows"),
    "delete": (_OLD, "OLD TABLE AS old_rows"),
}


def _trigger(event: str) -> str:
    sources, tables = _EVENTS[event]
    name = f"components_count_{event}"
    return f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
{_CHANGES.format(sources=sources)}
    RETURN NULL;
END $$;
CREATE TRIGGER {name} AFTER {event.upper()} ON components_component
    REFERENCING {tables} FOR EACH STATEMENT EXECUTE FUNCTION {name}();
"""


CREATE_TRIGGERS = "".join(_trigger(event) for event in _EVENTS)
DROP_TRIGGERS = "".join(f"DROP FUNCTION components_count_{event}() CASCADE;" for event in _EVENTS)

# Counts of every zoom from rows (x, y, type_id, class_id, state, count) named `summed`.
_LEVEL = f"""
SELECT {{zoom}}::smallint AS zoom, x >> {{shift}} AS tile_x, y >> {{shift}} AS tile_y,
    {{type}} AS type_id, class_id, state,
    ((((y >> {{bits}}) & {PIXELS - 1}) * {PIXELS}) + ((x >> {{bits}}) & {PIXELS - 1}))::smallint
        AS pixel,
    sum(count)::int AS count
FROM summed GROUP BY 1, 2, 3, 4, 5, 6, 7 HAVING sum(count) <> 0
"""


def _levels() -> str:
    kinds = [("0", range(MIN_ZOOM, BASE_ZOOM + 1)), ("type_id", range(MIN_ZOOM, TYPE_ZOOM + 1))]
    return "UNION ALL".join(
        _LEVEL.format(zoom=zoom, bits=BASE_ZOOM - zoom, shift=BASE_ZOOM - zoom + 6, type=kind)
        for kind, zooms in kinds
        for zoom in zooms
    )


_COLUMNS = "zoom, tile_x, tile_y, type_id, class_id, state, pixel, count"
_SUMMED_REGISTER = f"""
summed AS MATERIALIZED (
    SELECT {PIXEL_X} AS x, {PIXEL_Y} AS y, type_id, type.type_class_id AS class_id,
        left(state, 1) AS state, count(*)
    FROM components_component JOIN components_casetype AS type ON type.id = type_id
    WHERE retired_date IS NULL GROUP BY 1, 2, 3, 4, 5
)
"""
# From the register itself, in the order in which tiles read them.
REBUILD = f"""
WITH {_SUMMED_REGISTER}, level AS ({_levels()})
INSERT INTO components_componentcount ({_COLUMNS}) SELECT {_COLUMNS} FROM level
ORDER BY zoom, tile_x, tile_y, type_id, pixel
"""
# What was appended since becomes part of the counts; what others append meanwhile stays.
FOLD = f"""
WITH taken AS (
    DELETE FROM components_componentdelta RETURNING *
), summed AS MATERIALIZED (
    SELECT pixel_x AS x, pixel_y AS y, type_id, class_id, state, sum(count) AS count
    FROM taken GROUP BY 1, 2, 3, 4, 5 HAVING sum(count) <> 0
), level AS ({_levels()}), added AS (
    INSERT INTO components_componentcount AS kept ({_COLUMNS}) SELECT {_COLUMNS} FROM level
    ON CONFLICT (zoom, tile_x, tile_y, type_id, pixel, class_id, state)
    DO UPDATE SET count = kept.count + excluded.count
)
SELECT count(*) FROM taken
"""
# Rows in which counts and changes together differ from the register.
DIFFERENCES = f"""
WITH {_SUMMED_REGISTER}, wanted AS ({_levels()}),
changes AS MATERIALIZED (
    SELECT pixel_x AS x, pixel_y AS y, type_id, class_id, state, sum(count) AS count
    FROM components_componentdelta GROUP BY 1, 2, 3, 4, 5
), changed AS ({_levels().replace("FROM summed", "FROM changes")})
SELECT count(*) FROM (
    SELECT zoom, tile_x, tile_y, type_id, class_id, state, pixel FROM (
        SELECT {_COLUMNS} FROM wanted
        UNION ALL SELECT {_COLUMNS.replace("count", "-count")} FROM components_componentcount
        UNION ALL SELECT {_COLUMNS.replace("count", "-count")} FROM changed
    ) AS both_sides GROUP BY 1, 2, 3, 4, 5, 6, 7 HAVING sum(count) <> 0
) AS different
"""
