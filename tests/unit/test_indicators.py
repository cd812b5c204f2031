"""Indicators: each formula against its worked number; periods; every measure has a column."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from evaluation.indicators import INDICATORS, Unit
from evaluation.measures import MEASURES, STORED
from evaluation.models import DAY_SUMS, DIMENSIONS
from evaluation.periods import Period

RATES = [indicator for indicator in INDICATORS.values() if indicator.denominator]


@pytest.mark.parametrize("indicator", RATES, ids=lambda indicator: indicator.key)
def test_a_rate_gives_its_worked_number(indicator):
    counts, value = indicator.example
    assert set(counts) <= set(indicator.measures)
    assert indicator.value(counts) == value
    assert indicator.value({}) is None, "a rate of nothing is no number"


def test_a_difference_is_taken_from_the_count():
    assert INDICATORS["filed_accurately"].value({"filed": 50, "voided": 2}) == 48
    assert INDICATORS["handling_due"].value({"handled": 5, "handling_open_late": 2}) == 7


def test_a_rate_is_exact_however_small():
    counts = {"finished_in_time": 1, "finished": 3, "open_late": 4}
    assert INDICATORS["finished_in_time_rate"].value(counts) == Fraction(1, 7)


def test_every_measure_is_used_and_every_indicator_counts_measures():
    used = {key for indicator in INDICATORS.values() for key in indicator.measures}
    assert used == set(MEASURES)
    assert all(indicator.denominator for indicator in RATES if indicator.unit is Unit.RATIO)


def test_sums_of_a_day_have_a_column_for_each_measure_and_no_other():
    for model in DAY_SUMS:
        columns = {field.name for field in model._meta.concrete_fields} - {"id", "day"}
        assert columns - set(DIMENSIONS[model]) == {measure.key for measure in STORED}


@pytest.mark.parametrize(
    ("kind", "day", "first", "end"),
    [
        ("day", date(2026, 3, 16), date(2026, 3, 16), date(2026, 3, 17)),  # a Monday
        ("live", date(2026, 12, 31), date(2026, 12, 31), date(2027, 1, 1)),
        ("week", date(2026, 3, 22), date(2026, 3, 16), date(2026, 3, 23)),  # its Sunday
        ("week", date(2027, 1, 1), date(2026, 12, 28), date(2027, 1, 4)),
        ("month", date(2024, 2, 29), date(2024, 2, 1), date(2024, 3, 1)),
        ("quarter", date(2026, 12, 31), date(2026, 10, 1), date(2027, 1, 1)),
        ("year", date(2026, 1, 1), date(2026, 1, 1), date(2027, 1, 1)),
    ],
)
def test_periods_are_half_open_and_touch(kind, day, first, end):
    period = Period.of(kind, day)
    assert (period.first, period.end) == (first, end)
    assert period.previous.end == period.first
    assert period.next.first == period.end
    assert period.previous.next == period
    assert day in period
    assert end not in period


def test_a_period_begins_at_midnight_in_the_city():
    assert Period.of("day", date(2026, 3, 16)).starts_at.isoformat() == "2026-03-16T00:00:00+08:00"
