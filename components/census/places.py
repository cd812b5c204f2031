"""Where the lines of a batch lie: numbers or shapes in any datum become shapes in WGS-84.

What cannot be a place of the city is told by name: no place, no number, 0/0, axes swapped,
elsewhere. Coordinates far outside the city in their own system are never converted: a formula may
answer anything there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from django.conf import settings
from django.utils.translation import gettext as _

from common.geo import (
    bd09_from_wgs84,
    gcj02_from_wgs84,
    wgs84_from_bd09,
    wgs84_from_gcj02,
)
from common.geofiles import Way, invalid
from components.census.reading import Batch
from components.census.workflow import Datum

Extent = tuple[float, float, float, float]  # west, south, east, north
Move = Callable[[np.ndarray], np.ndarray]

MARGIN = 0.3  # of the extent's size: beyond it a place is elsewhere
EDGE_STEPS = 20
NO_PLACE, NO_NUMBER, ZERO, SWAPPED, ELSEWHERE = (
    "no_place",
    "no_number",
    "zero_place",
    "swapped_axes",
    "elsewhere",
)


@dataclass(frozen=True, slots=True)
class Ground:
    """How a survey's coordinates become WGS-84, and the window they must lie in before that."""

    move: Move
    window: Extent


def ground_of(datum: str, crs: str, file_crs: str, extent: Extent) -> Ground:
    """Return the ground of a survey in a city of this extent (degrees).

    Raise DomainError ``invalid`` where the coordinate system is not said, does not exist, or does
    not reach the city.
    """
    margin = MARGIN * max(extent[2] - extent[0], extent[3] - extent[1])
    wide = (extent[0] - margin, extent[1] - margin, extent[2] + margin, extent[3] + margin)
    if datum == Datum.GCJ02:
        return Ground(_shifted(wgs84_from_gcj02), _window(_shifted(gcj02_from_wgs84), wide))
    if datum == Datum.BD09:
        return Ground(_shifted(wgs84_from_bd09), _window(_shifted(bd09_from_wgs84), wide))
    named = {
        Datum.FILE: file_crs,
        Datum.WGS84: "EPSG:4326",
        Datum.CGCS2000: "EPSG:4490",
        Datum.CITY: f"EPSG:{settings.GEO_METRIC_SRID}",
        Datum.OTHER: crs,
    }[Datum(datum)]
    if not named:
        raise invalid(
            _("The file does not say its coordinate system. Name it, for example EPSG:4549.")
        )
    window = _window(Way(settings.GEO_STORAGE_SRID, named), wide)
    if not np.isfinite(window).all():
        raise invalid(
            _("The coordinate system “%(name)s” does not reach the city.") % {"name": named[:60]}
        )
    return Ground(Way(named), window)


def points_of(lon: Sequence[str], lat: Sequence[str], ground: Ground) -> tuple[list, dict]:
    """Return the points (WKB as hexadecimal digits, None where there is none) and the problems."""
    problems: dict[int, str] = {}
    x, y = _numbers(lon, problems), _numbers(lat, problems)
    _place(x, y, x, y, ground.window, problems)
    good = np.ones(len(x), dtype=bool)
    good[list(problems)] = False
    moved = ground.move(np.column_stack([x[good], y[good]]))
    return _hexadecimal(moved, good, problems), problems


def shapes_of(wkb: Sequence[bytes | None], ground: Ground) -> tuple[list, dict]:
    """Return the shapes (WKB as hexadecimal digits) and the problems; heights are dropped."""
    problems: dict[int, str] = {}
    shapes = shapely.force_2d(shapely.from_wkb(np.array(wkb, dtype=object), on_invalid="ignore"))
    return _moved_shapes(shapes, ground, problems), problems


def written_shapes_of(texts: Sequence[str], ground: Ground) -> tuple[list, dict]:
    """Return the shapes of a column of WKT, as ``shapes_of`` does."""
    problems: dict[int, str] = {}
    written = np.array([text or None for text in texts], dtype=object)
    shapes = shapely.force_2d(shapely.from_wkt(written, on_invalid="ignore"))
    for position, (text, shape) in enumerate(zip(texts, shapes, strict=True)):
        if text and shape is None:
            problems[position] = NO_NUMBER
    return _moved_shapes(shapes, ground, problems), problems


def shapes_in(batch: Batch, ground: Ground, columns: dict[str, int]) -> tuple[list, dict]:
    """Return what a batch says of its places, by its shapes or by the columns that hold them."""
    if "shape" in columns:
        position = columns["shape"]
        return written_shapes_of([texts[position] for texts in batch.values], ground)
    if "longitude" in columns and "latitude" in columns:
        lon, lat = columns["longitude"], columns["latitude"]
        return points_of(
            [texts[lon] for texts in batch.values], [texts[lat] for texts in batch.values], ground
        )
    return shapes_of(batch.shapes, ground)


def _moved_shapes(shapes: np.ndarray, ground: Ground, problems: dict[int, str]) -> list[str | None]:
    missing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    for position in np.flatnonzero(missing):
        problems.setdefault(int(position), NO_PLACE)
    west, south, east, north = shapely.bounds(shapes).T
    _place(west, south, east, north, ground.window, problems)
    good = np.ones(len(shapes), dtype=bool)
    good[list(problems)] = False
    found: list[str | None] = [None] * len(shapes)
    moved = shapely.transform(shapes[good], ground.move)
    for position, text in zip(np.flatnonzero(good), shapely.to_wkb(moved, hex=True), strict=True):
        found[position] = text
    return found


def _place(west, south, east, north, window: Extent, problems: dict[int, str]) -> None:
    """Name what lies outside the window: 0/0, swapped axes, or simply elsewhere."""
    with np.errstate(invalid="ignore"):
        is_in = _within(west, south, east, north, window)
        is_zero = (west == 0) & (south == 0) & (east == 0) & (north == 0)
        is_swapped = _within(south, west, north, east, window)
    for position in np.flatnonzero(~is_in):
        kind = ZERO if is_zero[position] else SWAPPED if is_swapped[position] else ELSEWHERE
        problems.setdefault(int(position), kind)


def _within(west, south, east, north, window: Extent) -> np.ndarray:
    return (west >= window[0]) & (south >= window[1]) & (east <= window[2]) & (north <= window[3])


def _numbers(texts: Sequence[str], problems: dict[int, str]) -> np.ndarray:
    """Return texts as numbers, NaN where they are none."""
    try:
        numbers = np.array(texts, dtype=np.float64)
    except ValueError:
        numbers = np.array([_number(text) for text in texts])
    for position in np.flatnonzero(~np.isfinite(numbers)).tolist():
        problems.setdefault(position, NO_NUMBER if texts[position] else NO_PLACE)
    return numbers


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _hexadecimal(
    points: np.ndarray, good: np.ndarray, problems: dict[int, str]
) -> list[str | None]:
    """Return points as WKB, one text a line of the batch."""
    found: list[str | None] = [None] * len(good)
    packed = np.zeros(len(points), dtype=[("o", "u1"), ("t", "<u4"), ("x", "<f8"), ("y", "<f8")])
    packed["o"], packed["t"] = 1, 1
    packed["x"], packed["y"] = points[:, 0], points[:, 1]
    text, size = packed.tobytes().hex(), packed.itemsize * 2
    for number, position in enumerate(np.flatnonzero(good).tolist()):
        found[position] = text[number * size : (number + 1) * size]
    for number in np.flatnonzero(~np.isfinite(points).all(axis=1)).tolist():
        position = int(np.flatnonzero(good)[number])
        found[position], problems[position] = None, ELSEWHERE
    return found


def _shifted(shift: Callable) -> Move:
    return lambda points: np.column_stack(shift(points[:, 0], points[:, 1]))


def _window(move: Move, extent: Extent) -> Extent:
    """Return the extent of an extent's edge after a move."""
    west, south, east, north = extent
    steps = np.linspace(0.0, 1.0, EDGE_STEPS)
    across, up = west + steps * (east - west), south + steps * (north - south)
    edge = np.concatenate(
        [
            np.column_stack([across, np.full(EDGE_STEPS, south)]),
            np.column_stack([across, np.full(EDGE_STEPS, north)]),
            np.column_stack([np.full(EDGE_STEPS, west), up]),
            np.column_stack([np.full(EDGE_STEPS, east), up]),
        ]
    )
    moved = move(edge)
    low, high = moved.min(axis=0), moved.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])
