"""Two of a kind side by side: an object in two periods, or two objects in one.

Both sides are boards (``evaluation.pages.board``): what is published reads as it was published, and
no figure is defined here. A difference is that of the figures as they are shown, so that who takes
one from the other finds it: rates differ by percentage points, never by percent of percent. Better
or worse is the indicator's own direction; what has none only differs.

*Example.* On-time handling 90.0 % and 92.5 %: +2.5 percentage points, better. Rework rate 3.1 % and
3.6 %: +0.5 percentage points, worse. Cases reported 1,204 and 1,100: −104, neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext as _

from common.templatetags.ui import named
from evaluation.indicators import INDICATORS, Direction, Indicator, Unit
from evaluation.pages.board import Board, boards_of
from evaluation.pages.choice import Choice, district_of
from evaluation.pages.lists import ABOVE, BELOW, length_of, sides
from evaluation.pages.words import (
    count_text,
    minutes_text,
    percent_text,
    period_text,
    rounded,
    score_text,
    value_text,
)
from evaluation.selectors.standings import Standing
from evaluation.sight import POSTS, Sight

BETTER, WORSE, SAME, OTHER = "better", "worse", "same", "other"


class NotThere(LookupError):
    """The object is not in the ranking, or not for this reader."""


@dataclass(frozen=True, slots=True)
class Change:
    """How one figure differs from another: words, and what to make of it ("": not comparable)."""

    text: str = ""
    sense: str = ""


@dataclass(frozen=True, slots=True)
class Opening:
    """A list that a figure opens: its side, how long it is, its address's query."""

    side: str
    count: int
    query: str

    @property
    def text(self) -> str:
        """The count as it is shown."""
        return count_text(self.count)


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of one side, with what is above and below its line."""

    text: str
    value: Fraction | None
    above: str = ""
    below: str = ""
    openings: tuple[Opening, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One indicator with both figures."""

    indicator: Indicator
    first: Cell
    second: Cell
    change: Change


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two. ``standing`` None: all objects together."""

    choice: Choice
    board: Board
    standing: Standing | None
    opens: bool

    @property
    def name(self) -> str:
        """What it is called."""
        if self.standing is not None:
            return named(self.standing)
        return named(self.choice.within) if self.choice.within else _("All together")

    @property
    def period(self) -> str:
        """The name of its period."""
        return period_text(self.choice.period)

    @property
    def counts(self) -> Mapping[str, int]:
        """The measures its figures are made of."""
        return self.standing.counts if self.standing else self.board.total_counts

    @property
    def total(self) -> Fraction | None:
        """Its score; all together have none."""
        return self.standing.place.score.total if self.standing else None

    @property
    def score(self) -> str:
        """The score as it is shown."""
        return score_text(self.total)

    @property
    def grade(self) -> str:
        """The letter; with too few cases for a rank there is none to speak of."""
        place = self.standing.place if self.standing else None
        return place.score.grade if place and place.rank is not None else ""

    @property
    def rank(self) -> int | None:
        """The place in the ranking."""
        return self.standing.place.rank if self.standing else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides and every indicator of their scorecards."""

    first: Side
    second: Side
    lines: list[Line]

    @property
    def score(self) -> Change:
        """How the scores differ."""
        return change_of_scores(self.first.total, self.second.total)


def compare(*, first: Choice, second: Choice, sight: Sight, now: datetime) -> Comparison:
    """Return two choices of one kind side by side.

    Raises:
        NoScorecard: nothing says how these objects are judged in one of the periods.
        NotThere: an object is not in the ranking that the reader sees.
    """
    periods = list(dict.fromkeys((first.period, second.period)))
    boards = boards_of(choice=first, periods=periods, sight=sight, now=now)
    one, two = (_side(each, boards[each.period], sight) for each in (first, second))
    keys = dict.fromkeys(key for side in (one, two) for key in _indicators(side))
    return Comparison(one, two, [_line(INDICATORS[key], one, two) for key in keys])


def _side(choice: Choice, board: Board, sight: Sight) -> Side:
    rows = {row.standing.key: row.standing for row in board.rows}
    if choice.object is None and choice.kind in POSTS:
        raise NotThere  # one find may be missed by several people: together they are no sum
    if choice.object is not None and choice.object not in rows:
        raise NotThere
    opens = sight.opens(choice.kind, choice.object, district_of(choice.within))
    return Side(choice, board, rows.get(choice.object or 0), opens)


def _indicators(side: Side) -> tuple[str, ...]:
    card = side.board.card
    return (card.volume, *card.indicators)


def _line(indicator: Indicator, one: Side, two: Side) -> Line:
    first, second = _cell(indicator, one), _cell(indicator, two)
    return Line(indicator, first, second, change_of(indicator, first.value, second.value))


def _cell(indicator: Indicator, side: Side) -> Cell:
    if indicator.key not in _indicators(side):
        return Cell(value_text(indicator, None), None)  # its scorecard does not count that
    counts = side.counts
    value, below = indicator.value(counts), indicator.below(counts)
    shown = sides(indicator) if side.opens else {}
    openings = tuple(
        Opening(
            name,
            length_of(indicator, name, counts),
            side.choice.query(indicator=indicator.key, side=name),
        )
        for name in (ABOVE, BELOW)
        if name in shown
    )
    return Cell(
        value_text(indicator, value),
        value,
        count_text(indicator.above(counts)) if below is not None else "",
        count_text(below) if below is not None else "",
        openings,
    )


# ── differences ───────────────────────────────────────────────────────────────────────────────


def change_of(indicator: Indicator, first: Fraction | None, second: Fraction | None) -> Change:
    """Return how the second figure differs from the first."""
    if first is None or second is None:
        return Change()
    if indicator.unit is Unit.RATIO:
        points = _percent(second) - _percent(first)
        text = _("%(points)s percentage points") % {"points": _signed(points)}
        return Change(text, _sense(indicator.direction, points))
    if indicator.unit is Unit.MINUTES:
        minutes = rounded(second, 0) - rounded(first, 0)
        length = minutes_text(Fraction(abs(minutes)))
        return Change(_sign(minutes) + length, _sense(indicator.direction, minutes))
    count = int(second) - int(first)
    return Change(_sign(count) + count_text(abs(count)), _sense(indicator.direction, count))


def change_of_scores(first: Fraction | None, second: Fraction | None) -> Change:
    """Return how two scores differ, in points; more is better."""
    if first is None or second is None:
        return Change()
    points = rounded(second, 1) - rounded(first, 1)
    return Change(_("%(points)s points") % {"points": _signed(points)}, _sense("up", points))


def _percent(value: Fraction) -> Decimal:
    """Return a share in percent as it is shown."""
    return Decimal(percent_text(value).rstrip("%"))


def _sign(change: Any) -> str:
    return "+" if change > 0 else "−" if change < 0 else "±"


def _signed(change: Decimal) -> str:
    return f"{_sign(change)}{abs(change)}"


def _sense(direction: str, change: Any) -> str:
    if not change:
        return SAME
    if direction == Direction.NEITHER:
        return OTHER
    return BETTER if (change > 0) == (direction == Direction.UP) else WORSE
