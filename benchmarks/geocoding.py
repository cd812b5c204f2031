"""From words to places and from a point to words, on the gazetteer of the whole city."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection
from django.utils import timezone

from benchmarks.figures import Figure
from grid.geocoding.naming import CROSSING, roads_of
from grid.geocoding.selectors import address_search
from grid.geocoding.words import place_in_words
from grid.selectors import locate

SAMPLE = 200
SEARCH_P95_MS, WORDS_MS, LOCATE_MS = 30, 3, 1
_NAMES = """
SELECT place.name FROM grid_place AS place
JOIN grid_gridcell AS cell ON ST_Covers(cell.geometry, place.point) WHERE place.kind {which}
ORDER BY md5(place.key) LIMIT %s
"""
_POINTS = """
SELECT ST_X(point), ST_Y(point)
FROM (SELECT geometry, id FROM grid_gridcell ORDER BY md5(code) LIMIT %s) AS cell,
    ST_GeneratePoints(geometry, 1, id::int) AS points, ST_GeometryN(points, 1) AS point
"""


def measure(_database: str) -> Iterator[Figure]:
    """Measure every figure of the suite, in order."""
    on, chance = timezone.localdate(), random.Random(30428)
    texts = [_rewritten(name, chance) for name in _rows(_NAMES.format(which="= 'junction'"))]
    texts += _rows(_NAMES.format(which="<> 'junction'"))
    searched = _milliseconds(lambda text: address_search(text, on=on), texts)
    found = sum(bool(address_search(text, on=on)) for text in texts)
    yield Figure(
        "address search, p95",
        searched[int(len(searched) * 0.95)],
        SEARCH_P95_MS,
        "ms",
        at_most=True,
        remark=f"{len(texts)} names and crossings, {found} found,"
        f" median {searched[len(searched) // 2]:.1f} ms",
    )
    points = _rows(_POINTS)
    worded = _milliseconds(lambda point: place_in_words(*point, on=on), points)
    yield Figure("place in words, mean", sum(worded) / len(worded), WORDS_MS, "ms", at_most=True)
    located = _milliseconds(lambda point: locate(*point, on=on), points)
    yield Figure("locate, mean", sum(located) / len(located), LOCATE_MS, "ms", at_most=True)


def _rows(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [SAMPLE])
        return [row[0] if len(row) == 1 else row for row in cursor.fetchall()]


def _rewritten(name: str, chance: random.Random) -> str:
    """Return a crossing as people write it."""
    roads = list(roads_of(name) or (name, ""))
    chance.shuffle(roads)
    return chance.choice(("{}{}口", "{}/{}", "{}和{}路口", "{}与{}" + CROSSING)).format(*roads)


def _milliseconds(act: Callable[[Any], object], values: list[Any]) -> list[float]:
    """Return how long each took, the quickest first; the first is asked twice, to plan the SQL."""
    act(values[0])
    taken = []
    for value in values:
        started = time.perf_counter()
        act(value)
        taken.append((time.perf_counter() - started) * 1000)
    return sorted(taken)
