"""Tiles of the register at every zoom, made anew for each request: nothing is cached."""

from __future__ import annotations

import gzip
import random
import statistics
import time
from collections.abc import Iterator, Sequence

from django.db import connection

from benchmarks.figures import Figure
from components.models import Component
from components.tiling.services import counts_differ
from components.tiling.sql import HALF, MIN_ZOOM
from components.tiling.tiles import MAX_ZOOM, component_tile

MEDIAN_MS, P95_MS, MOST_KB = 30, 80, 250
TILES = 40  # a zoom, where components stand: the dense ones come up most
GZIP_LEVEL = 4  # as nginx compresses
SAMPLE = """
SELECT ST_X(tile_point), ST_Y(tile_point) FROM components_component
WHERE id = ANY (%s)
"""

Spot = tuple[float, float]


def measure(_database: str) -> Iterator[Figure]:
    """Measure every figure of the suite, in order."""
    spots = places()
    for zoom in range(MIN_ZOOM, MAX_ZOOM + 1):
        yield from at_zoom(zoom, spots)
    yield from filtered(spots)
    started = time.perf_counter()
    different = counts_differ()
    seconds = time.perf_counter() - started
    remark = f"compared in {seconds:.0f} s"
    yield Figure("counts that differ from the register", different, 0, "", True, remark=remark)


def places() -> list[Spot]:
    """Return places of components, chosen evenly over the register."""
    pks = Component.objects.order_by("pk").values_list("pk", flat=True)
    first, last = pks.first(), pks.last()
    chosen = random.Random(7).sample(range(first, last + 1), min(4_000, last - first))
    with connection.cursor() as cursor:
        cursor.execute(SAMPLE, [chosen])
        return cursor.fetchall()


def at_zoom(zoom: int, spots: Sequence[Spot]) -> Iterator[Figure]:
    """Measure tiles of one zoom in the server, and the largest of them compressed."""
    chosen = random.Random(zoom).sample(list(spots), TILES)
    tiles = [tile_of(spot, zoom) for spot in chosen]
    component_tile(zoom, *tiles[0])
    times, sizes = [], []
    for x, y in tiles:
        started = time.perf_counter()
        content = component_tile(zoom, x, y)
        times.append((time.perf_counter() - started) * 1000)
        sizes.append(len(gzip.compress(content, GZIP_LEVEL)) / 1000)
    largest = f"largest {max(sizes):.0f} kB"
    p95 = statistics.quantiles(times, n=20)[-1]
    yield Figure(f"tile of zoom {zoom}, median", statistics.median(times), MEDIAN_MS, "ms", True)
    yield Figure(f"tile of zoom {zoom}, p95", p95, P95_MS, "ms", True, remark=largest)
    yield Figure(f"tile of zoom {zoom}, largest", max(sizes), MOST_KB, "kB", True)


def filtered(spots: Sequence[Spot]) -> Iterator[Figure]:
    """Measure tiles of the commonest type, at the zooms where filters cost most."""
    for zoom in (10, 12, 14):
        times = []
        for spot in spots[:TILES]:
            started = time.perf_counter()
            component_tile(zoom, *tile_of(spot, zoom), types=["C0402"])
            times.append((time.perf_counter() - started) * 1000)
        median = statistics.median(times)
        yield Figure(f"street trees at zoom {zoom}, median", median, MEDIAN_MS, "ms", True)


def tile_of(spot: Spot, zoom: int) -> tuple[int, int]:
    side = 2 * HALF / 2**zoom
    return int((spot[0] + HALF) // side), int((HALF - spot[1]) // side)
