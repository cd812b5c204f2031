"""The cases behind a figure: above the line, below it, and those that failed.

A list has the figure's own conditions (``evaluation.selectors.figures.cases_behind``), so it is
exactly as long as the figure says. What failed is what is below the line and not above it; of a
figure that should be small, what is above.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Coalesce

from cases.models import CaseClock
from evaluation.indicators import INDICATORS, Direction, Indicator
from evaluation.measures import MEASURES
from evaluation.models import CounterEntry, Fact
from evaluation.periods import Period, earlier_than
from evaluation.selectors.behind import Behind, cases_behind
from evaluation.selectors.published import Published
from evaluation.selectors.scope import Scope

ABOVE, BELOW, FAILING = "above", "below", "failing"
IN_TIME = "_in_time"
ADDED_OF = {"handling_seconds": "handled"}  # what is added up has the rows of what is counted


@dataclass(frozen=True, slots=True)
class Wanted:
    """A measure whose rows are listed, without those of another."""

    measure: str
    without: str = ""


def sides(indicator: Indicator) -> dict[str, list[Wanted]]:
    """Return the lists a figure has, by side; a side that cannot be told row by row is left out."""
    found = {ABOVE: [Wanted(ADDED_OF.get(key, key)) for key in indicator.numerator]}
    if indicator.denominator:
        found[BELOW] = [Wanted(key) for key in indicator.denominator]
    failing = _failing(indicator)
    if failing:
        found[FAILING] = failing
    if indicator.minus:
        found.pop(ABOVE)  # a difference of counts is no list of cases; what was taken off is
    return found


def _failing(indicator: Indicator) -> list[Wanted]:
    above, below = indicator.numerator, indicator.denominator
    if indicator.minus:
        return [Wanted(key) for key in indicator.minus]
    if not below or ADDED_OF.keys() & set(above):
        return []
    if indicator.direction is Direction.DOWN:
        return [Wanted(key) for key in above]
    if set(above) <= set(below):
        return [Wanted(key) for key in below if key not in above]
    if all(key.endswith(IN_TIME) for key in above):
        return [Wanted(key, "" if MEASURES[key].is_open_late else above[0]) for key in below]
    return []  # above and below are different facts: effective reports are not those of the period


def length_of(indicator: Indicator, side: str, counts: Mapping[str, int]) -> int:
    """Return how long a list is by the figure's own counts, without asking the database."""
    above, below = indicator.above(counts), indicator.below(counts) or 0
    if side == BELOW:
        return below
    if side == ABOVE:
        return sum(counts.get(each.measure, 0) for each in sides(indicator)[ABOVE])
    if indicator.minus:
        return sum(counts.get(key, 0) for key in indicator.minus)
    return above if indicator.direction is Direction.DOWN else below - above


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows of one side of a figure, measure by measure."""

    parts: list[Behind]

    @property
    def count(self) -> int:
        """How many rows there are: the figure."""
        return sum(part.count() for part in self.parts)

    def rows(self, offset: int = 0, limit: int = 50) -> list[Fact | CounterEntry | CaseClock]:
        """Return some of the rows."""
        found: list[Fact | CounterEntry | CaseClock] = []
        for part in self.parts:
            length = part.count()
            if offset < length:
                found += part.rows(offset, limit - len(found))
            offset = max(offset - length, 0)
            if len(found) >= limit:
                break
        return found

    def worst(self, now: datetime, limit: int = 3) -> list[dict[str, Any]]:
        """Return those that are or were late longest: two statements."""
        some = [Q(pk__in=part.facts.order_by().values("pk")) for part in self.parts]
        over = F("actual_end_at") - F("planned_end_at")
        late = Fact.objects.filter(reduce(or_, some), is_late=True).annotate(over=over)
        facts = late.select_related("case__type").order_by("-over", "-id")[:limit]
        found = [{"case": fact.case, "over": fact.over} for fact in facts]
        for part in self.parts:
            if part.clocks is not None:
                clocks = part.clocks.select_related("case__type").order_by("due_at")[:limit]
                found += [
                    {"case": c.case, "over": (ended_at(c) or now) - c.due_at}
                    for c in clocks
                    if c.due_at
                ]
        return sorted(found, key=lambda row: row["over"], reverse=True)[:limit]

    def by(self, *, areas: bool) -> list[tuple[str, str, int]]:
        """Return how many rows each department has; of a department's or a post's, each type."""
        named = [_names(query, areas) for part in self.parts for query in part.queries]
        first, *others = named
        totals: dict[tuple[str, str], int] = {}
        for name, name_en, count in first.union(*others, all=True):
            key = (name or "", name_en or "")
            totals[key] = totals.get(key, 0) + count
        ordered = sorted(totals.items(), key=lambda each: (-each[1], each[0]))
        return [(name, name_en, count) for (name, name_en), count in ordered]


def ended_at(clock: CaseClock) -> datetime | None:
    """Return when a clock ended; one that was frozen as open and late may have by now."""
    return clock.stopped_at and (clock.actual_end_at or clock.stopped_at)


def _names(query: QuerySet[Any], areas: bool) -> QuerySet[Any]:
    if areas:
        names = [
            Coalesce(f"organisation__{name}", f"case__department__{name}")
            for name in ("name", "name_en")
        ]
    else:
        names = [F(f"case__type__{name}") for name in ("name", "name_en")]
    named = query.order_by().values(shown=names[0], shown_en=names[1]).annotate(n=Count("pk"))
    return named.values_list("shown", "shown_en", "n")


def listing(
    indicator: Indicator,
    side: str,
    *,
    period: Period,
    now: datetime,
    scope: Scope,
    published: Published | None = None,
    keys: Iterable[int] | None = None,
) -> Listing | None:
    """Return one side of a figure; None where it has no such list.

    Of a published ranking: what was frozen, with the late clocks of the objects ``keys``.
    """
    wanted = sides(indicator).get(side)
    if wanted is None:
        return None
    clocks = published.clocks(keys) if published else {}
    parts = []
    for each in wanted:
        behind = cases_behind(
            each.measure,
            period=period,
            now=now,
            scope=scope,
            until=published.mark if published else None,
            clocks=clocks.get(each.measure, ()),
        )
        parts.append(_without(behind, each))
        if published and published.since and not MEASURES[each.measure].is_open_late:
            earlier = cases_behind(
                each.measure,
                period=earlier_than(period),
                now=now,
                scope=scope,
                until=published.since,
            )
            parts.append(_without(earlier, each))
    return Listing(parts)


def _without(behind: Behind, wanted: Wanted) -> Behind:
    if not wanted.without:
        return behind
    left_out = MEASURES[wanted.without].condition
    return Behind(behind.facts.exclude(left_out), behind.clocks, behind.entries.exclude(left_out))


def label_of(measures: tuple[str, ...]) -> tuple[str, str]:
    """Return name and definition of what is above or below a line."""
    for indicator in INDICATORS.values():
        if indicator.numerator == measures and not indicator.denominator and not indicator.minus:
            return str(indicator.name), str(indicator.formula)
    names = [str(INDICATORS[key].name) for key in measures if key in INDICATORS]
    return " + ".join(names), ""
