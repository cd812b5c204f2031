"""Fair limits: how long handling really takes, and what a limit makes of it.

Looked at is what was handled (the measure ``handled``, corrected by appeals) under any version of a
standard that is in force today: the same type, zone grade, profile and filing condition. Time used
is that of the facts, as the limit counts: working or natural time, without pauses. A version that
counted the other kind of time is left out: its seconds are not the same.

A case is late at a limit when the time used is more than the limit; a working day has the minutes
of the calendar its own clock was counted by. Extensions are not taken off: what was granted beyond
the limit is beyond it.

Nothing is claimed of fewer cases than ``LEAST`` says: five above a percentile, thirty in all.

Cost: facts of the days by the BRIN index ``fact_day``; their clocks and cases by key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Value

from cases.time_limits import UNIT_MINUTES, Unit
from evaluation.models import CounterEntry, Fact
from evaluation.periods import Period
from evaluation.selectors.behind import cases_behind
from evaluation.selectors.scope import EVERYWHERE, Scope

SHARES = (0.5, 0.8, 0.95)
LEAST = {0.5: 30, 0.8: 30, 0.95: 100}
MINIMUM = min(LEAST.values())
FACTORS = tuple(Decimal(text) for text in ("0.5", "0.75", "1", "1.5", "2"))
WORKING = [unit.value for unit in Unit if unit.is_working]


@dataclass(frozen=True, slots=True)
class Look:
    """Which cases are looked at, and as of which day standards are today's."""

    period: Period
    today: date
    scope: Scope = EVERYWHERE
    class_id: int | None = None
    standard_id: int | None = None
    zone_grade: str | None = None  # None: all grades of the standard together


@dataclass(frozen=True, slots=True)
class Taken:
    """What handling took under one standard in zones of a grade ("": in all of them)."""

    standard_id: int
    zone_grade: str
    count: int
    late_count: int  # as it was counted, extensions granted
    over_count: int  # more than today's limit
    used_seconds: dict[float, int | None]

    @property
    def is_enough(self) -> bool:
        """Whether there are cases enough to say anything."""
        return self.count >= MINIMUM


# By case_pkey, case_clock_pkey; what one unit of the limit is, by the clock's own calendar.
_MEASURED = """
WITH taken (id, is_put, standard_id, case_id, clock_id, used_seconds, is_late) AS ({taken}),
line AS (
    SELECT old.id AS old_id, today.id AS standard_id, today.limit_value, unit.minutes
    FROM components_casestandard AS today
    JOIN components_casetype AS type ON type.id = today.type_id
    JOIN unnest(%s::text[], %s::numeric[]) AS unit (name, minutes) ON unit.name = today.limit_unit
    JOIN components_casestandard AS old ON old.type_id = today.type_id
        AND old.zone_grade = today.zone_grade AND old.profile = today.profile
        AND old.condition = today.condition
        AND (old.limit_unit = ANY(%s)) = (today.limit_unit = ANY(%s))
    WHERE today.valid_from <= %s AND (today.valid_to IS NULL OR today.valid_to > %s)
        AND (%s::bigint IS NULL OR today.id = %s)
        AND (%s::bigint IS NULL OR type.type_class_id = %s)
), measured AS (
    SELECT taken.id, taken.is_put, line.standard_id, {grade} AS zone_grade, taken.used_seconds,
        taken.is_late, line.limit_value,
        60 * coalesce(line.minutes, (calendar.data ->> 'nominal_day_minutes')::numeric)
            AS unit_seconds
    FROM taken JOIN line ON line.old_id = taken.standard_id
    JOIN cases_case AS c ON c.id = taken.case_id
    JOIN cases_caseclock AS clock ON clock.id = taken.clock_id
    LEFT JOIN cases_calendarversion AS calendar ON calendar.id = clock.calendar_version_id
    WHERE %s::text IS NULL OR c.zone_grade = %s
)
"""
_ROWS = """
SELECT standard_id, zone_grade, count(*), count(*) FILTER (WHERE is_late),
    count(*) FILTER (WHERE used_seconds > limit_value * unit_seconds),
    percentile_cont(%s::float8[]) WITHIN GROUP (ORDER BY used_seconds)
FROM measured GROUP BY standard_id, zone_grade ORDER BY count(*) DESC, standard_id, zone_grade
"""
_OVER = """
SELECT tried.value, count(measured.id)
FROM unnest(%s::numeric[]) AS tried (value)
LEFT JOIN measured ON used_seconds > tried.value * unit_seconds
GROUP BY tried.value ORDER BY tried.value
"""
_BEHIND = """
SELECT id, is_put FROM measured
WHERE ({late} AND (%s::numeric IS NULL OR used_seconds > %s * unit_seconds))
ORDER BY used_seconds DESC, id
"""


def handling_taken(look: Look, *, now: datetime) -> list[Taken]:
    """Return what handling took, by standard in force and zone grade, the most cases first."""
    rows = _asked(look, now, _ROWS, [list(SHARES)])
    return [
        Taken(
            standard_id,
            grade,
            count,
            late,
            over,
            {share: _claimed(count, share, at) for share, at in zip(SHARES, used, strict=True)},
        )
        for standard_id, grade, count, late, over, used in rows
    ]


def _claimed(count: int, share: float, seconds: float) -> int | None:
    return round(seconds) if count >= LEAST[share] else None


def over_counts(look: Look, limits: Iterable[Decimal], *, now: datetime) -> dict[Decimal, int]:
    """Return how many would have been late at each limit, in the unit of the standard."""
    rows = _asked(look, now, _OVER, [sorted(set(limits))])
    return dict(rows)


def candidates(limit: Decimal, typed: Decimal | None = None) -> list[Decimal]:
    """Return the limits that are tried: parts and multiples of today's, and the one typed.

    *Example.* 4 working days: 2, 3, 4, 6, 8. A quarter of the unit is the smallest step.
    """
    tried = {_quarter(limit * factor) for factor in FACTORS} | {limit}
    return sorted(tried | ({typed} if typed is not None else set()))


def _quarter(value: Decimal) -> Decimal:
    steps = (value * 4).to_integral_value(ROUND_CEILING)
    return (steps / 4).quantize(Decimal("0.01"))


def handled_behind(
    look: Look, *, now: datetime, is_late: bool = False, over: Decimal | None = None
) -> list[tuple[int, bool]]:
    """Return what was counted, the longest first: keys of facts, or (true) of counter-entries."""
    late = "is_late" if is_late else "true"
    return _asked(look, now, _BEHIND.format(late=late), [over, over])


def rows_of(keys: Sequence[tuple[int, bool]]) -> list[Fact | CounterEntry]:
    """Return facts and counter-entries with their cases, in the order of the keys."""
    found: dict[tuple[int, bool], Fact | CounterEntry] = {}
    for model, is_put in ((Fact, False), (CounterEntry, True)):
        wanted = [pk for pk, put in keys if put == is_put]
        if wanted:
            rows = model._default_manager.filter(pk__in=wanted)
            for row in rows.select_related("case__type", "organisation", "person"):
                found[row.pk, is_put] = row
    return [found[key] for key in keys]


def _asked(look: Look, now: datetime, query: str, values: list[Any]) -> list[Any]:
    behind = cases_behind("handled", period=look.period, now=now, scope=look.scope)
    columns = ("standard_id", "case_id", "clock_id", "used_seconds", "is_late")
    facts, entries = (
        rows.filter(standard__isnull=False)
        .order_by()
        .annotate(is_put=Value(is_put, output_field=BooleanField()))
        .values_list("id", "is_put", *columns)
        for rows, is_put in ((behind.facts, False), (behind.entries, True))
    )
    taken, first = facts.union(entries, all=True).query.sql_with_params()
    units = list(Unit)
    grade = "c.zone_grade" if look.standard_id is None or look.zone_grade else "''"
    with connection.cursor() as cursor:
        cursor.execute(
            _MEASURED.format(taken=taken, grade=grade) + query,
            [
                *first,
                [unit.value for unit in units],
                [UNIT_MINUTES.get(unit) for unit in units],
                WORKING,
                WORKING,
                look.today,
                look.today,
                look.standard_id,
                look.standard_id,
                look.class_id,
                look.class_id,
                look.zone_grade,
                look.zone_grade,
                *values,
            ],
        )
        return cursor.fetchall()
