"""Scores: figures weighed, bands, grades, ranks. Pure.

A score is the sum of weight × points over a scorecard's items; points are 0 to 100. A rate gives
100 × its value (100 × (1 − value) where less is better), between 0 and 100. A count gives the
points of its band; bands differ by group (zone grades of cells, departments that can be compared)
and are set for a month: other periods are measured as so many cases a month.

An item that has no value (nothing to divide by: nobody sent to check) leaves its weight to the
others in proportion; without any value there is no score. Objects with fewer cases than the card's
minimum have a score and no rank. Equal scores share a rank; the next rank counts them: 1, 2, 2, 4.

Numbers are exact fractions: neither a weight nor a score is cut to a whole number on the way.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Generic, TypeVar

from evaluation.indicators import INDICATORS
from evaluation.periods import PeriodKind

HUNDRED = Fraction(100)
MONTHS = {
    PeriodKind.LIVE: Fraction(12, 365),
    PeriodKind.DAY: Fraction(12, 365),
    PeriodKind.WEEK: Fraction(12 * 7, 365),
    PeriodKind.MONTH: Fraction(1),
    PeriodKind.QUARTER: Fraction(3),
    PeriodKind.YEAR: Fraction(12),
}


@dataclass(frozen=True, slots=True)
class Band:
    """Points for a count within bounds, both included; None: no bound."""

    points: Fraction
    at_least: Fraction | None = None
    at_most: Fraction | None = None

    def holds(self, value: Fraction) -> bool:
        """Tell whether a count lies in the band."""
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Band:
        """Read a band as it is stored."""
        return cls(
            Fraction(str(row["points"])),
            *(
                Fraction(str(row[name])) if row.get(name) is not None else None
                for name in ("at_least", "at_most")
            ),
        )


Bands = tuple[Band, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a scorecard. ``bands`` by group; "" stands for every group without its own."""

    indicator: str
    weight: Fraction
    is_complement: bool = False
    bands: Mapping[str, Bands] | None = None


@dataclass(frozen=True, slots=True)
class Grade:
    """A letter from so many points on."""

    letter: str
    at_least: Fraction


@dataclass(frozen=True, slots=True)
class Card:
    """A scorecard of one kind of object: items whose weights add to 1, and from how many cases."""

    items: tuple[Item, ...]
    volume: str
    minimum_count: int
    grades: tuple[Grade, ...]

    @property
    def indicators(self) -> tuple[str, ...]:
        """Every indicator it needs."""
        return tuple(dict.fromkeys((*(item.indicator for item in self.items), self.volume)))


@dataclass(frozen=True, slots=True)
class Part:
    """What one item came to; ``points`` None: no value."""

    item: Item
    value: Fraction | None
    points: Fraction | None


@dataclass(frozen=True, slots=True)
class Score:
    """The points of an object; ``total`` None: no item has a value."""

    total: Fraction | None
    grade: str
    volume: int
    is_ranked: bool
    parts: tuple[Part, ...]


def points_of(item: Item, value: Fraction | None, *, group: str, months: Fraction) -> Part:
    """Return what an item's figure comes to."""
    if value is None:
        return Part(item, None, None)
    if item.bands is not None:
        monthly = value / months
        bands = item.bands.get(group) or item.bands.get("", ())
        points = next((band.points for band in bands if band.holds(monthly)), None)
        return Part(item, value, points)
    ratio = 1 - value if item.is_complement else value
    return Part(item, value, HUNDRED * min(max(ratio, Fraction(0)), Fraction(1)))


def score(card: Card, counts: Mapping[str, int], *, kind: PeriodKind, group: str = "") -> Score:
    """Return the score of an object with these measures.

    *Worked example* (department, its defaults): 200 due, 192 handled, 180 of them in time, 6
    reworked. 0.1 × 75 (at most 200 cases) + 0.3 × 96 + 0.3 × 90 + 0.3 × 96.875 = 92.3625: grade A.
    """
    parts = tuple(
        points_of(item, INDICATORS[item.indicator].value(counts), group=group, months=MONTHS[kind])
        for item in card.items
    )
    known = [(part.item.weight, part.points) for part in parts if part.points is not None]
    weight = sum((weight for weight, _points in known), Fraction(0))
    total = sum((w * p for w, p in known), Fraction(0)) / weight if weight else None
    volume = INDICATORS[card.volume].above(counts)
    is_ranked = total is not None and volume >= card.minimum_count
    return Score(total, grade_of(card.grades, total), volume, is_ranked, parts)


def grade_of(grades: Iterable[Grade], total: Fraction | None) -> str:
    """Return the letter of a score; "" without a score."""
    if total is None:
        return ""
    held = [grade for grade in grades if total >= grade.at_least]
    return max(held, key=lambda grade: grade.at_least).letter if held else ""


KeyT = TypeVar("KeyT", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Place(Generic[KeyT]):
    """Where an object stands among those of its group; ``rank`` None: too few cases, or none."""

    key: KeyT
    group: str
    score: Score
    rank: int | None


def ranked(
    scores: Sequence[tuple[KeyT, str, Score]], *, together: bool = False
) -> list[Place[KeyT]]:
    """Return the places of (key, group, score), the best first, those without a rank last.

    Ranks count within a group, or ``together`` over all. Of equal scores the order given stays.
    """
    # Fractions are slow to compare, and most of twenty thousand cells have one of a few scores.
    totals = sorted({found.total for *_each, found in scores if found.total is not None})
    better: dict[Fraction | None, int] = {total: -at for at, total in enumerate(totals)}
    ordered = sorted(scores, key=lambda each: (not each[2].is_ranked, better.get(each[2].total, 1)))
    seen: dict[str, int] = {}
    last: dict[str, tuple[Fraction, int]] = {}
    places = []
    for key, group, found in ordered:
        rank, among = None, "" if together else group
        if found.is_ranked and found.total is not None:
            seen[among] = seen.get(among, 0) + 1
            total, before = last.get(among, (None, 0))
            rank = before if total == found.total else seen[among]
            last[among] = found.total, rank
        places.append(Place(key, group, found, rank))
    return places
