"""Placing a made-up register in a city, set by set, inside the database.

Nothing travels: sites, places, codes and rows are made where they stay, which is quicker than a
COPY of them would be. The same city, seed and count give the same register.
"""
# ruff: noqa: S608  the statements are put together from constants of this module

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _
from psycopg2.extras import execute_values

from accounts.models import City
from common.errors import DomainError
from components.models import Component
from components.seeding.density import Rule, counts_for, rules_read

METRIC, STORAGE = settings.GEO_METRIC_SRID, settings.GEO_STORAGE_SRID
TILE = settings.GEO_TILE_SRID
EVEN = {"key": 1.0, "control": 1.0, "ordinary": 1.0}
MARGIN_M = 16  # nothing is placed farther from its site than this, so nothing falls out of the city
SPARE = 10_000  # one in so many may fall into a gap of the cells: the commonest makes up for it
PIECE_M = 200  # roads and shores are cut, so that each piece has one zone

# A number in [0, 1) that is always the same for the same thing and seed.
CHANCE = "((hashtextextended({0}, %(seed)s) & 1048575) / 1048576.0)"

_RULES = """
DROP TABLE IF EXISTS pg_temp.rule, pg_temp.ground, pg_temp.inside, pg_temp.feature, pg_temp.site,
    pg_temp.dealt, pg_temp.spot, pg_temp.standing, pg_temp.body;
CREATE TEMPORARY TABLE rule (
    id int, type text, family text, kinds text[], beside_m float, shape text, long_m float,
    wide_m float, attributes jsonb, count int
) ON COMMIT DROP
"""
_GROUND = f"""
CREATE TEMPORARY TABLE ground ON COMMIT DROP AS
SELECT cell.id, cell.code, cell.community_id, cell.geometry, street.code AS street,
    district.code AS district
FROM grid_gridcell AS cell
JOIN grid_area AS community ON community.id = cell.community_id
JOIN grid_area AS street ON street.id = community.parent_id
JOIN grid_area AS district ON district.id = street.parent_id
WHERE cell.valid_to IS NULL AND cell.city_id = %(city)s;
CREATE INDEX ON ground USING gist (geometry);
ANALYZE ground;
CREATE TEMPORARY TABLE inside ON COMMIT DROP AS
SELECT ST_Subdivide(ST_Buffer(ST_Union(ST_Transform(geometry, {METRIC})), -{MARGIN_M}), 128)
    AS shape
FROM grid_area
WHERE id IN (SELECT community_id FROM ground);
CREATE INDEX ON inside USING gist (shape);
ANALYZE inside;
CREATE TEMPORARY TABLE feature ON COMMIT DROP AS
SELECT feature.id, layer, kind, name, CASE WHEN layer = 'road' THEN shape
    ELSE ST_CollectionExtract(ST_MakeValid(shape), 3) END AS shape
FROM (
    SELECT id, layer, kind, name, ST_Transform(geometry, {METRIC}) AS shape
    FROM grid_basefeature
    WHERE layer IN ('road', 'water', 'green', 'built') AND geometry && (
        SELECT ST_Transform(ST_SetSRID(ST_Extent(geometry), {STORAGE}), {TILE}) FROM ground)
) AS feature;
CREATE INDEX ON feature USING gist (shape);
ANALYZE feature
"""
# Lines in pieces, areas and points, each with the share of the zone it lies in.
_SITES = f"""
CREATE TEMPORARY TABLE site ON COMMIT DROP AS
WITH line AS (
    SELECT id, 'road' AS family, kind, name,
        (ST_Dump(ST_LineMerge(shape))).geom AS shape FROM feature WHERE layer = 'road'
    UNION ALL
    SELECT id, 'shore', kind, name, (ST_Dump(ST_Boundary(shape))).geom
    FROM feature WHERE layer = 'water'
), clipped AS (
    SELECT id, family, kind, name,
        (ST_Dump(ST_LineMerge(ST_Intersection(line.shape, inside.shape)))).geom AS shape
    FROM line JOIN inside ON ST_Intersects(line.shape, inside.shape)
), piece AS (
    SELECT id, family, kind, name, ST_LineSubstring(
        shape, part::float / parts, (part + 1)::float / parts) AS shape
    FROM (
        SELECT *, greatest(ceil(ST_Length(shape) / {PIECE_M}), 1)::int AS parts FROM clipped
        WHERE ST_Dimension(shape) = 1 AND ST_Length(shape) > 5
    ) AS long CROSS JOIN LATERAL generate_series(0, parts - 1) AS part
), area AS (
    SELECT id, layer AS family, kind, name,
        (ST_Dump(ST_Intersection(feature.shape, inside.shape))).geom AS shape
    FROM feature JOIN inside ON ST_Intersects(feature.shape, inside.shape)
    WHERE layer IN ('built', 'green')
), whole AS (
    SELECT id, 'park' AS family, kind, name, (ST_Dump(shape)).geom AS shape
    FROM feature WHERE layer = 'green' AND kind IN ('park', 'grass')
    UNION ALL
    SELECT id, 'viaduct', kind, name, (ST_Dump(ST_LineMerge(shape))).geom
    FROM feature WHERE layer = 'road' AND kind IN ('motorway', 'trunk')
    UNION ALL
    SELECT road.id, 'bridge', road.kind, road.name,
        (ST_Dump(ST_LineMerge(ST_Intersection(road.shape, water.shape)))).geom
    FROM feature AS road JOIN feature AS water
        ON water.layer = 'water' AND ST_Intersects(road.shape, water.shape)
    WHERE road.layer = 'road'
), point AS (
    SELECT id, CASE kind WHEN 'stop' THEN 'stop' ELSE 'junction' END AS family, '' AS kind, name,
        ST_Transform(point, {METRIC}) AS shape
    FROM grid_place WHERE kind IN ('stop', 'junction')
), found AS (
    SELECT *, ST_Length(shape) AS size FROM piece
    UNION ALL SELECT *, ST_Area(shape) FROM area WHERE ST_Dimension(shape) = 2
    UNION ALL SELECT *, 1 FROM whole WHERE ST_Length(shape) > 8 OR ST_Area(shape) > 100
    UNION ALL SELECT *, 1 FROM point
), seen AS (
    SELECT *, CASE ST_Dimension(shape) WHEN 0 THEN shape
        WHEN 1 THEN ST_LineInterpolatePoint(shape, 0.5) ELSE ST_PointOnSurface(shape) END AS middle
    FROM found
)
SELECT row_number() OVER (ORDER BY family, id, ST_XMin(shape), ST_YMin(shape), size) AS id,
    family, kind, name, shape, size,
    size * coalesce((
        SELECT CASE WHEN bool_or(grade = 'key') THEN %(key)s::float
            WHEN bool_or(grade = 'control') THEN %(control)s::float END
        FROM grid_zone WHERE ST_Intersects(geometry, ST_Transform(middle, {STORAGE}))
            AND valid_to IS NULL
    ), %(ordinary)s::float) AS weight
FROM seen
WHERE EXISTS (SELECT FROM inside WHERE ST_Intersects(inside.shape, middle));
CREATE INDEX ON site (family);
ANALYZE site
"""
_SIZES = """
SELECT rule.id, coalesce(sum(weight), 0) FROM rule LEFT JOIN site
    ON site.family = rule.family AND (rule.kinds = '{}' OR site.kind = ANY (rule.kinds))
GROUP BY rule.id ORDER BY rule.id
"""
_COUNTS = "UPDATE rule SET count = given.count FROM (VALUES %s) AS given (id, count) \
WHERE rule.id = given.id"
# Things are dealt out along the sites of a rule laid end to end, by weight.
_SHARES = f"""
CREATE TEMPORARY TABLE dealt ON COMMIT DROP AS
SELECT rule, site, (floor(until * count / total + 1e-6) - floor(since * count / total + 1e-6))::int
    AS count
FROM (
    SELECT rule.id AS rule, site.id AS site, rule.count,
        sum(weight) OVER along AS until, sum(weight) OVER along - weight AS since,
        sum(weight) OVER (PARTITION BY rule.id) AS total
    FROM rule JOIN site
        ON site.family = rule.family AND (rule.kinds = '{{}}' OR site.kind = ANY (rule.kinds))
    WHERE rule.shape <> 'whole' AND weight > 0
    WINDOW along AS (PARTITION BY rule.id ORDER BY site.id)
) AS laid
UNION ALL
SELECT rule, site, 1 FROM (
    SELECT rule.id AS rule, site.id AS site, rule.count,
        row_number() OVER (PARTITION BY rule.id
            ORDER BY {CHANCE.format("rule.id || ':' || site.id")} / greatest(weight, 0.01))
            AS number
    FROM rule JOIN site
        ON site.family = rule.family AND (rule.kinds = '{{}}' OR site.kind = ANY (rule.kinds))
    WHERE rule.shape = 'whole'
) AS chosen WHERE number <= count
"""
_PLACES = f"""
CREATE TEMPORARY TABLE spot ON COMMIT DROP AS
WITH unit AS (
    SELECT rule.id AS rule, site.id AS site, rule.beside_m, rule.shape AS drawn, rule.long_m,
        rule.wide_m, site.name, site.shape, ST_Dimension(site.shape) AS dimension, number,
        dealt.count, rule.id || ':' || site.id || ':' || number AS key
    FROM dealt JOIN rule ON rule.id = dealt.rule JOIN site ON site.id = dealt.site
    CROSS JOIN LATERAL generate_series(1, dealt.count) AS number
    WHERE ST_Dimension(site.shape) < 2 OR rule.shape = 'whole'
), along AS (
    SELECT *, (number - 0.8 + 0.6 * {CHANCE.format("key")}) / count AS fraction,
        CASE WHEN {CHANCE.format("key || 's'")} < 0.5 THEN -1 ELSE 1 END * beside_m AS aside,
        2 * pi() * {CHANCE.format("key || 'a'")} AS angle,
        CASE WHEN dimension = 1 THEN greatest(ST_Length(shape), 1) END AS length
    FROM unit
), placed AS (
    SELECT rule, name, key, drawn, long_m, wide_m,
        CASE WHEN drawn = 'whole' THEN shape
        WHEN dimension = 0 THEN ST_Translate(shape, beside_m * cos(angle), beside_m * sin(angle))
        ELSE ST_LineInterpolatePoint(shape, fraction) END AS base,
        CASE WHEN dimension = 1 AND drawn <> 'whole' THEN ST_Azimuth(
            ST_LineInterpolatePoint(shape, greatest(fraction - 1 / length, 0)),
            ST_LineInterpolatePoint(shape, least(fraction + 1 / length, 1)))
        ELSE angle END AS heading,
        CASE WHEN dimension = 1 THEN aside ELSE 0 END AS aside,
        CASE WHEN dimension = 1 AND drawn = 'line' THEN ST_LineSubstring(
            shape, fraction, least(fraction + long_m / length, 1)) END AS piece
    FROM along
    UNION ALL
    SELECT rule.id, site.name, rule.id || ':' || site.id || ':' || inner_point.path[1], rule.shape,
        rule.long_m, rule.wide_m, inner_point.geom,
        2 * pi() * {CHANCE.format("rule.id || 'h' || site.id")}, 0, NULL
    FROM dealt JOIN rule ON rule.id = dealt.rule JOIN site ON site.id = dealt.site
    CROSS JOIN LATERAL ST_Dump(ST_GeneratePoints(
        site.shape, dealt.count, (site.id * 131 + rule.id + %(seed)s)::int %% 1000000 + 1
    )) AS inner_point
    WHERE ST_Dimension(site.shape) = 2 AND rule.shape <> 'whole' AND dealt.count > 0
), beside AS (
    SELECT *, aside * cos(heading) AS dx, -aside * sin(heading) AS dy FROM placed
), drawn AS (
    SELECT rule, name, key, CASE drawn
        WHEN 'point' THEN ST_Translate(base, dx, dy)
        WHEN 'whole' THEN base
        WHEN 'line' THEN coalesce(ST_Translate(piece, dx, dy), ST_MakeLine(
            ST_Translate(base, -long_m / 2 * sin(heading), -long_m / 2 * cos(heading)),
            ST_Translate(base, long_m / 2 * sin(heading), long_m / 2 * cos(heading))))
        ELSE ST_Rotate(ST_MakeEnvelope(
            ST_X(base) + dx - wide_m / 2, ST_Y(base) + dy - long_m / 2,
            ST_X(base) + dx + wide_m / 2, ST_Y(base) + dy + long_m / 2, {METRIC}),
            -heading, ST_Translate(base, dx, dy)) END AS shape
    FROM beside
)
SELECT row_number() OVER () AS id, rule, name, key,
    ST_Transform(shape, {STORAGE}) AS shape, ST_Transform(
    CASE ST_Dimension(shape) WHEN 0 THEN shape WHEN 1 THEN ST_LineInterpolatePoint(shape, 0.5)
    ELSE ST_PointOnSurface(shape) END, {STORAGE}) AS point
FROM drawn;
ANALYZE spot
"""
_STANDING = f"""
CREATE TEMPORARY TABLE standing ON COMMIT DROP AS
WITH covered AS MATERIALIZED (
    SELECT spot.id, min(ground.id) AS cell_id
    FROM spot JOIN ground ON ST_Covers(ground.geometry, spot.point) GROUP BY spot.id
), chosen AS (
    SELECT id, cell_id FROM covered JOIN spot USING (id)
    ORDER BY rule = (SELECT id FROM rule ORDER BY count DESC, id LIMIT 1), key LIMIT %(count)s
), kept AS (
    SELECT spot.*, ground.id AS cell_id, ground.code AS cell_code, ground.community_id,
        ground.street, ground.district
    FROM chosen JOIN spot USING (id) JOIN ground ON ground.id = chosen.cell_id
)
SELECT kept.*, type.id AS type_id, type.code AS type_code, type.lead_department_kind AS trade,
    rule.attributes, {CHANCE.format("kept.key || 'l'")} AS luck,
    row_number() OVER (PARTITION BY kept.district, type.code ORDER BY kept.cell_code, kept.key)
        AS sequence
FROM kept
JOIN rule ON rule.id = kept.rule
JOIN components_casetype AS type ON type.code = rule.type;
ANALYZE standing
"""
_COUNTERS = """
INSERT INTO components_codecounter AS counter (prefix, last)
SELECT district || substr(type_code, 2), count(*) FROM standing GROUP BY district, type_code
ON CONFLICT (prefix) DO UPDATE SET last = counter.last + excluded.last
"""
# The body of the street where it has one for the trade, else the district's, else the city's.
_BODIES = """
CREATE TEMPORARY TABLE body ON COMMIT DROP AS
SELECT place.street, city_body.department_kind AS trade, city_body.id AS competent,
    coalesce(own.id, city_body.id) AS local
FROM (
    SELECT DISTINCT ON (department_kind) body.id, body.department_kind
    FROM accounts_organisation AS body
    JOIN accounts_organisation AS root ON root.id = body.parent_id AND root.kind = 'city'
    WHERE body.city_id = %(city)s AND body.department_kind <> ''
    ORDER BY department_kind, body.id
) AS city_body
CROSS JOIN (SELECT DISTINCT street, district FROM ground) AS place
LEFT JOIN LATERAL (
    SELECT body.id FROM accounts_organisation AS body
    JOIN grid_jurisdiction AS tie ON tie.organisation_id = body.id AND tie.function = 'handling'
    JOIN grid_area AS area ON area.id = tie.area_id
    WHERE body.department_kind = city_body.department_kind
        AND area.code IN (place.street, place.district) AND tie.valid_to IS NULL
    ORDER BY length(area.code) DESC, body.id LIMIT 1
) AS own ON true;
ANALYZE body
"""
_COMPONENTS = """
INSERT INTO components_component (
    city_id, code, type_id, name, competent_body_id, owner_id, maintainer_id, state, geometry,
    point, cell_id, community_id, address, accuracy, source, surveyed_date, installed_date,
    attributes
)
SELECT %(city)s,
    prefix || lpad((counter.last - total + sequence)::text, 6, '0'),
    type_id,
    CASE WHEN family IN ('stop', 'junction', 'park', 'bridge') THEN left(name, 80) ELSE '' END,
    body.competent, body.local, body.local,
    CASE WHEN luck < 0.02 THEN 'damaged' WHEN luck < 0.022 THEN 'lost' ELSE 'intact' END,
    shape, point, cell_id, community_id,
    left(coalesce(nullif(name, ''), area_name), 200),
    CASE WHEN luck < 0.3 THEN 'A' WHEN luck < 0.9 THEN 'B' ELSE 'C' END,
    %(source)s,
    %(on)s::date - (luck * 300)::int,
    %(on)s::date - 400 - (luck * 5000)::int,
    thing.attributes -> (luck * 1000)::int %% jsonb_array_length(thing.attributes)
FROM (
    SELECT standing.*, rule.family, area.name AS area_name,
        district || substr(type_code, 2) AS prefix,
        count(*) OVER (PARTITION BY district, type_code) AS total
    FROM standing JOIN rule ON rule.id = standing.rule
    JOIN grid_area AS area ON area.id = standing.community_id
) AS thing
JOIN components_codecounter AS counter USING (prefix)
JOIN body USING (street, trade)
ORDER BY cell_code, type_code, sequence
"""
_STEPS = (
    ("places", _SHARES + ";ANALYZE dealt;" + _PLACES),
    ("cells", _STANDING),
    ("codes", _COUNTERS),
    ("bodies", _BODIES),
    ("register", _COMPONENTS),
)


def components_seed(
    *,
    city: City,
    count: int,
    seed: int,
    on: date,
    source: str = "",
    shares: Mapping[str, float] = EVEN,
    rules: Sequence[Rule] | None = None,
    tell: Callable[[str], None] = lambda step: None,
) -> int:
    """Place ``count`` components of all types along the city's streets; return how many were added.

    ``shares`` says how thickly zones of each grade are covered. Run again, it adds nothing. Raise
    DomainError ``not_possible`` where another number of the same seed stands, or where there is
    no ground to stand on.
    """
    source = source or f"seed {seed}"
    standing = Component.objects.filter(city=city, source=source).count()
    if standing:
        if standing == count:
            return 0
        message = _("%(count)s components of this seed stand there already: choose another seed.")
        raise DomainError("not_possible", message % {"count": standing}, status=409)
    given: dict[str, Any] = {
        "city": city.pk,
        "seed": seed,
        "on": on,
        "source": source,
        "count": count,
        **shares,
    }
    rules = rules_read() if rules is None else rules
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL work_mem = '256MB'")
        tell("sites")
        _sites(cursor, rules, count, given)
        for step, statement in _STEPS:
            tell(step)
            cursor.execute(statement, given)
        added: int = cursor.rowcount
    return added


def _sites(cursor: Any, rules: Sequence[Rule], count: int, given: Mapping[str, Any]) -> None:
    """Find where things can stand, and settle how many of each there are to be."""
    cursor.execute(_RULES)
    execute_values(
        cursor,
        "INSERT INTO rule VALUES %s",
        [
            (
                number, rule.type_code, rule.family, list(rule.kinds), rule.beside_m, rule.shape,
                rule.long_m, rule.wide_m, json.dumps([dict(row) for row in rule.attributes]), 0,
            )
            for number, rule in enumerate(rules)
        ],
        template="(%s, %s, %s, %s::text[], %s, %s, %s, %s, %s::jsonb, %s)",
    )  # fmt: skip
    for statement in (_GROUND, _SITES):
        cursor.execute(statement, given)
    cursor.execute(_SIZES)
    sizes = [float(size) for _rule, size in cursor.fetchall()]
    if not any(sizes):
        raise DomainError(
            "not_possible", _("There is no base map along which things could stand."), status=409
        )
    counts = counts_for(count + count // SPARE + 2, rules, sizes)
    execute_values(cursor, _COUNTS, list(enumerate(counts)))
