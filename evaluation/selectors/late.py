"""Open and late: deadlines of a period that were not kept by its end, which are no facts yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import Exists, OuterRef, Q, QuerySet

from cases.models import CaseClock
from cases.workflow import ClockKind
from evaluation.measures import Measure
from evaluation.models import Fact
from evaluation.models.facts import ANSWERED
from evaluation.periods import Period
from evaluation.selectors.scope import OF_CLOCK, Mark, Scope


def late_facts(
    measure: Measure, periods: Sequence[Period], now: datetime, scope: Scope, until: Mark | None
) -> QuerySet[Fact]:
    """Facts that fell due in one of the periods and ended after it: then they were open and late.

    By the partial index fact_open_late. As of a position, what ended later than it is left out.
    """
    facts = Fact.objects.filter(scope.condition(), late_at_an_end(measure, periods, now))
    return facts if until is None else facts.filter(until.facts)


def late_at_an_end(measure: Measure, periods: Sequence[Period], now: datetime) -> Q:
    """Return the condition on what was open and late at the end of one of the periods."""
    return reduce(or_, (late_at_the_end(measure, period, now) for period in periods))


def late_at_the_end(measure: Measure, period: Period, now: datetime) -> Q:
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


def late_clocks(
    measure: Measure, periods: Sequence[Period], now: datetime, scope: Scope
) -> QuerySet[CaseClock]:
    """Clocks that run beyond a deadline of the periods. By the partial index clock_running."""
    assert measure.open_late is not None
    due = (
        Q(due_at__gte=period.starts_at, due_at__lt=min(period.ends_at, now)) for period in periods
    )
    return CaseClock.objects.filter(
        reduce(or_, due),
        scope.condition(OF_CLOCK),
        kind=ClockKind(measure.open_late.value).value,
        stopped_at__isnull=True,
        paused_at__isnull=True,
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
