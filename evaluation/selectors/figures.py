"""Figures: the measures of a period for every object of a dimension.

Days whose sums are made are read from them, all others from the facts; deadlines that passed and
are not kept yet from the clocks that run. One statement adds all of it up, so that what is shown
together belongs together. The list behind a figure (``behind``) has the figure's own condition.

A figure counts facts: a case that a department handled twice in a period stands in its list twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import (
    F,
    IntegerField,
    Q,
    QuerySet,
    Sum,
    Value,
)
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from evaluation.indicators import INDICATORS, measures_of
from evaluation.measures import MEASURES, Measure
from evaluation.models import (
    DIMENSIONS,
    CounterEntry,
    DaySum,
    DirtyDay,
    Fact,
    PersonDay,
    PlaceDay,
    TypeDay,
)
from evaluation.models import OrganisationDay as BodyDay
from evaluation.periods import Period
from evaluation.selectors.late import late_at_the_end, late_clocks, late_facts
from evaluation.selectors.scope import EVERYWHERE, OF_CLOCK, Mark, Scope, column_of
from evaluation.services.sums import measure_sum

SOURCES: tuple[type[DaySum], ...] = (BodyDay, TypeDay, PersonDay, PlaceDay)  # smallest first
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
    """Return ``figures`` of several periods, in their order, still in one statement."""
    wanted = [MEASURES[key] for key in measures_of(tuple(indicators))]
    span = Period(min(each.first for each in periods), max(each.end for each in periods))
    dirty = dirty_days(span, timezone.localdate(now)) if _reads_sums(until) else []
    statements: list[str] = []
    values: list[Any] = []
    for place, period in enumerate(periods):
        sql, parameters = _statement(wanted, by, period, now, scope, until, dirty)
        statements.append(f"SELECT {place}, whole.* FROM ({sql}) AS whole")  # noqa: S608  ours
        values.extend(parameters)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(statements), values)
        rows = cursor.fetchall()
    width, names = len(by) + 1, [measure.key for measure in wanted]
    found: list[dict[Key, dict[str, int]]] = [{} for _period in periods]
    for row in rows:
        counts = {n: v or 0 for n, v in zip(names, row[width:], strict=True)}
        found[row[0]][row[1:width]] = counts
    return found


def _statement(
    wanted: list[Measure],
    by: Sequence[str],
    period: Period,
    now: datetime,
    scope: Scope,
    until: Mark | None,
    dirty: Sequence[date],
) -> tuple[str, Sequence[Any]]:
    """Return the statement that adds one period up, and its parameters."""
    parts = list(_parts(wanted, by, period, now, scope, until, dirty))
    first, *others = parts
    query = (first.union(*others, all=True) if others else first).query
    sql, values = query.sql_with_params()
    keys = ", ".join(f"d_{name}" for name in by)
    sums = ", ".join(f"sum(n_{measure.key})::bigint" for measure in wanted)
    grouped = f"SELECT {keys}{', ' if keys else ''}{sums} FROM ({sql}) AS part"  # noqa: S608  ours
    return (f"{grouped} GROUP BY {keys}" if keys else grouped), values


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


def _parts(
    wanted: list[Measure],
    by: Sequence[str],
    period: Period,
    now: datetime,
    scope: Scope,
    until: Mark | None,
    all_dirty: Sequence[date],
) -> Iterator[QuerySet[Any]]:
    source = _sums_for({*by, *scope.keys}) if _reads_sums(until) else None
    in_period = Q(day__gte=period.first, day__lt=period.end)
    facts = Fact.objects.filter(scope.condition())
    if source is None:
        known = Q() if until is None else until.facts
        yield _counted(facts.filter(in_period & known), by, wanted)
    else:
        dirty = [day for day in all_dirty if day in period]
        rows = source._default_manager.filter(in_period, scope.condition()).exclude(day__in=dirty)
        yield _added(rows, by, wanted)
        if dirty:
            yield _counted(facts.filter(day__in=dirty), by, wanted)
    yield _countered(wanted, by, period, now, scope, until)
    for measure in wanted:
        if measure.open_late is None:
            continue
        late = late_facts(measure, period, now, scope, until)
        yield _one_each(late, by, wanted, measure, {})
        if until is None:
            clocks = late_clocks(measure, period, now, scope)
            yield _one_each(clocks, by, wanted, measure, OF_CLOCK)


def _reads_sums(until: Mark | None) -> bool:
    """Tell whether the sums of days hold just what counts."""
    return until is None or (until.is_head and until.after < 0)


def _sums_for(dimensions: set[str]) -> type[DaySum] | None:
    """Return the sums that know these dimensions; None: only facts do."""
    needed = dimensions - {"day"}
    return next((model for model in SOURCES if needed <= {*DIMENSIONS[model]}), None)


def dirty_days(period: Period, today: date) -> list[date]:
    """Return the days of a period that are read from facts; the day under way always is."""
    days = DirtyDay.objects.filter(day__gte=period.first, day__lt=period.end)
    found = set(days.values_list("day", flat=True))
    return sorted(found | {today} if today in period else found)


def keys_of(rows: QuerySet[Any], by: Sequence[str]) -> QuerySet[Any]:
    """Group by the dimensions, each as ``d_…``; one group of all, where there are none."""
    keys: dict[str, Any] = {f"d_{name}": F(column_of(name)) for name in by}
    return rows.order_by().values(**(keys or {"d_all": Value(1)}))


def _shown(by: Sequence[str], wanted: list[Measure]) -> list[str]:
    return [*(f"d_{name}" for name in by), *(f"n_{measure.key}" for measure in wanted)]


def _counted(facts: QuerySet[Fact], by: Sequence[str], wanted: list[Measure]) -> QuerySet[Any]:
    sums = {f"n_{m.key}": _zero() if m.is_open_late else measure_sum(m) for m in wanted}
    return keys_of(facts, by).annotate(**sums).values_list(*_shown(by, wanted))


def _added(rows: QuerySet[Any], by: Sequence[str], wanted: list[Measure]) -> QuerySet[Any]:
    sums = {f"n_{m.key}": _zero() if m.is_open_late else Sum(m.key) for m in wanted}
    return keys_of(rows, by).annotate(**sums).values_list(*_shown(by, wanted))


def _countered(
    wanted: list[Measure],
    by: Sequence[str],
    period: Period,
    now: datetime,
    scope: Scope,
    until: Mark | None,
) -> QuerySet[Any]:
    """Add up what appeals took away and put in its place: the same conditions, signed."""
    entries = CounterEntry.objects.filter(scope.condition(), until.counted if until else Q())
    in_period = Q(day__gte=period.first, day__lt=period.end)
    sums = {}
    for measure in wanted:
        late = measure.open_late is not None
        condition = late_at_the_end(measure, period, now) if late else in_period & measure.condition
        what = F("amount") * F(measure.adds) if measure.adds else F("amount")
        sums[f"n_{measure.key}"] = Sum(what, filter=condition, output_field=IntegerField())
    return keys_of(entries, by).annotate(**sums).values_list(*_shown(by, wanted))


def _zero() -> Coalesce:
    return Coalesce(Value(0), Value(0), output_field=IntegerField())


def _one_each(
    rows: QuerySet[Any],
    by: Sequence[str],
    wanted: list[Measure],
    measure: Measure,
    columns: Mapping[str, str],
) -> QuerySet[Any]:
    """Count every row once under one measure, and under no other."""
    planned = "due_at" if columns else "planned_end_at"
    keys = {
        f"d_{name}": TruncDate(planned)
        if name == "day"
        else F(columns.get(name) or column_of(name))
        for name in by
    }
    ones = {f"n_{m.key}": Value(int(m is measure)) for m in wanted}
    return rows.order_by().annotate(**keys, **ones).values_list(*_shown(by, wanted))
