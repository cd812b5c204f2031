"""The months that a report sets side by side: a month, the one before, the same of last year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from django.utils import timezone

from evaluation.indicators import INDICATORS
from evaluation.models import ObjectKind
from evaluation.pages.words import period_text
from evaluation.periods import DAY, Period, PeriodKind
from evaluation.selectors.figures import figures
from evaluation.selectors.published import Published, published_ranking

CITYWIDE = (
    "reported", "filed", "refused", "voided", "finished", "closed_rate", "finished_in_time_rate",
    "handled", "handling_in_time_rate", "handling_mean", "public_share", "reworked", "rework_rate",
    "repeated", "repeat_rate", "reopened", "returned", "extended", "suspended",
)  # fmt: skip
BOARDS = (ObjectKind.DISTRICT, ObjectKind.DEPARTMENT)

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Month:
    """The measures of the whole city in a month; None: nothing is known of it."""

    period: Period
    counts: Counts | None
    published: Mapping[ObjectKind, Published | None]
    is_part: bool = False  # the same days as those of a month that is not over

    @property
    def name(self) -> str:
        """What it is called; a part by its days."""
        if not self.is_part:
            return period_text(self.period)
        return f"{self.period.first:%Y-%m-%d} – {self.period.end - DAY:%m-%d}"

    def value(self, key: str) -> Fraction | None:
        """Return an indicator's value; None where nothing is known."""
        return None if self.counts is None else INDICATORS[key].value(self.counts)


def months_of(period: Period, now: datetime) -> list[Month]:
    """Return a month, the one before and that of last year; of one that runs, the same days."""
    others = (period.previous, _year_before(period))
    over = (timezone.localdate(now) + DAY - period.first).days
    if period.first + over * DAY >= period.end:
        return [_month(each, now) for each in (period, *others)]
    parts = [Period(each.first, min(each.first + over * DAY, each.end)) for each in others]
    return [_month(period, now), *(_month(each, now, is_part=True) for each in parts)]


def _year_before(period: Period) -> Period:
    return Period.of(PeriodKind.MONTH, period.first.replace(year=period.first.year - 1))


def _month(period: Period, now: datetime, *, is_part: bool = False) -> Month:
    """Return what is known of a month: what was published, else what is counted now."""
    published = {kind: None if is_part else published_ranking(kind, period) for kind in BOARDS}
    known = published[ObjectKind.DISTRICT]
    until = known.mark if known else None
    counts = dict(figures(indicators=CITYWIDE, period=period, now=now, until=until).get((), {}))
    for found in published.values():
        if found is not None:
            counts |= _frozen(found)
    return Month(period, counts if any(counts.values()) else None, published, is_part)


def _frozen(found: Published) -> dict[str, int]:
    """Return the measures of a published ranking, all objects together."""
    wanted = {measure for key in found.card.indicators for measure in INDICATORS[key].measures}
    total = dict.fromkeys(wanted, 0)
    for counts in (*(row.counts for row in found.rows), found.rest):
        for measure in wanted:
            total[measure] += counts.get(measure, 0)
    return total
