"""How long something takes, in words: 分、小时、天、工作日 in Chinese, min, h, d in English.

Durations are cut down, never up: a person told "6 min left" has at least six. Two units at most.
"""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import Decimal
from functools import cache

from django.utils.translation import get_language, gettext, ngettext

MINUTES_PER_HOUR = 60
MINUTES_PER_DAY = 24 * MINUTES_PER_HOUR


def duration_words() -> dict[str, str]:
    """Return the patterns durations are written with, in the reader's language."""
    return _words_of(get_language())


@cache
def _words_of(_language: str | None) -> dict[str, str]:
    return {
        "day": gettext("%d d"),
        "hour": gettext("%d h"),
        "minute": gettext("%d min"),
        "none": gettext("under 1 min"),
        "left": gettext("%(duration)s left"),
        "over": gettext("%(duration)s over"),
    }


def duration_text(length: timedelta | float) -> str:
    """Return a length (timedelta or seconds) in its two largest units, cut down to whole ones."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    minutes = int(abs(seconds) // 60)
    days, rest = divmod(minutes, MINUTES_PER_DAY)
    hours, minutes = divmod(rest, MINUTES_PER_HOUR)
    words = duration_words()
    amounts = [(days, words["day"]), (hours, words["hour"]), (minutes, words["minute"])]
    first = next((index for index, (amount, _) in enumerate(amounts) if amount), None)
    if first is None:
        return words["none"]
    return " ".join(word % amount for amount, word in amounts[first : first + 2] if amount)


def remaining_text(seconds_left: float) -> str:
    """Return "1 h 20 min left", or "35 min over" once the time has run out."""
    words = duration_words()
    pattern = words["left"] if seconds_left >= 0 else words["over"]
    return pattern % {"duration": duration_text(seconds_left)}


def limit_text(amount: Decimal | float, unit: str) -> str:
    """Return a time limit as it was set: an amount in one of the units of the standards."""
    exact = Decimal(str(amount))
    if unit == "emergency_hour" and exact < 1:
        minutes = exact * MINUTES_PER_HOUR
        return gettext("%d min round the clock").replace("%d", f"{minutes.normalize():f}")
    shown = f"{exact.normalize():f}"
    pattern = {
        "minute": gettext("%d working min"),
        "working_hour": gettext("%d working h"),
        "working_day": ngettext("%d working day", "%d working days", math.ceil(exact)),
        "hour": gettext("%d h"),
        "day": gettext("%d d"),
        "emergency_hour": gettext("%d h round the clock"),
    }[unit]
    return pattern.replace("%d", shown)
