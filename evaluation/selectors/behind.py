"""The list behind a figure: what was counted, under the figure's own condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from cases.models import CaseClock
from evaluation.measures import MEASURES
from evaluation.models import CounterEntry, Fact
from evaluation.periods import Period
from evaluation.selectors.late import late_at_the_end, late_clocks, late_facts
from evaluation.selectors.scope import EVERYWHERE, Mark, Scope


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
        condition = scope.condition() & late_at_the_end(found, period, now)
        facts = late_facts(found, [period], now, scope, until)
        late = (
            late_clocks(found, [period], now, scope)
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
