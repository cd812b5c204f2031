"""The monthly analysis report (月度运行分析报告): what a city says of a month, in text and tables.

Figures are those of the board: of a published month as it was frozen, else as counted now, and then
the document says that it is a draft. Each is set beside the month before and the same month last
year where something is known of them. Sentences follow the figures (``analysis.sentences``).
"""

from __future__ import annotations

from datetime import date, datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.models import City
from common.templatetags.ui import named
from evaluation.analysis import sections
from evaluation.analysis.document import Picture, Report
from evaluation.analysis.months import BOARDS, months_of
from evaluation.models import ObjectKind
from evaluation.pages.board import Board, board_make
from evaluation.pages.choice import Choice
from evaluation.pages.words import period_text
from evaluation.periods import Period, PeriodKind
from evaluation.selectors.published import Published
from evaluation.selectors.standings import NoScorecard
from evaluation.sight import Sight


def report_make(*, day: date, sight: Sight, now: datetime) -> Report:
    """Return the report of the month that holds a day, in the language of now."""
    period = Period.of(PeriodKind.MONTH, day)
    months = months_of(period, now)
    published = months[0].published[ObjectKind.DISTRICT]
    boards = {kind: _board(kind, period, sight, now) for kind in BOARDS}
    parts = [
        sections.summary(months),
        sections.sources(months, now),
        sections.types(months, now),
        sections.ranking(pgettext("report", "Districts"), boards[ObjectKind.DISTRICT]),
        sections.ranking(pgettext("report", "Departments"), boards[ObjectKind.DEPARTMENT]),
        sections.timeliness(months, boards[ObjectKind.DISTRICT], published, now),
        sections.spots(period, published, now),
        sections.troubles(months),
        sections.appeals(period),
    ]
    pictures = {
        block.name: block.svg
        for section in parts
        for block in section.blocks
        if isinstance(block, Picture)
    }
    city = City.objects.first()
    return Report(
        named(city) if city else "",
        _("Monthly analysis of city management"),
        period_text(period),
        _state(published, period, now),
        published is None,
        f"{timezone.localtime(now):%Y-%m-%d %H:%M}",
        parts,
        pictures,
    )


def _board(kind: ObjectKind, period: Period, sight: Sight, now: datetime) -> Board | None:
    past = 13 if kind is ObjectKind.DISTRICT else 2
    try:
        return board_make(choice=Choice(kind, period), sight=sight, now=now, past=past)
    except NoScorecard:
        return None


def _state(published: Published | None, period: Period, now: datetime) -> str:
    if published is None:
        if period.end > timezone.localdate(now):
            return _("Draft: the month is not over; figures so far, beside the same days before.")
        return _("Draft: not published, figures as counted now.")
    held = published.evaluation
    number = _("supplement %(number)s") % {"number": held.number} if held.number else ""
    return " · ".join(part for part in (_("Published."), number, f"SHA-256 {held.sha256}") if part)
