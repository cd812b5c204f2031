"""The wall's snapshot over all cases of the database: how many queries, how long, how large.

    make bench BENCH=wall                      1,000,000 cases
    SEED=10000000 make bench BENCH=wall        ten million, of which 50,000 open

Also what a second of the wall costs: what changed between two snapshots, as it is sent.
"""

from __future__ import annotations

import gzip
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta

import orjson
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import City
from benchmarks.figures import Figure
from cases.models import Case
from desks.wall.broadcast import compute
from desks.wall.ground import ground
from desks.wall.scope import Scope
from desks.wall.snapshot import wall_figures
from grid.models import Area
from live.hub.airing import Airing

QUERIES, MILLISECONDS = 10, 80
ROUNDS = 30
GROUND_KB, DELTA_KB = 400, 16


def measure(database: str) -> Iterator[Figure]:
    """Measure the city's snapshot and the largest district's, warm, at the last moment known."""
    city = City.objects.get()
    newest = Case.objects.order_by("-reported_at").values_list("reported_at", flat=True).first()
    now = newest or timezone.now()
    cases, open_cases = Case.objects.count(), Case.objects.filter(is_open=True).count()
    sizes = f" {cases:,} cases, {open_cases:,} of them open"
    district = largest_district(city)
    for name, scope in (("city", Scope(city.pk)), ("a district", district)):
        yield from snapshot_figures(name, scope, now, sizes)
    yield from sent_figures(Scope(city.pk), now)


def largest_district(city: City) -> Scope:
    """Return the district with the most open cases."""
    areas = Area.objects.filter(city=city, level=Area.Level.DISTRICT, valid_to=None)
    scopes = [Scope(city.pk, area.pk, area.code) for area in areas]
    return max(scopes, key=lambda scope: scope.open_cases().count())


def snapshot_figures(name: str, scope: Scope, now, sizes: str) -> Iterator[Figure]:
    """Measure one scope's snapshot."""
    times = []
    with CaptureQueriesContext(connection) as queries:
        read(scope, now)
    for _round in range(ROUNDS):
        started = time.perf_counter()
        read(scope, now)
        times.append(1000 * (time.perf_counter() - started))
    count = len(queries)
    yield Figure(f"queries of a snapshot, {name}", count, QUERIES, "", at_most=True, remark=sizes)
    middle = statistics.median(times)
    yield Figure(f"snapshot of {name}, median", middle, MILLISECONDS, "ms", at_most=True)
    slow = statistics.quantiles(times, n=20)[-1]
    worst = max(queries.captured_queries, key=lambda query: float(query["time"]))
    remark = f" slowest query {worst['time']} s: {' '.join(worst['sql'].split())[:60]}"
    p95 = f"snapshot of {name}, p95"
    yield Figure(p95, slow, 2 * MILLISECONDS, "ms", at_most=True, remark=remark)


def read(scope: Scope, now) -> dict:
    """Read a snapshot as the program does."""
    return wall_figures(scope, now, real_now=timezone.now(), rate=1.0)


def sent_figures(scope: Scope, now) -> Iterator[Figure]:
    """Measure what goes over the line: the ground once, and what a second changes."""
    packed = gzip.compress(orjson.dumps(ground(scope, timezone.localdate(now))), 4)
    yield Figure(
        "ground of the city, compressed", len(packed) / 1024, GROUND_KB, "KB", at_most=True
    )
    airing = Airing("wall:city")
    airing.take(compute("city", now), now)
    airing.take(compute("city", now + timedelta(seconds=1)), now + timedelta(seconds=1))
    delta, _number = airing.text_for(1)
    yield Figure("what a second changes", len(delta.encode()) / 1024, DELTA_KB, "KB", at_most=True)
