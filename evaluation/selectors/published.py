"""What was published of a period: its latest supplement, read back from its frozen form."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from evaluation.frozen import FrozenRow, card_read, row_read
from evaluation.models import EvaluationPeriod, FrozenRanking
from evaluation.periods import Period, PeriodKind
from evaluation.scoring import Card
from evaluation.selectors.figures import Mark


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
    if period.kind is PeriodKind.LIVE:
        return None
    rows = FrozenRanking.objects.filter(
        kind=kind,
        evaluation__state=EvaluationPeriod.State.PUBLISHED,
        evaluation__kind=period.kind.value,
        evaluation__first_date=period.first,
    )
    found = rows.select_related("evaluation").order_by("-evaluation__number").first()
    if found is None:
        return None
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
