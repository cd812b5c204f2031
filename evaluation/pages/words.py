"""Figures as they are shown: rounded here and nowhere else."""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from django.utils import formats
from django.utils.translation import gettext as _

from evaluation.indicators import Indicator, Unit
from evaluation.periods import Period, PeriodKind

NOTHING = "–"


def rounded(value: Fraction, places: int) -> Decimal:
    """Return a fraction with so many decimals, halves up."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def percent_text(value: Fraction) -> str:
    """Return a share in percent; what is not all of it never reads 100 %.

    *Example.* 3,545 of 3,548: 99.92 %, where one decimal would have said 99.9 %; 3,999 of 4,000:
    99.97 %, cut down, not 100.0 %.
    """
    shown = rounded(value * 100, 1)
    if shown >= 100 and value < 1:
        hundredths = min(value * 10_000 // 1, 9_999)
        return f"{Decimal(hundredths) / 100:.2f}%"
    return f"{shown}%"


def count_text(value: int) -> str:
    """Return a count with its thousands set apart."""
    return f"{value:,}"


def score_text(value: Fraction | None, places: int = 1) -> str:
    """Return points; a dash where there are none."""
    return NOTHING if value is None else str(rounded(value, places))


def value_text(indicator: Indicator, value: Fraction | None) -> str:
    """Return a figure in its unit."""
    if value is None:
        return NOTHING
    if indicator.unit is Unit.RATIO:
        return percent_text(value)
    if indicator.unit is Unit.MINUTES:
        return minutes_text(value)
    return count_text(int(value))


def minutes_text(value: Fraction) -> str:
    """Return a mean time: hours with one decimal, minutes below one hour."""
    if value < 60:
        return _("%(count)s min") % {"count": rounded(value, 0)}
    return _("%(count)s h") % {"count": rounded(value / 60, 1)}


def span_text(length: timedelta) -> str:
    """Return a span in hours with one decimal."""
    return minutes_text(Fraction(int(length.total_seconds()), 60))


def period_text(period: Period) -> str:
    """Return what a period is called, such as "November 2026", "2026 Q4" or "11-16 – 11-22"."""
    first, last = period.first, period.end - timedelta(days=1)
    if period.kind is PeriodKind.YEAR:
        return f"{first.year}"
    if period.kind is PeriodKind.QUARTER:
        quarter = (first.month + 2) // 3
        return _("%(year)s Q%(quarter)s") % {"year": first.year, "quarter": quarter}
    if period.kind is PeriodKind.MONTH:
        return formats.date_format(first, "YEAR_MONTH_FORMAT")
    if period.kind is PeriodKind.WEEK:
        return f"{first:%Y-%m-%d} – {last:%m-%d}"
    return f"{first:%Y-%m-%d}"


def short_period_text(period: Period) -> str:
    """Return what stands under a point of a trend."""
    first = period.first
    if period.kind is PeriodKind.YEAR:
        return f"{first.year}"
    if period.kind is PeriodKind.QUARTER:
        return f"{first:%y} Q{(first.month + 2) // 3}"
    return f"{first:%y-%m}" if period.kind is PeriodKind.MONTH else f"{first:%m-%d}"
