"""Made-up cases count time as the door does."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.history_form import moment
from cases.seeding.scripts import ENDS, STEPS, WAITING_SHARE, WAITS, waiting_shares
from cases.seeding.timeline import MICROSECOND, Rule, WorkingTime, from_datetime, to_text
from cases.time_limits import (
    Limit,
    Unit,
    build_calendar,
    due_at,
    elapsed,
    limit_duration,
    slots_parse,
    warn_at,
)

WORKDAY = slots_parse(["08:30-12:00", "13:00-17:30"])
OFFICE = build_calendar("office v1", (WORKDAY,) * 5 + ((),) * 2, [2025, 2026, 2027])
TIME = WorkingTime.of(OFFICE, date(2025, 11, 1), date(2027, 3, 1))
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC))
AMOUNTS = st.integers(-(10**12), 10**12)


@given(MOMENTS, AMOUNTS)
def test_working_time_is_the_calendars(start, amount):
    there = OFFICE.add(start, timedelta(microseconds=amount))
    assert TIME.add(from_datetime(start), amount) == from_datetime(there)
    assert TIME.between(from_datetime(start), from_datetime(there)) == amount


@pytest.mark.parametrize("unit", list(Unit))
@given(start=MOMENTS, value=st.decimals("0.25", "30", places=2))
def test_deadlines_are_the_calendars(unit, start, value):
    limit = Limit(value, unit)
    amount = limit_duration(OFFICE, limit) // MICROSECOND
    rule = Rule(str(value), unit, amount, TIME if unit.is_working else None, 1)
    due = due_at(OFFICE, start, limit)
    assert rule.due(from_datetime(start)) == from_datetime(due)
    assert rule.warn(from_datetime(start)) == from_datetime(warn_at(OFFICE, start, limit))
    rest = elapsed(OFFICE, unit.is_working, start, due)
    assert rule.elapsed(from_datetime(start), from_datetime(due)) == rest // MICROSECOND


@given(MOMENTS)
def test_moments_are_written_as_they_are_hashed(when):
    assert to_text(from_datetime(when)) == moment(when)


def test_every_step_of_every_road_is_known():
    roads = [road for _share, road in (*ENDS.values(), *WAITS.values())]
    assert {step for road in roads for step in road} == set(STEPS)


def test_the_shares_add_up():
    assert sum(share for share, _road in ENDS.values()) == pytest.approx(1)
    assert sum(share for share, _road in WAITS.values()) == pytest.approx(1)
    shares = waiting_shares(365)
    assert sum(shares) / 365 == pytest.approx(WAITING_SHARE, rel=0.3)
    assert shares == sorted(shares, reverse=True)
