"""Holes of a roster against counting minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dispatch.squads.rules import Hole, holes

START = datetime(2026, 3, 16, tzinfo=UTC)  # a Monday
LENGTH = 24 * 60


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def test_before_between_and_after_the_shifts_nobody_is_there():
    shifts = [(at(8 * 60), at(16 * 60)), (at(14 * 60), at(20 * 60))]
    assert holes(shifts, 1, at(6 * 60), at(22 * 60)) == [
        Hole(at(6 * 60), at(8 * 60), 0),
        Hole(at(20 * 60), at(22 * 60), 0),
    ]
    assert holes(shifts, 2, at(8 * 60), at(20 * 60)) == [
        Hole(at(8 * 60), at(14 * 60), 1),
        Hole(at(16 * 60), at(20 * 60), 1),
    ]
    assert holes(shifts, 0, at(0), at(LENGTH)) == []


SHIFTS = st.lists(
    st.tuples(st.integers(-300, LENGTH + 300), st.integers(1, 900)).map(
        lambda pair: (pair[0], pair[0] + pair[1])
    ),
    max_size=8,
)


@given(SHIFTS, st.integers(0, 3))
def test_the_holes_are_the_minutes_in_which_too_few_are_there(shifts, least):
    found = holes([(at(a), at(b)) for a, b in shifts], least, at(0), at(LENGTH))
    counted = [sum(a <= minute < b for a, b in shifts) for minute in range(LENGTH)]
    missing = {minute: count for minute, count in enumerate(counted) if count < least}
    told = {
        minute: hole.on_duty_count
        for hole in found
        for minute in range(
            int((hole.starts_at - START).total_seconds() // 60),
            int((hole.ends_at - START).total_seconds() // 60),
        )
    }
    assert told == missing
    assert all(one.ends_at <= other.starts_at for one, other in pairwise(found))
