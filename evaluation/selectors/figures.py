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
from django.db.models import (
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    Value,
)
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from cases.models import CaseClock
from cases.workflow import ClockKind, ClockOutcome
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
class Mark:
    """High-water marks: what was known when figures were frozen, and what has come since others.

    Facts of events in (``after``, ``position``], counter-entries in (``entries_after``,
    ``entries``]. ``is_head``: no fact beyond ``position`` is there, and none is written meanwhile
    (the reader of facts is held), so that the sums of days may be read in place of their facts.
    """

    position: int
    entries: int
    after: int = -1
    entries_after: int = -1
    is_head: bool = False

    @property
    def facts(self) -> Q:
        """The facts that count."""
        return Q(position__gt=self.after, position__lte=self.position)

    @property
    def counted(self) -> Q:
        """The counter-entries that count."""
        return Q(pk__gt=self.entries_after, pk__lte=self.entries)


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
        late = _late_facts(measure, period, now, scope, until)
        yield _one_each(late, by, wanted, measure, {})
        if until is None:
            clocks = _late_clocks(measure, period, now, scope)
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
        condition = _late(measure, period, now) if late else in_period & measure.condition
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
        f"d_{name}": TruncDate(planned) if name == "day" else F(columns.get(name) or _column(name))
        for name in by
    }
    ones = {f"n_{m.key}": Value(int(m is measure)) for m in wanted}
    return rows.order_by().annotate(**keys, **ones).values_list(*_shown(by, wanted))


# ── open and late ─────────────────────────────────────────────────────────────────────────────

ANSWERED = (ClockOutcome.DONE.value, ClockOutcome.UNSOLVED.value)


def _late_facts(
    measure: Measure, period: Period, now: datetime, scope: Scope, until: Mark | None
) -> QuerySet[Fact]:
    """Facts that fell due in the period and ended after it: then they were open and late.

    By the partial index fact_late. As of a position, what ended later than it is left out.
    """
    facts = Fact.objects.filter(scope.condition(), _late(measure, period, now))
    return facts if until is None else facts.filter(until.facts)


def _late(measure: Measure, period: Period, now: datetime) -> Q:
    """Return the condition on what was open and late at the period's end and has ended since."""
    assert measure.open_late is not None
    ends_at = min(period.ends_at, now)
    return Q(
        kind=measure.open_late.value,
        outcome__in=ANSWERED,
        is_late=True,
        planned_end_at__gte=period.starts_at,
        planned_end_at__lt=ends_at,
        actual_end_at__gte=ends_at,
    )


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


def late_clocks_at(
    measure: Measure, *, period: Period, now: datetime, mark: Mark
) -> QuerySet[CaseClock]:
    """Return the clocks that were open and late, and that no fact up to a mark tells of."""
    assert measure.open_late is not None
    ends_at = min(period.ends_at, now)
    told = Fact.objects.filter(
        mark.facts, case=OuterRef("case"), clock=OuterRef("pk"), kind=measure.open_late.value
    )
    is_running = Q(stopped_at__isnull=True, paused_at__isnull=True)
    has_ended = Q(stopped_at__isnull=False, outcome__in=ANSWERED, actual_end_at__gte=ends_at)
    return CaseClock.objects.filter(
        is_running | (has_ended & ~Exists(told)),
        kind=ClockKind(measure.open_late.value).value,
        due_at__gte=period.starts_at,
        due_at__lt=ends_at,
    )


# ── the list behind a figure ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Behind:
    """What a measure counted: facts, what appeals put in place of facts, clocks that run late."""

    facts: QuerySet[Fact]
    clocks: QuerySet[CaseClock] | None
    entries: QuerySet[CounterEntry]

    @property
    def queries(self) -> list[QuerySet[Any]]:
        """Each kind of row, in the order in which they are shown."""
        known = (self.facts, self.entries, self.clocks)
        return [query for query in known if query is not None]

    def count(self) -> int:
        """Return how many rows there are: the figure."""
        return sum(query.count() for query in self.queries)

    def rows(self, offset: int = 0, limit: int = 50) -> list[Fact | CounterEntry | CaseClock]:
        """Return some of them with their cases, the latest before the others."""
        found: list[Fact | CounterEntry | CaseClock] = []
        for query in self.queries:
            order = "due_at" if query.model is CaseClock else "-id"
            rows = query.select_related("case__type", "organisation", "person").order_by(order)
            taken = list(rows[offset : offset + limit - len(found)])
            found += taken
            if len(found) >= limit:
                break
            offset = max(offset - (query.count() if offset else 0), 0)
        return found


def cases_behind(
    measure: str,
    *,
    period: Period,
    now: datetime,
    scope: Scope = EVERYWHERE,
    until: Mark | None = None,
    clocks: Sequence[int] = (),
) -> Behind:
    """Return what ``figures`` counted for a measure: narrow the scope to the figure's object.

    With ``until``, ``clocks`` are those that were frozen with the figure as open and late.
    """
    found = MEASURES[measure]
    counted = until.counted if until else Q()
    if found.open_late is not None:
        condition = scope.condition() & _late(found, period, now)
        facts = _late_facts(found, period, now, scope, until)
        late = (
            _late_clocks(found, period, now, scope)
            if until is None
            else CaseClock.objects.filter(pk__in=clocks)
        )
    else:
        in_period = Q(day__gte=period.first, day__lt=period.end)
        condition = scope.condition() & in_period & found.condition
        facts = Fact.objects.filter(condition, until.facts if until else Q())
        late = None
    return Behind(facts.exclude(pk__in=_taken(counted)), late, _put(counted).filter(condition))


def _taken(counted: Q) -> QuerySet[Any]:
    """Return the facts that appeals have taken away, all entries added up."""
    entries = CounterEntry.objects.filter(counted, is_original=True).order_by()
    return entries.values("fact").annotate(n=Sum("amount")).filter(n__lt=0).values("fact")


def _put(counted: Q) -> QuerySet[CounterEntry]:
    """Return what stands in place of facts, but for what was reversed."""
    reversals = CounterEntry.objects.filter(
        counted, appeal=OuterRef("appeal"), is_original=False, amount=-1
    )
    return CounterEntry.objects.filter(~Exists(reversals), counted, is_original=False, amount=1)
