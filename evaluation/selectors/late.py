"""Open and late: deadlines of a period that were not kept by its end, which are no facts yet."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from cases.models import CaseClock
from cases.workflow import ClockKind, ClockOutcome
from evaluation.measures import Measure
from evaluation.models import Fact
from evaluation.periods import Period
from evaluation.selectors.scope import OF_CLOCK, Mark, Scope

ANSWERED = (ClockOutcome.DONE.value, ClockOutcome.UNSOLVED.value)


def late_facts(
    measure: Measure, period: Period, now: datetime, scope: Scope, until: Mark | None
) -> QuerySet[Fact]:
    """Facts that fell due in the period and ended after it: then they were open and late.

    By the partial index fact_late. As of a position, what ended later than it is left out.
    """
    facts = Fact.objects.filter(scope.condition(), late_at_the_end(measure, period, now))
    return facts if until is None else facts.filter(until.facts)


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
