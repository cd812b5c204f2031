"""How long things take: percentiles of the facts of one kind, which no sum of a day can tell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Aggregate, DurationField, ExpressionWrapper, F, FloatField
from django.db.models.expressions import Combinable
from django.db.models.functions import Extract

from cases.workflow import ClockOutcome
from evaluation.models import Fact
from evaluation.periods import Period
from evaluation.selectors.figures import keys_of
from evaluation.selectors.scope import EVERYWHERE, Scope
from evaluation.story import FactKind

SHARES = (0.5, 0.8, 0.9, 0.95)


class Percentile(Aggregate):
    """The value under which a share of the rows lies, interpolated between two rows."""

    function = "percentile_cont"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()

    def __init__(self, expression: Combinable | str, *, share: float) -> None:
        super().__init__(expression, share=float(share))


def durations(
    kind: FactKind,
    *,
    by: Sequence[str] = (),
    period: Period,
    scope: Scope = EVERYWHERE,
    shares: Sequence[float] = SHARES,
) -> dict[tuple[Any, ...], list[timedelta]]:
    """Return how long what was done in a period took, for each share of it; by objects.

    The whole is measured from report to close, in natural time; every other clock as its limit
    counts, without its pauses. Objects where nothing was done are left out.
    """
    facts = Fact.objects.filter(
        scope.condition(),
        day__gte=period.first,
        day__lt=period.end,
        kind=kind.value,
        outcome=ClockOutcome.DONE.value,
    )
    taken: Combinable = F("used_seconds")
    if kind is FactKind.WHOLE:
        span = ExpressionWrapper(F("actual_end_at") - F("started_at"), output_field=DurationField())
        taken = Extract(span, "epoch")
    parts = {f"p_{place}": Percentile(taken, share=share) for place, share in enumerate(shares)}
    rows = keys_of(facts, by).annotate(**parts)
    shown = rows.values_list(*(f"d_{name}" for name in by), *parts)
    width = len(by)
    return {
        row[:width]: [timedelta(seconds=seconds) for seconds in row[width:]]
        for row in shown
        if row[width] is not None
    }
