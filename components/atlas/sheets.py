"""How a community is cut into map sheets: paper, scale, frames, names, neighbours. Pure.

Lengths on the ground are metres east and north of the community's corner, on paper millimetres.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from string import ascii_uppercase

SCALES = (500, 1000, 2000, 5000, 10_000)
READABLE = SCALES[:3]  # chosen by themselves; the smaller ones only for want of paper
OVERVIEW_SCALES = (
    *(1000, 1500, 2000, 2500, 3000, 4000, 5000, 6000, 7500, 10_000, 12_500, 15_000),
    *(20_000, 25_000, 30_000, 40_000, 50_000),
)
SYMBOL_MM = 2.8  # a little less than it measures: one that touches is moved aside
MAX_SHEETS = 80
OVERLAP_MM = 8  # what neighbouring sheets both show
BAR_STEPS = (10, 20, 40, 100, 200, 400, 1000, 2000, 4000)  # their halves are round too


@dataclass(frozen=True, slots=True)
class Paper:
    """A landscape page, and the map's room on it beside the panel."""

    key: str
    width: float
    height: float
    map_width: float
    map_height: float


PAPERS = {
    paper.key: paper for paper in (Paper("a3", 420, 297, 324, 253), Paper("a4", 297, 210, 214, 175))
}


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on the ground."""

    west: float
    south: float
    east: float
    north: float

    @property
    def width(self) -> float:
        """Metres from west to east."""
        return self.east - self.west

    @property
    def height(self) -> float:
        """Metres from south to north."""
        return self.north - self.south

    def widened(self, metres: float) -> Box:
        """Return the box with a margin all around."""
        return Box(self.west - metres, self.south - metres, self.east + metres, self.north + metres)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One map sheet: row letters from north, column numbers from west."""

    row: int
    column: int
    box: Box

    @property
    def name(self) -> str:
        """The name by which neighbours and the ledger call it."""
        return sheet_name(self.row, self.column)


def sheet_name(row: int, column: int) -> str:
    """Return ``B3`` for the second row from the north, third column from the west."""
    letters = ascii_uppercase[row % 26]
    return f"{letters * (row // 26 + 1)}{column + 1}"


def scale_for(spacing_m: float, sheets_at: Callable[[int], int]) -> int:
    """Return the scale with the fewest sheets at which symbols that far apart do not touch.

    A community that would need more than MAX_SHEETS gets a smaller scale; ``sheets_at`` counts.
    """
    readable = [each for each in READABLE if spacing_m * 1000 / each >= SYMBOL_MM]
    wanted = readable[-1] if readable else READABLE[0]
    larger = [each for each in SCALES if each >= wanted]
    return next((each for each in larger if sheets_at(each) <= MAX_SHEETS), SCALES[-1])


def sheets_over(bounds: Box, scale: int, paper: Paper) -> Iterator[Sheet]:
    """Yield the sheets that cover the bounds, centred on them, row by row from the north-west."""
    rows, columns = _rows_columns(bounds, scale, paper)
    width, height = _step(scale, paper)
    overlap = OVERLAP_MM * scale / 1000
    west = (bounds.west + bounds.east - columns * width) / 2
    north = (bounds.south + bounds.north + rows * height) / 2
    for row in range(rows):
        for column in range(columns):
            left, top = west + column * width, north - row * height
            inner = Box(left, top - height, left + width, top)
            yield Sheet(row, column, inner.widened(overlap / 2))


def neighbours(sheet: Sheet, printed: Iterable[Sheet]) -> dict[str, str]:
    """Return the names of the printed sheets on the four sides."""
    there = {(each.row, each.column): each.name for each in printed}
    sides = {"north": (-1, 0), "south": (1, 0), "west": (0, -1), "east": (0, 1)}
    return {
        side: there[sheet.row + down, sheet.column + right]
        for side, (down, right) in sides.items()
        if (sheet.row + down, sheet.column + right) in there
    }


def overview_box(bounds: Box, width_mm: float, height_mm: float) -> tuple[int, Box]:
    """Return a round scale at which the bounds fit on the paper, and the ground it then shows."""
    needed = max(bounds.width / width_mm, bounds.height / height_mm) * 1000 * 1.04
    scale = next(
        (each for each in OVERVIEW_SCALES if each >= needed), math.ceil(needed / 10_000) * 10_000
    )
    width, height = width_mm * scale / 1000, height_mm * scale / 1000
    west = (bounds.west + bounds.east - width) / 2
    south = (bounds.south + bounds.north - height) / 2
    return scale, Box(west, south, west + width, south + height)


def bar_metres(scale: int, room_mm: float) -> int:
    """Return the longest round length whose bar fits into the room."""
    fitting = [step for step in BAR_STEPS if step * 1000 / scale <= room_mm]
    return fitting[-1] if fitting else BAR_STEPS[0]


def _step(scale: int, paper: Paper) -> tuple[float, float]:
    """Return how far the next sheet is, in metres east and south."""
    metres = scale / 1000
    return (paper.map_width - OVERLAP_MM) * metres, (paper.map_height - OVERLAP_MM) * metres


def _rows_columns(bounds: Box, scale: int, paper: Paper) -> tuple[int, int]:
    width, height = _step(scale, paper)
    return max(math.ceil(bounds.height / height), 1), max(math.ceil(bounds.width / width), 1)
