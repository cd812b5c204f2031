"""A ranking on paper."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from common.templatetags.ui import named
from common.typesetting import typeset_pdf
from evaluation.indicators import INDICATORS
from evaluation.pages.board import MOST_ROWS, Board
from evaluation.pages.words import NOTHING, period_text

TEMPLATE = Path(__file__).with_name("ranking.typ")


def ranking_pdf(board: Board, now: datetime) -> bytes:
    """Return the ranking as a PDF, in the language of now.

    Raises:
        NoFonts: the machine has no Chinese font.
    """
    return typeset_pdf(TEMPLATE, ranking_data(board, now))


def ranking_data(board: Board, now: datetime) -> dict[str, Any]:
    """Return what the template prints."""
    choice = board.choice
    where = named(choice.within) if choice.within else _("Whole city")
    return {
        "title": f"{choice.kind.label} · {period_text(choice.period)}",
        "subtitle": where,
        "state": _state(board),
        "made": f"{timezone.localtime(now):%Y-%m-%d %H:%M}",
        "language": "en" if (get_language() or "").startswith("en") else "zh",
        "columns": [str(column.name) for column in board.columns],
        "rows": [
            {
                "rank": str(row.standing.place.rank or NOTHING),
                "name": named(row.standing),
                "grade": row.grade,
                "score": row.score,
                "figures": [figure.text for figure in row.figures],
            }
            for row in board.rows[:MOST_ROWS]
        ],
        "lines": [_line(item) for item in board.card.items],
        "words": {
            "rank": _("Rank"),
            "name": _("Name"),
            "grade": _("Grade"),
            "score": _("Score"),
            "weight": _("Weight"),
            "formula": _("Formula"),
            "scorecard": _("How the score is made"),
        },
    }


def _line(item: Any) -> list[str]:
    figure = INDICATORS[item.indicator]
    name = f"1 − {figure.name}" if item.is_complement else str(figure.name)
    return [f"{float(item.weight):g}", name, str(figure.formula)]


def _state(board: Board) -> str:
    if board.published is None:
        return _("as counted now")
    held = board.published.evaluation
    number = _("supplement %(number)s") % {"number": held.number} if held.number else ""
    return " · ".join(part for part in (_("Published."), number, f"SHA-256 {held.sha256}") if part)
