"""Loading what evaluation needs from fixtures/evaluation/: settings, grades, scorecards.

Only where there are none: what an administrator made of them stays. Weights, bands and grades are
the defaults of docs/rules/evaluation.md.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from django.conf import settings
from django.db import transaction

from evaluation.models import EvaluationPolicy, GradeStep, ItemBands, Scorecard, ScorecardItem

DIRECTORY = settings.BASE_DIR / "fixtures" / "evaluation"
SINCE = date(2000, 1, 1)


def _read(name: str) -> Any:
    return json.loads((DIRECTORY / name).read_text(encoding="utf-8"))


@transaction.atomic
def load_evaluation() -> None:
    """Give a city the defaults."""
    if not EvaluationPolicy.objects.exists():
        EvaluationPolicy.objects.bulk_create(
            EvaluationPolicy(**row) for row in _read("policy.json")
        )
    defaults = _read("scorecards.json")
    if not GradeStep.objects.exists():
        GradeStep.objects.bulk_create(
            GradeStep(letter=letter, at_least=points)
            for letter, points in defaults["grades"].items()
        )
    known = set(Scorecard.objects.values_list("kind", flat=True))
    for kind, card in defaults["scorecards"].items():
        if kind not in known:
            _load_card(kind, card)


def _load_card(kind: str, card: dict[str, Any]) -> None:
    scorecard = Scorecard.objects.create(
        kind=kind, valid_from=SINCE, volume=card["volume"], minimum_count=card["minimum_count"]
    )
    for position, line in enumerate(card["items"], 1):
        bands = line.pop("bands", {})
        item = ScorecardItem.objects.create(scorecard=scorecard, position=position, **line)
        ItemBands.objects.bulk_create(
            ItemBands(item=item, group=group, steps=steps) for group, steps in bands.items()
        )
