"""Figures: the measures of a period for every object of a dimension, and the list behind each.

Days whose sums are made are read from them, all others from the facts; deadlines that passed and
are not kept yet from the clocks that run. One statement adds all of it up, so that what is shown
together belongs together. The list behind a figure has the figure's own condition.

A figure counts facts: a case that a department handled twice in a period stands in its list twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import F, IntegerField, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from cases.models import CaseClock
from cases.workflow import ClockKind, ClockOutcome
from evaluation.indicators import INDICATORS, measures_of
from evaluation.measures import MEASURES, Measure
from evaluation.models import DIMENSIONS, DaySum, DirtyDay, Fact, PersonDay, PlaceDay, TypeDay
from evaluation.models import OrganisationDay as BodyDay
from evaluation.periods import Period
from evaluation.services.sums import measure_sum

# Where a running clock has what a fact says about the same thing.
OF_CLOCK = {
    "organisation": "organisation_id",
    "person": "person_id",
    "type": "case__type_id",
    "cell": "case__cell_id",
    "community": "case__community_id",
    "street": "case__street_id",
    "district": "case__district_id",
    "source": "case__source",
}
SOURCES: tuple[type[DaySum], ...] = (BodyDay, TypeDay, PersonDay, PlaceDay)  # smallest first
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """What part of the city is meant: keys by dimension; a dimension left out is not narrowed."""

    keys: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def narrowed(self, dimension: str, key: Any) -> Scope:
        """Return the scope within one object of a dimension; None: those that have none."""
        return Scope({**self.keys, dimension: [key]})

    def condition(self, columns: Mapping[str, str] | None = None) -> Q:
        """Return the scope as a condition on facts, sums, or what ``columns`` names."""
        wanted = Q()
        for dimension, keys in self.keys.items():
            column = columns[dimension] if columns else _column(dimension)
            some = Q(**{f"{column}__in": [key for key in keys if key is not None]})
            wanted &= some | Q(**{f"{column}__isnull": True}) if None in keys else some
        return wanted


EVERYWHERE = Scope()


def _column(dimension: str) -> str:
    return dimension if dimension in ("day", "source") else f"{dimension}_id"


def figures(
    *,
    indicators: Iterable[str],
    by: Sequence[str] = (),
    period: Period,
    now: datetime,
    scope: Scope = EVERYWHERE,
    until: int | None = None,
) -> dict[Key, dict[str, int]]:
    """Return the measures of some indicators for each object: keys by ``by``, measures by name.

    ``by`` names dimensions: district, street, community, cell, organisation, person, type, source,
    day; () adds everything up under the key (). Objects of which nothing is known are left out.
    ``until`` is a position: only facts of events up to it count, none of clocks that run.

    ``INDICATORS[key].value(measures)`` is the figure. One statement, and one for the dirty days.
    """
    wanted = [MEASURES[key] for key in measures_of(tuple(indicators))]
    parts = list(_parts(wanted, by, period, now, scope, until))
    first, *others = parts
    query = (first.union(*others, all=True) if others else first).query
    sql, values = query.sql_with_params()
    keys = ", ".join(f"d_{name}" for name in by)
    sums = ", ".join(f"sum(n_{measure.key})::bigint" for measure in wanted)
    grouped = f"SELECT {keys}{', ' if keys else ''}{sums} FROM ({sql}) AS part"  # noqa: S608  ours
    if keys:
        grouped += f" GROUP BY {keys}"
    with connection.cursor() as cursor:
        cursor.execute(grouped, values)
        rows = cursor.fetchall()
    width = len(by)
    names = [measure.key for measure in wanted]
    return {
        row[:width]: {n: v or 0 for n, v in zip(names, row[width:], strict=True)} for row in rows
    }


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
    until: int | None,
) -> Iterator[QuerySet[Any]]:
    source = None if until is not None else _sums_for({*by, *scope.keys})
    in_period = Q(day__gte=period.first, day__lt=period.end)
    facts = Fact.objects.filter(scope.condition())
    if source is None:
        known = Q() if until is None else Q(position__lte=until)
        yield _counted(facts.filter(in_period & known), by, wanted)
    else:
        dirty = dirty_days(period, timezone.localdate(now))
        rows = source._default_manager.filter(in_period, scope.condition()).exclude(day__in=dirty)
        yield _added(rows, by, wanted)
        if dirty:
            yield _counted(facts.filter(day__in=dirty), by, wanted)
    for measure in wanted:
        if measure.open_late is None:
            continue
        late = _late_facts(measure, period, now, scope, until)
        yield _one_each(late, by, wanted, measure, {})
        if until is None:
            clocks = _late_clocks(measure, period, now, scope)
            yield _one_each(clocks, by, wanted, measure, OF_CLOCK)


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
    keys: dict[str, Any] = {f"d_{name}": F(_column(name)) for name in by}
    return rows.order_by().values(**(keys or {"d_all": Value(1)}))


def _shown(by: Sequence[str], wanted: list[Measure]) -> list[str]:
    return [*(f"d_{name}" for name in by), *(f"n_{measure.key}" for measure in wanted)]


def _counted(facts: QuerySet[Fact], by: Sequence[str], wanted: list[Measure]) -> QuerySet[Any]:
    sums = {f"n_{m.key}": _zero() if m.is_open_late else measure_sum(m) for m in wanted}
    return keys_of(facts, by).annotate(**sums).values_list(*_shown(by, wanted))


def _added(rows: QuerySet[Any], by: Sequence[str], wanted: list[Measure]) -> QuerySet[Any]:
    sums = {f"n_{m.key}": _zero() if m.is_open_late else Sum(m.key) for m in wanted}
    return keys_of(rows, by).annotate(**sums).values_list(*_shown(by, wanted))


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
        f"d_{name}": TruncDate(planned) if name == "day" else F(columns.get(name) or _column(name))
        for name in by
    }
    ones = {f"n_{m.key}": Value(int(m is measure)) for m in wanted}
    return rows.order_by().annotate(**keys, **ones).values_list(*_shown(by, wanted))


# ── open and late ─────────────────────────────────────────────────────────────────────────────

ANSWERED = (ClockOutcome.DONE.value, ClockOutcome.UNSOLVED.value)


def _late_facts(
    measure: Measure, period: Period, now: datetime, scope: Scope, until: int | None
) -> QuerySet[Fact]:
    """Facts that fell due in the period and ended after it: then they were open and late.

    By the partial index fact_late. As of a position, what ended later than it is left out.
    """
    assert measure.open_late is not None
    ends_at = min(period.ends_at, now)
    facts = Fact.objects.filter(
        scope.condition(),
        kind=measure.open_late.value,
        outcome__in=ANSWERED,
        is_late=True,
        planned_end_at__gte=period.starts_at,
        planned_end_at__lt=ends_at,
        actual_end_at__gte=ends_at,
    )
    return facts if until is None else facts.filter(position__lte=until)


def _late_clocks(
    measure: Measure, period: Period, now: datetime, scope: Scope
) -> QuerySet[CaseClock]:
    """Clocks that run beyond a deadline of the period. By the partial index clock_running."""
    assert measure.open_late is not None
    return CaseClock.objects.filter(
        scope.condition(OF_CLOCK),
        kind=ClockKind(measure.open_late.value).value,
        stopped_at__isnull=True,
        paused_at__isnull=True,
        due_at__gte=period.starts_at,
        due_at__lt=min(period.ends_at, now),
    )


# ── the list behind a figure ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Behind:
    """What a measure counted: facts, and for what is open and late the clocks that run."""

    facts: QuerySet[Fact]
    clocks: QuerySet[CaseClock] | None = None

    def count(self) -> int:
        """Return how many rows there are: the figure."""
        return self.facts.count() + (self.clocks.count() if self.clocks is not None else 0)

    def rows(self, offset: int = 0, limit: int = 50) -> list[Fact | CaseClock]:
        """Return some of them with their cases, the facts first, the latest before the others."""
        facts = self.facts.select_related("case__type", "organisation", "person")
        found: list[Fact | CaseClock] = list(facts.order_by("-id")[offset : offset + limit])
        if self.clocks is not None and len(found) < limit:
            start = max(offset - self.facts.count(), 0)
            clocks = self.clocks.select_related("case__type", "organisation", "person")
            found += clocks.order_by("due_at")[start : start + limit - len(found)]
        return found


def cases_behind(
    measure: str,
    *,
    period: Period,
    now: datetime,
    scope: Scope = EVERYWHERE,
    until: int | None = None,
) -> Behind:
    """Return what ``figures`` counted for a measure: narrow the scope to the figure's object."""
    found = MEASURES[measure]
    if found.open_late is not None:
        return Behind(
            _late_facts(found, period, now, scope, until),
            None if until is not None else _late_clocks(found, period, now, scope),
        )
    facts = Fact.objects.filter(
        found.condition, scope.condition(), day__gte=period.first, day__lt=period.end
    )
    return Behind(facts if until is None else facts.filter(position__lte=until))
