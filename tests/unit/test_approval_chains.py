"""Which chain a request gets: the first row that fits, else the table's; how big a request is."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.exceptions.chains import (
    Asked,
    extension_size,
    fits,
    fitting_chain,
    next_working_moment,
)
from cases.exceptions.shares import Cap, Share
from cases.models import ApprovalChain
from cases.time_limits import Limit, Unit, build_calendar, slots_parse
from cases.workflow import RequestKind

OFFICE = build_calendar(
    1,
    (*[slots_parse(["08:30-12:00", "13:00-17:30"])] * 5, (), ()),
    [2026],
)
EXTENSION = RequestKind.EXTENSION


def row(*steps: list[str], **conditions) -> ApprovalChain:
    return ApprovalChain(kind=EXTENSION.value, steps=list(steps), **conditions)


ROWS = (
    row(["DSP"], ["LDR"], from_ordinal=2),
    row(["DSP"], ["SUP"], ["LDR"], over_days=Decimal(10)),
    row(["DSP"], ["LDR"], over_ratio=Decimal(1)),
    row(["LDR"], urgency="urgent"),
    row(["SUP"], profile="engineering"),
    row(["DSP", "LDR"]),
)


@pytest.mark.parametrize(
    ("asked", "chain"),
    [
        (Asked(EXTENSION), [["DSP", "LDR"]]),
        (Asked(EXTENSION, days=Decimal(10), ratio=Decimal(1)), [["DSP", "LDR"]]),
        (Asked(EXTENSION, days=Decimal("10.01")), [["DSP"], ["SUP"], ["LDR"]]),
        (Asked(EXTENSION, days=Decimal(1), ratio=Decimal("1.01")), [["DSP"], ["LDR"]]),
        (Asked(EXTENSION, ordinal=2, days=Decimal(99)), [["DSP"], ["LDR"]]),
        (Asked(EXTENSION, urgency="urgent"), [["LDR"]]),
        (Asked(EXTENSION, profile="engineering"), [["SUP"]]),
    ],
)
def test_the_first_row_that_fits_is_taken(asked, chain):
    assert fitting_chain(ROWS, asked) == chain


def test_without_a_row_the_table_says_who_agrees():
    assert fitting_chain((), Asked(RequestKind.SUSPENSION)) == [["DSP"], ["LDR"]]
    assert fitting_chain((), Asked(RequestKind.PROXY)) == [["LDR"]]


def test_a_size_nobody_measured_is_over_nothing():
    assert not fits(row(["LDR"], over_days=Decimal(0)), Asked(RequestKind.VOID))


sizes = st.decimals(0, 400, places=2)


@given(st.integers(1, 9), sizes, sizes, sizes, sizes)
def test_asking_for_more_never_takes_a_row_away(ordinal, days, ratio, more_days, more_ratio):
    bound = row(["LDR"], from_ordinal=2, over_days=Decimal(3), over_ratio=Decimal("0.5"))
    less = Asked(EXTENSION, ordinal, days, ratio)
    more = Asked(EXTENSION, ordinal + 1, days + more_days, ratio + more_ratio)
    assert fits(bound, more) or not fits(bound, less)


def test_a_working_day_is_the_calendars_day_and_not_24_hours():
    original = Limit(Decimal(4), Unit.WORKING_HOUR)
    size = extension_size(OFFICE, original, Decimal(2), Unit.WORKING_DAY)
    assert size == (Decimal(2), Decimal(4))
    assert extension_size(OFFICE, original, Decimal(2), Unit.DAY) == (Decimal(2), Decimal(12))


@pytest.mark.parametrize(
    ("wanted", "moved"),
    [
        ("2026-03-20", "2026-03-20"),  # Friday
        ("2026-03-21", "2026-03-23"),  # Saturday → Monday
        ("2026-10-01", "2026-10-08"),  # National Day → Thursday after the holiday
        ("2026-02-14", "2026-02-14"),  # a Saturday on which work is made up
    ],
)
def test_a_review_on_a_day_off_moves_to_the_next_working_day(wanted, moved):
    moment = datetime.fromisoformat(f"{wanted}T01:00:00").replace(tzinfo=UTC)
    expected = datetime.fromisoformat(f"{moved}T01:00:00").replace(tzinfo=UTC)
    assert next_working_moment(OFFICE, moment) == expected


CAP = Cap(Decimal("0.10"), Decimal("0.80"))


@pytest.mark.parametrize(
    ("granted", "dispatched", "light"),
    [
        (0, 0, "green"),
        (0, 100, "green"),
        (7, 100, "green"),
        (8, 100, "yellow"),
        (10, 100, "yellow"),
        (11, 100, "red"),
        (1, 0, "red"),  # granted of nothing dispatched
    ],
)
def test_a_share_is_green_near_or_over_its_cap(granted, dispatched, light):
    assert Share(granted, dispatched, CAP).light == light


def test_without_a_cap_there_is_no_light():
    assert Share(50, 100, None).light is None
