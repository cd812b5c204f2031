"""What was published of a period: its latest supplement, read back from its frozen form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evaluation.frozen import FrozenRow, card_read, row_read
from evaluation.models import EvaluationPeriod, FrozenRanking
from evaluation.periods import Period, PeriodKind
from evaluation.scoring import Card
from evaluation.selectors.scope import Mark


@dataclass(frozen=True, slots=True)
class Published:
    """A frozen ranking. ``since``: what came late for earlier days and is counted here."""

    evaluation: EvaluationPeriod
    card: Card
    rows: list[FrozenRow]
    rest: dict[str, int]
    mark: Mark
    since: Mark | None

    def clocks(self, keys: Iterable[int] | None = None) -> dict[str, list[int]]:
        """Return the clocks that were open and late, of some objects or of all."""
        wanted = None if keys is None else set(keys)
        found: dict[str, list[int]] = {}
        for row in self.rows:
            if wanted is None or row.key in wanted:
                for measure, ids in row.clocks.items():
                    found.setdefault(measure, []).extend(ids)
        return found


def published_ranking(kind: str, period: Period) -> Published | None:
    """Return the ranking of a kind as published last; None while it is not. One query."""
    return published_rankings(kind, [period]).get(period)


def published_rankings(kind: str, periods: Sequence[Period]) -> dict[Period, Published]:
    """Return the same for several periods of one length, those that are published. One query."""
    if not periods or periods[0].kind is PeriodKind.LIVE:
        return {}
    rows = FrozenRanking.objects.filter(
        kind=kind,
        evaluation__state=EvaluationPeriod.State.PUBLISHED,
        evaluation__kind=periods[0].kind.value,
        evaluation__first_date__in=[period.first for period in periods],
    )
    newest = rows.order_by("evaluation__first_date", "-evaluation__number")
    found = newest.distinct("evaluation__first_date").select_related("evaluation")
    return {row.evaluation.period: _read(row) for row in found}


def _read(found: FrozenRanking) -> Published:
    told = json.loads(found.content)
    card = card_read(told["scorecard"])
    mark = Mark(told["position"], told["entries"])
    since = Mark(mark.position, mark.entries, *told["since"]) if told["since"] else None
    return Published(
        found.evaluation,
        card,
        [row_read(row, card) for row in told["rows"]],
        told["rest"],
        mark,
        since,
    )
