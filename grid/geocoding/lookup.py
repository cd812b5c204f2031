"""What the gazetteer knows of a name: every query behind the search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.db import connection

from common.pinyin import search_keys
from common.prepared import Statement
from grid.geocoding.naming import CROSSING_EN, crossing_name, fold
from grid.geocoding.reading import sounds_of
from grid.geocoding.scoring import Fit, fit_of
from grid.selectors import AreaRef

STORAGE, METRIC = settings.GEO_STORAGE_SRID, settings.GEO_METRIC_SRID
ROADS_MEET_M = 40  # the middle lines of two dual carriageways that cross are not farther apart
SHORTEST_ALIKE, LONGEST_ALIKE = 3, 16  # letters of a name whose mistakes are looked for

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Hit:
    """A place that a written name may mean."""

    place_id: int
    fit: Fit
    score: float
    found: str


@dataclass(frozen=True, slots=True)
class Row:
    """A place of the gazetteer."""

    id: int
    kind: str
    name: str
    name_en: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where two roads of the gazetteer meet; without an id when worked out from their lines."""

    roads: tuple[int, int]
    id: int | None
    name: str
    name_en: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Location:
    """The cell and areas of a point."""

    cell: str
    community: AreaRef
    street: AreaRef
    district: AreaRef


@dataclass(frozen=True, slots=True)
class AreaRow:
    """The city (without an id), a district, street or community that a text may name."""

    id: int | None
    level: str
    code: str
    name: str
    name_en: str


# ── names ─────────────────────────────────────────────────────────────────────────────────────

_END = r"U&'\+10FFFF'"  # sorts after every letter
_BEGINS = "{column} ~>=~ {value} AND {column} ~<~ ({value} || " + _END + ") AND {column} <> {value}"
# Uses place_folded, place_pinyin, place_initials and their like on the aliases. Crossings are not
# told by the beginning of their names: the roads are.
_LIKELY = Statement(
    "likely_names",
    f"""
WITH term AS (
    SELECT * FROM unnest(%s::text[], %s::text[]) AS given (folded, sound)
)
SELECT term.folded, hit.fit, hit.place, hit.found
FROM term CROSS JOIN LATERAL (
    (SELECT 'name' AS fit, id AS place, folded AS found FROM grid_place
        WHERE folded = term.folded LIMIT 40)
    UNION ALL
    (SELECT 'alias', place_id, folded FROM grid_placealias WHERE folded = term.folded LIMIT 20)
    UNION ALL
    (SELECT 'begins', id, folded FROM grid_place WHERE kind <> 'junction'
        AND {_BEGINS.format(column="folded", value="term.folded")}
        ORDER BY length(folded), folded, id LIMIT 12)
    UNION ALL
    (SELECT 'begins', place_id, folded FROM grid_placealias
        WHERE {_BEGINS.format(column="folded", value="term.folded")}
        ORDER BY length(folded), folded, id LIMIT 6)
    UNION ALL
    (SELECT 'sound', id, pinyin FROM grid_place
        WHERE term.sound <> '' AND pinyin = term.sound LIMIT 40)
    UNION ALL
    (SELECT 'sound', place_id, pinyin FROM grid_placealias
        WHERE term.sound <> '' AND pinyin = term.sound LIMIT 20)
    UNION ALL
    (SELECT 'sound_begins', id, pinyin FROM grid_place WHERE length(term.sound) > 2
        AND {_BEGINS.format(column="pinyin", value="term.sound")}
        ORDER BY length(pinyin), pinyin, id LIMIT 12)
    UNION ALL
    (SELECT 'initials', id, initials FROM grid_place
        WHERE term.sound <> '' AND initials = term.sound ORDER BY kind, id LIMIT 20)
    UNION ALL
    (SELECT 'initials', place_id, initials FROM grid_placealias
        WHERE term.sound <> '' AND initials = term.sound ORDER BY id LIMIT 10)
) AS hit
""",  # noqa: S608  our own words
)
# Uses place_like_folded and place_like_pinyin (trigrams) and place_pinyin.
_LESS_LIKELY = Statement(
    "less_likely_names",
    """
WITH term AS (
    SELECT * FROM unnest(%s::text[], %s::text[]) AS given (folded, sound)
), pattern AS (
    SELECT * FROM unnest(%s::text[], %s::text[]) AS given (folded, pattern)
)
SELECT term.folded, hit.fit, hit.place, hit.found
FROM term CROSS JOIN LATERAL (
    (SELECT 'holds' AS fit, id AS place, folded AS found FROM grid_place
        WHERE folded LIKE '%%' || term.folded || '%%' AND kind <> 'junction'
        ORDER BY length(folded), folded, id LIMIT 20)
    UNION ALL
    (SELECT 'holds', place_id, folded FROM grid_placealias
        WHERE folded LIKE '%%' || term.folded || '%%' ORDER BY length(folded), folded, id LIMIT 10)
    UNION ALL
    (SELECT 'homophone', id, pinyin FROM grid_place
        WHERE term.sound <> '' AND pinyin = term.sound LIMIT 20)
    UNION ALL
    (SELECT 'sounds_alike', id, pinyin FROM grid_place
        WHERE term.sound <> '' AND pinyin %% term.sound
        ORDER BY pinyin <-> term.sound, id LIMIT 10)
) AS hit
UNION ALL
SELECT pattern.folded, 'alike', hit.id, hit.folded
FROM pattern CROSS JOIN LATERAL (
    SELECT id, folded FROM grid_place
    WHERE folded LIKE pattern.pattern AND kind <> 'junction' ORDER BY id LIMIT 12
) AS hit
""",
)


def likely_hits(names: Sequence[str]) -> dict[str, list[Hit]]:
    """Return, by folded name, the places that bear it or whose names begin so."""
    terms = [(fold(name), sound) for name in names for sound in sounds_of(name) or [""]]
    return _hits(_LIKELY, [list(column) for column in zip(*terms, strict=True)], dict(terms))


def less_likely_hits(names: Sequence[str]) -> dict[str, list[Hit]]:
    """Return, by folded name, the places whose names hold it, sound like it or look like it."""
    terms = [
        (fold(name), sound) for name in names for sound in sounds_of(name) or search_keys(name)[:1]
    ]
    patterns = [(folded, each) for folded, _sound in terms for each in _with_a_mistake(folded)]
    columns: list[list[str]] = [list(column) for column in zip(*terms, strict=True)]
    columns += [[each[0] for each in patterns], [each[1] for each in patterns]]
    return _hits(_LESS_LIKELY, columns, dict(terms))


def _with_a_mistake(folded: str) -> list[str]:
    """Return patterns of the names that differ in one letter: another, one more, one fewer."""
    if folded.isascii() or not SHORTEST_ALIKE <= len(folded) <= LONGEST_ALIKE:
        return []
    places = range(len(folded))
    other = [f"{folded[:at]}_{folded[at + 1 :]}" for at in places]
    more = [f"{folded[:at]}_{folded[at:]}" for at in places if at]
    fewer = [folded[:at] + folded[at + 1 :] for at in places] if len(folded) > 3 else []
    return [*other, *more, *fewer]


def _hits(
    statement: Statement, columns: list[list[str]], sounds: dict[str, str]
) -> dict[str, list[Hit]]:
    """Run a look-up of names; keep of each name and place the best fit."""
    with connection.cursor() as cursor:
        statement.execute(cursor, columns)
        rows = cursor.fetchall()
    best: dict[tuple[str, int], Hit] = {}
    for written, kind, place_id, found in rows:
        fit = Fit(kind)
        is_sound = fit in (Fit.SOUND_BEGINS, Fit.SOUNDS_ALIKE)
        score = fit_of(fit, sounds[written] if is_sound else written, found)
        known = best.get((written, place_id))
        if known is None or known.score < score:
            best[written, place_id] = Hit(place_id, fit, score, found)
    hits: dict[str, list[Hit]] = {}
    for (written, _place), hit in best.items():
        hits.setdefault(written, []).append(hit)
    return hits


# ── places ────────────────────────────────────────────────────────────────────────────────────

_VALID = "valid_from <= %s AND (valid_to IS NULL OR valid_to > %s)"
_ROWS = Statement(
    "places_of_ids",
    f"""
SELECT id, kind, name, name_en, ST_X(point), ST_Y(point) FROM grid_place
WHERE id = ANY (%s::bigint[]) AND {_VALID.replace("%s", "%s::date")}
""",  # noqa: S608
)
# The crossing that bears the names of both roads, else where their lines come closest.
_CROSSINGS = Statement(
    "crossings",
    f"""
WITH pair AS (SELECT * FROM unnest(%s::bigint[], %s::bigint[]) AS given (a, b)),
named AS (
    SELECT pair.a, pair.b, crossing.id, crossing.name, crossing.name_en, crossing.point
    FROM pair
    JOIN grid_place AS road ON road.id = pair.a JOIN grid_place AS other ON other.id = pair.b
    JOIN grid_place AS crossing ON crossing.kind = 'junction'
        AND crossing.folded IN (road.folded || '与' || other.folded || '交叉口',
            other.folded || '与' || road.folded || '交叉口')
        AND crossing.valid_from <= %s::date
        AND (crossing.valid_to IS NULL OR crossing.valid_to > %s::date)
)
SELECT a, b, id, name, name_en, NULL, NULL, ST_X(point), ST_Y(point) FROM named
UNION ALL
SELECT pair.a, pair.b, NULL, road.name, road.name_en, other.name, other.name_en,
    ST_X(met.point), ST_Y(met.point)
FROM pair
JOIN grid_place AS road ON road.id = pair.a JOIN grid_place AS other ON other.id = pair.b
CROSS JOIN LATERAL (
    SELECT ST_Transform(ST_ClosestPoint(road.shape, other.shape), {STORAGE}) AS point
) AS met
WHERE ST_DWithin(road.shape, other.shape, {ROADS_MEET_M})
    AND NOT EXISTS (SELECT FROM named WHERE named.a = pair.a AND named.b = pair.b)
""",  # noqa: S608
)
# Uses the GiST index on grid_gridcell.geometry.
_LOCATIONS = Statement(
    "locations",
    """
SELECT given.number, cell.code,
    community.id, community.code, community.name, community.name_en,
    street.id, street.code, street.name, street.name_en,
    district.id, district.code, district.name, district.name_en
FROM unnest(%s::int[], %s::float[], %s::float[]) AS given (number, lon, lat)
JOIN LATERAL (
    SELECT code, community_id FROM grid_gridcell
    WHERE ST_Covers(geometry, ST_SetSRID(ST_MakePoint(given.lon, given.lat), 4326))
        AND valid_from <= %s::date AND (valid_to IS NULL OR valid_to > %s::date)
    ORDER BY id LIMIT 1
) AS cell ON true
JOIN grid_area AS community ON community.id = cell.community_id
JOIN grid_area AS street ON street.id = community.parent_id
JOIN grid_area AS district ON district.id = street.parent_id
""",
)


def rows_of(ids: Iterable[int], on: date) -> dict[int, Row]:
    """Return the places of these ids that hold on the day."""
    with connection.cursor() as cursor:
        _ROWS.execute(cursor, [list(ids), on, on])
        return {row[0]: Row(*row) for row in cursor.fetchall()}


def crossings_of(pairs: Sequence[tuple[int, int]], on: date) -> list[Crossing]:
    """Return where the roads of these pairs (ids) meet."""
    with connection.cursor() as cursor:
        roads, others = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        _CROSSINGS.execute(cursor, [roads, others, on, on])
        return [_crossing(*row) for row in cursor.fetchall()]


def _crossing(
    road: int, other: int, pk: int | None, name: str, name_en: str,
    name_b: str | None, name_b_en: str | None, lon: float, lat: float,
) -> Crossing:  # fmt: skip
    if pk is None:
        name, name_en = crossing_name(name, str(name_b)), f"{CROSSING_EN}{name_en} and {name_b_en}"
    return Crossing((road, other), pk, name, name_en, lon, lat)


def locations_of(points: Sequence[Point], on: date) -> dict[int, Location]:
    """Return cell and areas by the number of the point; those outside the city are left out."""
    numbers = list(range(len(points)))
    lons, lats = [point[0] for point in points], [point[1] for point in points]
    with connection.cursor() as cursor:
        _LOCATIONS.execute(cursor, [numbers, lons, lats, on, on])
        return {
            row[0]: Location(row[1], AreaRef(*row[2:6]), AreaRef(*row[6:10]), AreaRef(*row[10:14]))
            for row in cursor.fetchall()
        }


# ── points of roads and areas ─────────────────────────────────────────────────────────────────

_ROADS_IN_AREA = f"""
SELECT road.id, ST_X(middle), ST_Y(middle)
FROM grid_place AS road, grid_area AS area,
    ST_Intersection(road.shape, ST_Transform(area.geometry, {METRIC})) AS part,
    ST_Transform(ST_PointOnSurface(part), {STORAGE}) AS middle
WHERE road.id = ANY (%s) AND area.id = %s AND NOT ST_IsEmpty(part)
"""  # noqa: S608
_ROADS_NEAR = f"""
SELECT id, ST_X(nearest), ST_Y(nearest)
FROM grid_place, ST_Transform(ST_ClosestPoint(shape,
    ST_Transform(ST_SetSRID(ST_MakePoint(%s, %s), {STORAGE}), {METRIC})), {STORAGE}) AS nearest
WHERE id = ANY (%s)
"""  # noqa: S608
# Uses the GiST index on grid_gridcell.geometry.
_ROADS_IN_CITY = """
SELECT road.id, ST_X(middle), ST_Y(middle)
FROM grid_place AS road
CROSS JOIN LATERAL (
    SELECT ST_PointOnSurface(ST_Intersection(cell.geometry, road.geometry)) AS middle
    FROM grid_gridcell AS cell WHERE ST_Intersects(cell.geometry, road.geometry)
        AND cell.valid_from <= %s AND (cell.valid_to IS NULL OR cell.valid_to > %s)
    ORDER BY cell.id LIMIT 1
) AS inside
WHERE road.id = ANY (%s)
"""
# Also the city's own name, as an area without an id.
_AREAS_IN = Statement(
    "areas_in",
    """
WITH given AS (SELECT %s::text AS text, %s::text AS sound, %s::date AS day)
SELECT area.id, level, code, name, name_en FROM grid_area AS area, given
WHERE valid_from <= day AND (valid_to IS NULL OR valid_to > day) AND (
    strpos(text, name) > 0
    OR length(name) > 2 AND strpos(text, left(name, -1)) > 0
    OR length(name) > 3 AND strpos(text, left(name, -2)) > 0
    OR sound <> '' AND starts_with(replace(lower(name_en), ' ', ''), sound)
    OR length(text) > 1 AND starts_with(name, text))
UNION ALL
SELECT NULL, 'city', '', name, name_en FROM accounts_city
ORDER BY 3, 1
""",
)
_AREA_POINTS = """
SELECT id, ST_X(middle), ST_Y(middle) FROM grid_area, ST_PointOnSurface(geometry) AS middle
WHERE id = ANY (%s)
"""


def roads_in_area(ids: Sequence[int], area_id: int) -> dict[int, Point]:
    """Return a point of each of these roads in an area, of those that run through it."""
    return _points(_ROADS_IN_AREA, [list(ids), area_id])


def roads_near(ids: Sequence[int], near: Point) -> dict[int, Point]:
    """Return the point of each of these roads that is nearest to a place."""
    return _points(_ROADS_NEAR, [*near, list(ids)])


def roads_in_city(ids: Sequence[int], on: date) -> dict[int, Point]:
    """Return a point in the city of each of these roads, of those that have one."""
    return _points(_ROADS_IN_CITY, [on, on, list(ids)])


def area_points(ids: Sequence[int]) -> dict[int, Point]:
    """Return a point inside each of these areas."""
    return _points(_AREA_POINTS, [list(ids)])


def _points(sql: str, values: list[Any]) -> dict[int, Point]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return {pk: (lon, lat) for pk, lon, lat in cursor.fetchall()}


def areas_in(text: str, on: date) -> list[AreaRow]:
    """Return the city, and the areas whose names, or almost, occur in a text; the larger first."""
    sounds = sounds_of(text)
    sound = sounds[0] if sounds and len(sounds[0]) > 2 else ""
    with connection.cursor() as cursor:
        _AREAS_IN.execute(cursor, [text, sound, on])
        rows = [AreaRow(*row) for row in cursor.fetchall()]
    return sorted(rows, key=lambda area: (len(area.code), area.code))
