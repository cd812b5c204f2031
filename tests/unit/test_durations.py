"""Durations in words: cut down, never up, two units at most."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils.translation import override

from common.durations import duration_text, limit_text, remaining_text

MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "under 1 min"),
        (59, "under 1 min"),
        (MINUTE, "1 min"),
        (6 * MINUTE + 59, "6 min"),  # cut down: at least six
        (HOUR, "1 h"),
        (HOUR + 20 * MINUTE, "1 h 20 min"),
        (DAY - 1, "23 h 59 min"),
        (DAY, "1 d"),
        (2 * DAY + 19 * HOUR + 50 * MINUTE, "2 d 19 h"),
        (2 * DAY + 50 * MINUTE, "2 d"),  # the third unit is left out, not moved up
        (-35 * MINUTE, "35 min"),
    ],
)
def test_a_duration_is_cut_down_to_two_units(seconds, text):
    with override("en"):
        assert duration_text(seconds) == text
        assert duration_text(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (80 * MINUTE, "1 h 20 min left"),
        (0, "under 1 min left"),
        (-1, "under 1 min over"),
        (-35 * MINUTE, "35 min over"),
    ],
)
def test_what_remains_turns_into_what_is_over(seconds, text):
    with override("en"):
        assert remaining_text(seconds) == text


@pytest.mark.parametrize("seconds", [0, MINUTE, HOUR, DAY])
def test_a_chinese_duration_begins_with_a_figure_as_the_space_before_it_asks(seconds):
    with override("zh-hans"):
        assert duration_text(seconds)[0].isdecimal()
        assert remaining_text(seconds).startswith("还剩 ")


@pytest.mark.parametrize(
    ("amount", "unit", "text"),
    [
        (10, "minute", "10 working min"),
        (2, "working_hour", "2 working h"),
        (1, "working_day", "1 working day"),
        (4, "working_day", "4 working days"),
        (4, "day", "4 d"),
        (2, "hour", "2 h"),
        (2, "emergency_hour", "2 h round the clock"),
        (0.25, "emergency_hour", "15 min round the clock"),
    ],
)
def test_a_limit_reads_as_it_was_set(amount, unit, text):
    with override("en"):
        assert limit_text(amount, unit) == text
