"""Periods: half-open intervals of local dates. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

DAY = timedelta(days=1)


class PeriodKind(StrEnum):
    """How long a period is; live is the day under way."""

    LIVE = "live"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


PERIOD_LABELS: dict[PeriodKind, str | Promise] = {
    PeriodKind.LIVE: pgettext_lazy("period", "Live"),
    PeriodKind.DAY: pgettext_lazy("period", "Day"),
    PeriodKind.WEEK: pgettext_lazy("period", "Week"),
    PeriodKind.MONTH: pgettext_lazy("period", "Month"),
    PeriodKind.QUARTER: pgettext_lazy("period", "Quarter"),
    PeriodKind.YEAR: pgettext_lazy("period", "Year"),
}
MONTHS = {PeriodKind.MONTH: 1, PeriodKind.QUARTER: 3, PeriodKind.YEAR: 12}


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The local dates [first, end) of one kind."""

    first: date
    end: date
    kind: PeriodKind = PeriodKind.DAY

    def __post_init__(self) -> None:
        if self.end <= self.first:
            raise ValueError(f"{self.first} to {self.end} is no period")

    @classmethod
    def of(cls, kind: PeriodKind | str, day: date) -> Period:
        """Return the period of a kind that holds a day; weeks begin on Monday."""
        kind = PeriodKind(kind)
        if kind in (PeriodKind.LIVE, PeriodKind.DAY):
            return cls(day, day + DAY, kind)
        if kind is PeriodKind.WEEK:
            monday = day - day.weekday() * DAY
            return cls(monday, monday + 7 * DAY, kind)
        length = MONTHS[kind]
        number = day.year * 12 + (day.month - 1) // length * length
        return cls(_month(number), _month(number + length), kind)

    @property
    def previous(self) -> Period:
        """The period of this kind just before."""
        return Period.of(self.kind, self.first - DAY)

    @property
    def next(self) -> Period:
        """The period of this kind just after."""
        return Period.of(self.kind, self.end)

    @property
    def starts_at(self) -> datetime:
        """The first moment of the period."""
        return _midnight(self.first)

    @property
    def ends_at(self) -> datetime:
        """The first moment after the period."""
        return _midnight(self.end)

    def __contains__(self, day: date) -> bool:
        return self.first <= day < self.end


def earlier_than(period: Period) -> Period:
    """Return all days before a period, as one."""
    return Period(date(2000, 1, 1), period.first)


def _month(number: int) -> date:
    """Return the first day of a month counted from year 0."""
    return date(number // 12, number % 12 + 1, 1)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
