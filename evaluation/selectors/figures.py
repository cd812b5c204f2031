"""Figures: the measures of a period for every object of a dimension.

Days whose sums are made are read from them, all others from the facts; deadlines that passed and
are not kept yet from the clocks that run. One statement adds all of it up, so that what is shown
together belongs together. The list behind a figure (``behind``) has the figure's own condition.

A figure counts facts: a case that a department handled twice in a period stands in its list twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import (
    DateField,
    DateTimeField,
    F,
    Func,
    IntegerField,
    Q,
    QuerySet,
    Value,
)
from django.db.models.functions import TruncDate
from django.utils import timezone

from evaluation.indicators import INDICATORS, measures_of
from evaluation.measures import MEASURES, Measure
from evaluation.models import DAY_SUMS, DIMENSIONS, CounterEntry, DaySum, DirtyDay, Fact
from evaluation.periods import Period
from evaluation.selectors.late import late_at_an_end, late_clocks, late_facts
from evaluation.selectors.scope import EVERYWHERE, OF_CLOCK, Mark, Scope, column_of
from evaluation.selectors.shapes import Statement, entries_added, facts_added

Key = tuple[Any, ...]


def figures(
    *,
    indicators: Iterable[str],
    by: Sequence[str] = (),
    period: Period,
    now: datetime,
    scope: Scope = EVERYWHERE,
    until: Mark | None = None,
) -> dict[Key, dict[str, int]]:
    """Return the measures of some indicators for each object: keys by ``by``, measures by name.

    ``by`` names dimensions: district, street, community, cell, organisation, person, type, source,
    day; () adds everything up under the key (). Objects of which nothing is known are left out.
    ``until`` leaves out what came later: facts, counter-entries, and all clocks that run.

    ``INDICATORS[key].value(measures)`` is the figure. One statement, and one for the dirty days.
    """
    found = figures_over([period], indicators=indicators, by=by, now=now, scope=scope, until=until)
    return found[0]


def figures_over(
    periods: Sequence[Period],
    *,
    indicators: Iterable[str],
    by: Sequence[str] = (),
    now: datetime,
    scope: Scope = EVERYWHERE,
    until: Mark | None = None,
) -> list[dict[Key, dict[str, int]]]:
    """Return ``figures`` of several periods in their order, still in one statement.

    No two of them may have a day in common, unless they are the same.
    """
    wanted = tuple(MEASURES[key] for key in measures_of(tuple(indicators)))
    question = _Question(tuple(sorted(set(periods))), tuple(by), wanted, now, scope, until)
    found: dict[Period, dict[Key, dict[str, int]]] = {each: {} for each in question.periods}
    if not by:
        for counts in found.values():
            counts[()] = {measure.key: 0 for measure in wanted}
    width = len(by) + 1
    for row in question.rows():
        counted = {m.key: value or 0 for m, value in zip(wanted, row[width:], strict=True)}
        found[question.periods[row[0] - 1]][row[1:width]] = counted
    return [found[period] for period in periods]


def figures_by(
    dimension: str, *, indicators: Iterable[str], period: Period, now: datetime, **more: Any
) -> dict[Any, dict[str, int]]:
    """Return the same for one dimension, by the bare key of its objects."""
    found = figures(indicators=indicators, by=(dimension,), period=period, now=now, **more)
    return {key: counts for (key,), counts in found.items()}


def figure(
    indicator: str, *, period: Period, now: datetime, scope: Scope = EVERYWHERE
) -> tuple[Any, dict[str, int]]:
    """Return one indicator's value (None: nothing to divide by) and the measures it is made of."""
    counts = figures(indicators=[indicator], period=period, now=now, scope=scope).get((), {})
    return INDICATORS[indicator].value(counts), counts


# ── the parts of the sum ──────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked at once: ``periods`` lie apart and in order."""

    periods: tuple[Period, ...]
    by: tuple[str, ...]
    wanted: tuple[Measure, ...]
    now: datetime
    scope: Scope
    until: Mark | None

    def rows(self) -> list[tuple[Any, ...]]:
        """Return the number of a period, the keys and the measures of each object."""
        try:
            parts = list(self._parts())
        except EmptyResultSet:
            return []  # the scope is nobody's, or nowhere
        keys = ", ".join(self._keys("day"))
        sums = ", ".join(f"sum(n_{measure.key})::bigint" for measure in self.wanted)
        union = " UNION ALL ".join(f"({sql})" for sql, _values in parts)
        values = [value for _sql, each in parts for value in each]
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {keys}, {sums} FROM ({union}) AS part GROUP BY {keys}",  # noqa: S608  ours
                values,
            )
            return cursor.fetchall()

    def _parts(self) -> Iterator[Statement]:
        yield from self._of_days()
        entries = self._entries().filter(self._in_days())
        yield entries_added(entries, self._keys("day"), self.wanted)
        for measure in self.wanted:
            if measure.is_open_late:
                yield from self._open_late(measure)

    def _of_days(self) -> Iterator[Statement]:
        """Add up what happened in the periods: from the sums of days, else from facts."""
        facts = Fact.objects.filter(self.scope.condition())
        keys = self._keys("day")
        source = _sums_for({*self.by, *self.scope.keys}) if _reads_sums(self.until) else None
        if source is None:
            known = Q() if self.until is None else self.until.facts
            yield facts_added(facts.filter(self._in_days(), known), keys, self.wanted)
            return
        dirty = self._dirty()
        days = source._default_manager.filter(self._in_days(), self.scope.condition())
        stored = [measure.key for measure in self.wanted if not measure.is_open_late]
        yield self._columns(
            days.exclude(day__in=dirty),
            keys,
            {key: f"sum({key})" for key in stored},
            read=stored,
            grouped=True,
        )
        if dirty:
            yield facts_added(facts.filter(day__in=dirty), keys, self.wanted)

    def _open_late(self, measure: Measure) -> Iterator[Statement]:
        """Count deadlines that were not kept at their period's end, one by one."""
        given = (measure, self.periods, self.now)
        keys = self._keys("planned_end_at")
        facts = late_facts(*given, self.scope, self.until)
        yield self._columns(facts, keys, {measure.key: "1"})
        entries = self._entries().filter(late_at_an_end(*given))
        yield self._columns(entries, keys, {measure.key: "amount"}, read=["amount"])
        if self.until is None:
            clocks = late_clocks(*given, self.scope)
            yield self._columns(clocks, self._keys("due_at", OF_CLOCK), {measure.key: "1"})

    def _columns(
        self,
        rows: QuerySet[Any],
        keys: Mapping[str, Any],
        columns: Mapping[str, str],
        *,
        read: Sequence[str] = (),
        grouped: bool = False,
    ) -> Statement:
        """Return rows with their keys and a column for each measure: 0 where none is given."""
        named = rows.order_by().annotate(**keys).values_list(*keys, *read)
        sql, values = named.query.sql_with_params()
        shown = [*keys, *(f"{columns.get(m.key, '0')} AS n_{m.key}" for m in self.wanted)]
        group = f" GROUP BY {', '.join(keys)}" if grouped else ""
        return f"SELECT {', '.join(shown)} FROM ({sql}) AS each{group}", values  # noqa: S608  ours

    def _entries(self) -> QuerySet[CounterEntry]:
        counted = self.until.counted if self.until else Q()
        return CounterEntry.objects.filter(self.scope.condition(), counted)

    def _keys(self, when: str, columns: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the number of the period and the dimensions, as expressions.

        ``when`` is the day, or the moment, that says which period a row belongs to.
        """
        of = columns or {}
        keys: dict[str, Any] = {f"d_{name}": F(of.get(name) or column_of(name)) for name in self.by}
        if "day" in self.by and when != "day":
            keys["d_day"] = TruncDate(when)
        return {"d_period": self._period_of(when), **keys}

    def _period_of(self, when: str) -> Func | Value:
        if len(self.periods) == 1:
            return Value(1)
        starts = (
            Value([period.first for period in self.periods], ArrayField(DateField()))
            if when == "day"
            else Value([period.starts_at for period in self.periods], ArrayField(DateTimeField()))
        )
        return Func(F(when), starts, function="width_bucket", output_field=IntegerField())

    def _in_days(self) -> Q:
        """Return the condition on days of the periods; those that follow each other as one."""
        stretches: list[tuple[date, date]] = []
        for period in self.periods:
            if stretches and stretches[-1][1] == period.first:
                stretches[-1] = stretches[-1][0], period.end
            else:
                stretches.append((period.first, period.end))
        return reduce(or_, (Q(day__gte=first, day__lt=end) for first, end in stretches))

    def _dirty(self) -> list[date]:
        span = Period(self.periods[0].first, self.periods[-1].end)
        days = dirty_days(span, timezone.localdate(self.now))
        return [day for day in days if any(day in period for period in self.periods)]


def _reads_sums(until: Mark | None) -> bool:
    """Tell whether the sums of days hold just what counts."""
    return until is None or (until.is_head and until.after < 0)


def _sums_for(dimensions: set[str]) -> type[DaySum] | None:
    """Return the sums that know these dimensions; None: only facts do."""
    needed = dimensions - {"day"}
    return next((model for model in DAY_SUMS if needed <= {*DIMENSIONS[model]}), None)


def dirty_days(period: Period, today: date) -> list[date]:
    """Return the days of a period that are read from facts; the day under way always is."""
    days = DirtyDay.objects.filter(day__gte=period.first, day__lt=period.end)
    found = set(days.values_list("day", flat=True))
    return sorted(found | {today} if today in period else found)


def keys_of(rows: QuerySet[Any], by: Sequence[str]) -> QuerySet[Any]:
    """Group by the dimensions, each as ``d_…``; one group of all, where there are none."""
    keys: dict[str, Any] = {f"d_{name}": F(column_of(name)) for name in by}
    return rows.order_by().values(**(keys or {"d_all": Value(1)}))
