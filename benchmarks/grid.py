"""The grid and the register at the size of the whole city."""

from __future__ import annotations

import time
from collections.abc import Iterator

from django.utils import timezone

from accounts.models import City
from benchmarks.figures import Figure
from grid.gridding import BUILT
from grid.services import community_ids, grid_make

MIN_BUILT_CELLS = 23_000  # of the four districts and the scenic area


def measure(_database: str) -> Iterator[Figure]:
    """Measure every figure of the suite, in order."""
    yield from _gridding()


def _gridding() -> Iterator[Figure]:
    communities = community_ids(City.objects.get(), timezone.localdate())
    started = time.perf_counter()
    _grounds, cells, check = grid_make(communities=communities)
    seconds = time.perf_counter() - started
    built = sum(cell.kind == BUILT for cell in cells)
    yield Figure(
        "grid of the whole city",
        seconds,
        90,
        "s",
        at_most=True,
        remark=f"{len(communities)} communities, {len(cells):,} cells",
    )
    yield Figure("built-up cells", built, MIN_BUILT_CELLS, "")
    measured = (check.uncovered_m2, check.overlap_m2, check.outside_m2)
    worst = max(area for areas in measured for area in areas.values())
    yield Figure("largest gap, overlap or overhang", worst, 1, "m²", at_most=True)
