"""The demo city's register: tens of thousands of components along its real streets.

fixtures/demo/register.jsonl says what stands every so many metres beside which roads. Key zones
get all of it, control zones a third, the rest a little: what a pilot has surveyed so far. Bus
shelters and traffic lights stand at the stops and crossings of the gazetteer, parks become green
spaces. Everything is done in sets; the place of a thing follows from a hash, not from chance.
"""
# ruff: noqa: S608  the statements are put together from constants of this module

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from psycopg2.extras import execute_values

from accounts.models import City
from components.models import Component

RULES = settings.BASE_DIR / "fixtures" / "demo" / "register.jsonl"
SOURCE = "demo"
METRIC, STORAGE = settings.GEO_METRIC_SRID, settings.GEO_STORAGE_SRID
TILE = settings.GEO_TILE_SRID

# A number in [0, 1) that is always the same for the same thing.
CHANCE = "((hashtext({0})::bigint & 65535) / 65536.0)"

_RULES = """
CREATE TEMPORARY TABLE rule (
    id int, type text, along text[], every_m float, beside_m float, attributes jsonb
) ON COMMIT DROP
"""
_GROUND = """
CREATE TEMPORARY TABLE ground ON COMMIT DROP AS
SELECT cell.id, cell.code, cell.community_id, cell.geometry, district.code AS district,
    coalesce((
        SELECT CASE WHEN bool_or(grade = 'key') THEN 1.0 WHEN bool_or(grade = 'control') THEN 0.3
            ELSE 0.06 END
        FROM grid_zone AS zone
        WHERE ST_Intersects(zone.geometry, ST_PointOnSurface(cell.geometry))
    ), 0.06) AS share
FROM grid_gridcell AS cell
JOIN grid_area AS community ON community.id = cell.community_id
JOIN grid_area AS street ON street.id = community.parent_id
JOIN grid_area AS district ON district.id = street.parent_id
WHERE cell.valid_to IS NULL AND cell.city_id = %(city)s
"""
_SPOTS = f"""
CREATE TEMPORARY TABLE spot ON COMMIT DROP AS
WITH road AS (
    SELECT id, kind, name, line, ST_Length(line) AS length
    FROM (
        SELECT id, kind, name,
            (ST_Dump(ST_LineMerge(ST_Transform(geometry, {METRIC})))).geom AS line
        FROM grid_basefeature WHERE layer = 'road' AND geometry && (
            SELECT ST_Transform(ST_SetSRID(ST_Extent(geometry), {STORAGE}), {TILE}) FROM ground)
    ) AS part
    WHERE ST_Length(line) > 20
), step AS (
    SELECT rule.id AS rule, road.name, road.line, rule.beside_m, road.length,
        road.id || ':' || rule.id || ':' || number || ':' || round(road.length) AS key,
        (number + 0.15 + 0.7 * {CHANCE.format("road.id || ':' || rule.id || ':' || number")})
            * rule.every_m / road.length AS along
    FROM rule
    JOIN road ON road.kind = ANY(rule.along)
    CROSS JOIN generate_series(0, floor(road.length / rule.every_m)::int) AS number
), placed AS (
    SELECT *, ST_LineInterpolatePoint(line, along) AS base,
        ST_Azimuth(ST_LineInterpolatePoint(line, greatest(along - 1 / length, 0)),
            ST_LineInterpolatePoint(line, least(along + 1 / length, 1))) AS heading,
        CASE WHEN {CHANCE.format("key || 's'")} < 0.5 THEN -1 ELSE 1 END * beside_m AS aside
    FROM step WHERE along < 1
)
SELECT rule, name, key, ST_Transform(ST_Translate(
        base, aside * cos(heading), -aside * sin(heading)), {STORAGE}) AS point,
    NULL::geometry AS shape
FROM placed
"""
_STOPS = """
INSERT INTO spot (rule, name, key, point)
SELECT -1, name, 'stop:' || id, point FROM grid_place WHERE kind = 'stop'
UNION ALL
SELECT -2, name, 'light:' || id, point FROM grid_place WHERE kind = 'junction'
"""
_PARKS = f"""
INSERT INTO spot (rule, name, key, point, shape)
SELECT -3, name, 'park:' || id, ST_PointOnSurface(shape), shape
FROM (
    SELECT id, name, ST_MakeValid(ST_Transform(geometry, {STORAGE})) AS shape
    FROM grid_basefeature WHERE layer = 'green' AND kind IN ('park', 'grass')
) AS park
WHERE ST_GeometryType(shape) IN ('ST_Polygon', 'ST_MultiPolygon')
"""
_EXTRA_RULES = """
INSERT INTO rule (id, type, attributes) VALUES
    (-1, 'C0203', '[{"has_display": true}, {"has_display": false}]'),
    (-2, 'C0210', '[{"kind": "机动车", "is_actuated": true}, {"kind": "人行"}]'),
    (-3, 'C0405', '[{"grade": "一级"}, {"grade": "二级"}]')
"""
_STANDING = f"""
CREATE TEMPORARY TABLE standing ON COMMIT DROP AS
WITH kept AS (
    SELECT DISTINCT ON (spot.key) spot.*, ground.id AS cell_id, ground.code AS cell_code,
        ground.community_id, ground.district
    FROM spot JOIN ground ON ST_Covers(ground.geometry, spot.point)
    WHERE {CHANCE.format("spot.key || 'z'")}
        < CASE WHEN spot.rule < 0 THEN 0.5 ELSE ground.share END
    ORDER BY spot.key, ground.id
)
SELECT kept.*, type.id AS type_id, type.code AS type_code, type.lead_department_kind AS trade,
    rule.attributes,
    row_number() OVER (PARTITION BY kept.district, type.code ORDER BY kept.cell_code, kept.key)
        AS sequence
FROM kept
JOIN rule ON rule.id = kept.rule
JOIN components_casetype AS type ON type.code = rule.type
"""
_COUNTERS = """
INSERT INTO components_codecounter AS counter (prefix, last)
SELECT district || substr(type_code, 2), count(*) FROM standing GROUP BY district, type_code
ON CONFLICT (prefix) DO UPDATE SET last = counter.last + excluded.last
"""
# The body of the district where it has one for the trade, else the city's.
_BODIES = """
CREATE TEMPORARY TABLE body ON COMMIT DROP AS
SELECT district.code AS district, city_body.department_kind AS trade, city_body.id AS competent,
    coalesce(own.id, city_body.id) AS local
FROM accounts_organisation AS city_body
JOIN accounts_organisation AS root ON root.id = city_body.parent_id AND root.kind = 'city'
CROSS JOIN (SELECT DISTINCT district AS code FROM ground) AS district
LEFT JOIN LATERAL (
    SELECT body.id FROM accounts_organisation AS body
    JOIN grid_jurisdiction AS tie ON tie.organisation_id = body.id AND tie.function = 'handling'
    JOIN grid_area AS area ON area.id = tie.area_id
    WHERE body.department_kind = city_body.department_kind AND area.code = district.code
    ORDER BY body.id LIMIT 1
) AS own ON true
WHERE city_body.city_id = %(city)s AND city_body.department_kind <> ''
"""
_COMPONENTS = f"""
INSERT INTO components_component (
    city_id, code, type_id, name, competent_body_id, owner_id, maintainer_id, state, geometry,
    point, cell_id, community_id, address, accuracy, source, surveyed_date, installed_date,
    attributes
)
SELECT %(city)s,
    prefix || lpad((counter.last - total + sequence)::text, 6, '0'),
    type_id,
    CASE WHEN rule < 0 THEN left(name, 80) ELSE '' END,
    body.competent, body.local, body.local,
    CASE WHEN luck < 0.02 THEN 'damaged' WHEN luck < 0.022 THEN 'lost' ELSE 'intact' END,
    coalesce(shape, point), point, cell_id, community_id,
    left(coalesce(nullif(name, ''), area_name), 200),
    CASE WHEN luck < 0.3 THEN 'A' WHEN luck < 0.9 THEN 'B' ELSE 'C' END,
    '{SOURCE}',
    %(on)s::date - (luck * 300)::int,
    %(on)s::date - 400 - (luck * 5000)::int,
    attributes -> (luck * 1000)::int %% jsonb_array_length(attributes)
FROM (
    SELECT standing.*, area.name AS area_name, district || substr(type_code, 2) AS prefix,
        {CHANCE.format("standing.key || 'l'")} AS luck,
        count(*) OVER (PARTITION BY district, type_code) AS total
    FROM standing JOIN grid_area AS area ON area.id = standing.community_id
) AS thing
JOIN components_codecounter AS counter USING (prefix)
JOIN body USING (district, trade)
"""
_STEPS = (
    _GROUND,
    "CREATE INDEX ON ground USING gist (geometry)",
    "ANALYZE ground",
    _SPOTS,
    _STOPS,
    _PARKS,
    "ANALYZE spot",
    _STANDING,
    "ANALYZE standing",
    _COUNTERS,
    _BODIES,
    "ANALYZE body",
    _COMPONENTS,
)


@transaction.atomic
def load_register(city: City, on: date, path: Path = RULES) -> int:
    """Place the demo's components once; return how many stand there."""
    placed = Component.objects.filter(city=city, source=SOURCE)
    if placed.exists():
        return placed.count()
    rules = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(_RULES)
        execute_values(
            cursor,
            "INSERT INTO rule VALUES %s",
            [
                (
                    number,
                    rule["type"],
                    rule["along"].split(),
                    rule["every_m"],
                    rule["beside_m"],
                    json.dumps(rule["attributes"]),
                )
                for number, rule in enumerate(rules)
            ],
            template="(%s, %s, %s, %s, %s, %s::jsonb)",
        )
        cursor.execute(_EXTRA_RULES)
        for step in _STEPS:
            cursor.execute(step, {"city": city.pk, "on": on})
    return placed.count()
