"""Working time, deadlines, pauses and lights: a table worked by hand, and properties.

`CALENDAR_EXAMPLES` sets how many random examples are compared with the naive calendar; the
algebraic properties try a fifth of them.
"""

import json
import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import product
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.time_limits import (
    SHANGHAI,
    Calendar,
    CalendarError,
    Light,
    Limit,
    Slot,
    Unit,
    advance,
    build_calendar,
    due_at,
    elapsed,
    explain,
    light,
    limit_duration,
    slots_parse,
    statutory_days,
    warn_at,
)
from tests.unit.naive_calendar import NaiveCalendar

OFFICE_DAY = ["08:30-12:00", "13:00-17:30"]  # 210 + 270 = 480 minutes
OFFICE_WEEK = [OFFICE_DAY] * 5 + [[], []]
LONG_DAY = ["07:30-21:30"]  # 840 minutes


def calendar_of(week, days=None, **options):
    overrides = {day: slots_parse(slots) for day, slots in (days or {}).items()}
    options = {"version": 1, "years": (2025, 2026), **options}
    week = tuple(slots_parse(day) for day in week)
    return build_calendar(week=week, overrides=overrides, **options)


@pytest.fixture(autouse=True, scope="module")
def english():
    """Sentences are compared in the language they are written in."""
    with translation.override("en"):
        yield


OFFICE = calendar_of(OFFICE_WEEK)
LONG = calendar_of([LONG_DAY] * 7, follows_statutory=False)

WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def at(text: str) -> datetime:
    """Read `Fri 2026-09-11 17:15`, Shanghai time; a wrong weekday is an error in the table."""
    weekday, rest = text.split(" ", 1)
    moment = datetime.fromisoformat(rest).replace(tzinfo=SHANGHAI)
    assert WEEKDAYS[moment.weekday()] == weekday, f"{text} is a {WEEKDAYS[moment.weekday()]}"
    return moment.astimezone(UTC)


def said(moment: datetime) -> str:
    """Write a moment as the table does."""
    local = moment.astimezone(SHANGHAI)
    return f"{WEEKDAYS[local.weekday()]} {local:%Y-%m-%d %H:%M}"


def limit_of(value: str, unit: str) -> Limit:
    return Limit(Decimal(value), Unit(unit))


# ---- The table -----------------------------------------------------------------------------------
#
# Calendar: Monday to Friday 08:30-12:00 and 13:00-17:30 (210 + 270 = 480 minutes, the nominal day),
# with the statutory days of 2025 and 2026:
#   weekend    Fri 11 Sep 2026 works; Sat 12 and Sun 13 rest; Mon 14 to Fri 18 work; Sat 19 rests,
#              Sun 20 is a make-up working day
#   国庆       Thu 24 Sep works, Fri 25 to Sun 27 rest (中秋), Mon 28 to Wed 30 Sep work; Thu 1 to
#              Wed 7 Oct rest; Thu 8, Fri 9 work; Sat 10 is a make-up working day; Sun 11 rests
#   春节       Fri 13 Feb 2026 works, Sat 14 is a make-up working day; Sun 15 to Mon 23 rest;
#              Tue 24 to Fri 27 work; Sat 28 is a make-up working day; Sun 1 Mar rests;
#              Mon 2 Mar works
#   year end   Mon 29 to Wed 31 Dec 2025 work; Thu 1 to Sat 3 Jan 2026 rest; Sun 4 is a make-up
#              working day; Mon 5 to Fri 9 work; Sat 10 and Sun 11 rest
#
# Columns
#   period     which of the four
#   unit, value  the limit
#   start is   inside a slot · opening (on the border where one starts) · closing (where one ends) ·
#              outside every slot
#   start, due   the deadline without a pause
#   paused     moment of the pause; due minus this is what remains
#   resumed    moment of the resumption
#   due then   the deadline after it
TABLE = """
period   | unit           | value | start is | start                | due                  | paused               | resumed              | due then
weekend  | minute         | 30    | inside   | Fri 2026-09-11 17:15 | Mon 2026-09-14 08:45 | Fri 2026-09-11 17:20 | Mon 2026-09-14 11:50 | Mon 2026-09-14 13:15
weekend  | minute         | 300   | opening  | Fri 2026-09-11 13:00 | Mon 2026-09-14 09:00 | Mon 2026-09-14 08:30 | Tue 2026-09-15 17:00 | Tue 2026-09-15 17:30
weekend  | minute         | 30    | closing  | Fri 2026-09-11 17:30 | Mon 2026-09-14 09:00 | Sat 2026-09-12 10:00 | Sat 2026-09-12 20:00 | Mon 2026-09-14 09:00
weekend  | minute         | 30    | outside  | Sat 2026-09-12 10:00 | Mon 2026-09-14 09:00 | Mon 2026-09-14 08:50 | Mon 2026-09-14 12:30 | Mon 2026-09-14 13:10
weekend  | working_hour   | 2     | inside   | Fri 2026-09-11 16:30 | Mon 2026-09-14 09:30 | Fri 2026-09-11 17:00 | Mon 2026-09-14 16:30 | Tue 2026-09-15 09:00
weekend  | working_hour   | 9     | opening  | Fri 2026-09-11 08:30 | Mon 2026-09-14 09:30 | Fri 2026-09-11 12:00 | Mon 2026-09-14 13:00 | Tue 2026-09-15 09:30
weekend  | working_hour   | 2     | closing  | Fri 2026-09-11 17:30 | Mon 2026-09-14 10:30 | Mon 2026-09-14 10:30 | Mon 2026-09-14 11:00 | Mon 2026-09-14 11:00
weekend  | working_hour   | 2     | outside  | Sun 2026-09-13 23:00 | Mon 2026-09-14 10:30 | Mon 2026-09-14 11:30 | Tue 2026-09-15 09:00 | Mon 2026-09-14 17:00
weekend  | working_day    | 1     | inside   | Fri 2026-09-11 16:30 | Mon 2026-09-14 16:30 | Mon 2026-09-14 16:00 | Tue 2026-09-15 17:15 | Wed 2026-09-16 08:45
weekend  | working_day    | 2     | opening  | Fri 2026-09-11 08:30 | Mon 2026-09-14 17:30 | Mon 2026-09-14 08:30 | Fri 2026-09-18 08:30 | Fri 2026-09-18 17:30
weekend  | working_day    | 1     | closing  | Fri 2026-09-11 17:30 | Mon 2026-09-14 17:30 | Sun 2026-09-13 12:00 | Tue 2026-09-15 12:00 | Wed 2026-09-16 12:00
weekend  | working_day    | 1.5   | outside  | Sat 2026-09-12 12:00 | Tue 2026-09-15 13:30 | Tue 2026-09-15 12:30 | Fri 2026-09-18 17:10 | Sun 2026-09-20 08:40
weekend  | hour           | 24    | inside   | Fri 2026-09-11 16:30 | Sat 2026-09-12 16:30 | Fri 2026-09-11 20:30 | Sun 2026-09-13 12:00 | Mon 2026-09-14 08:00
weekend  | hour           | 72    | opening  | Fri 2026-09-11 08:30 | Mon 2026-09-14 08:30 | Sat 2026-09-12 08:30 | Mon 2026-09-14 08:30 | Wed 2026-09-16 08:30
weekend  | hour           | 0.5   | closing  | Fri 2026-09-11 17:30 | Fri 2026-09-11 18:00 | Fri 2026-09-11 17:45 | Sat 2026-09-12 00:00 | Sat 2026-09-12 00:15
weekend  | hour           | 2     | outside  | Sat 2026-09-12 23:30 | Sun 2026-09-13 01:30 | Sun 2026-09-13 01:00 | Sun 2026-09-13 03:00 | Sun 2026-09-13 03:30
weekend  | day            | 3     | inside   | Fri 2026-09-11 16:30 | Mon 2026-09-14 16:30 | Sat 2026-09-12 16:30 | Sun 2026-09-13 16:30 | Tue 2026-09-15 16:30
weekend  | day            | 1     | opening  | Fri 2026-09-11 13:00 | Sat 2026-09-12 13:00 | Sat 2026-09-12 12:00 | Sun 2026-09-13 12:00 | Sun 2026-09-13 13:00
weekend  | day            | 7     | closing  | Fri 2026-09-11 12:00 | Fri 2026-09-18 12:00 | Mon 2026-09-14 12:00 | Thu 2026-09-17 12:00 | Mon 2026-09-21 12:00
weekend  | day            | 0.5   | outside  | Sun 2026-09-13 00:00 | Sun 2026-09-13 12:00 | Sun 2026-09-13 13:00 | Mon 2026-09-14 09:00 | Mon 2026-09-14 08:00
weekend  | emergency_hour | 2     | inside   | Fri 2026-09-11 17:00 | Fri 2026-09-11 19:00 | Fri 2026-09-11 18:00 | Sat 2026-09-12 02:00 | Sat 2026-09-12 03:00
weekend  | emergency_hour | 12    | opening  | Fri 2026-09-11 13:00 | Sat 2026-09-12 01:00 | Fri 2026-09-11 17:30 | Sat 2026-09-12 08:30 | Sat 2026-09-12 16:00
weekend  | emergency_hour | 1.5   | closing  | Fri 2026-09-11 17:30 | Fri 2026-09-11 19:00 | Fri 2026-09-11 19:00 | Fri 2026-09-11 21:00 | Fri 2026-09-11 21:00
weekend  | emergency_hour | 2     | outside  | Sat 2026-09-12 23:00 | Sun 2026-09-13 01:00 | Sat 2026-09-12 23:45 | Mon 2026-09-14 08:30 | Mon 2026-09-14 09:45
国庆     | minute         | 30    | inside   | Wed 2026-09-30 17:15 | Thu 2026-10-08 08:45 | Wed 2026-09-30 17:25 | Sat 2026-10-10 17:20 | Mon 2026-10-12 08:40
国庆     | minute         | 300   | opening  | Wed 2026-09-30 13:00 | Thu 2026-10-08 09:00 | Fri 2026-10-02 10:00 | Fri 2026-10-09 08:30 | Fri 2026-10-09 09:00
国庆     | minute         | 45    | closing  | Wed 2026-09-30 17:30 | Thu 2026-10-08 09:15 | Thu 2026-10-08 08:45 | Sat 2026-10-10 12:00 | Sat 2026-10-10 13:30
国庆     | minute         | 500   | outside  | Thu 2026-10-01 09:00 | Fri 2026-10-09 08:50 | Thu 2026-10-08 17:30 | Fri 2026-10-09 17:30 | Sat 2026-10-10 08:50
国庆     | working_hour   | 4     | inside   | Wed 2026-09-30 16:00 | Thu 2026-10-08 11:00 | Wed 2026-09-30 16:30 | Sat 2026-10-10 08:30 | Sat 2026-10-10 12:00
国庆     | working_hour   | 12    | opening  | Wed 2026-09-30 08:30 | Thu 2026-10-08 13:30 | Thu 2026-10-08 13:00 | Sun 2026-10-11 09:00 | Mon 2026-10-12 09:00
国庆     | working_hour   | 16    | closing  | Wed 2026-09-30 17:30 | Fri 2026-10-09 17:30 | Thu 2026-10-08 17:30 | Fri 2026-10-09 17:30 | Sat 2026-10-10 17:30
国庆     | working_hour   | 1     | outside  | Mon 2026-10-05 10:00 | Thu 2026-10-08 09:30 | Thu 2026-10-08 10:30 | Thu 2026-10-08 13:30 | Thu 2026-10-08 11:30
国庆     | working_day    | 3     | inside   | Wed 2026-09-30 13:30 | Sat 2026-10-10 13:30 | Fri 2026-10-09 13:30 | Sat 2026-10-10 13:30 | Mon 2026-10-12 13:30
国庆     | working_day    | 1     | opening  | Wed 2026-09-30 08:30 | Wed 2026-09-30 17:30 | Wed 2026-09-30 12:00 | Thu 2026-10-01 00:00 | Thu 2026-10-08 14:00
国庆     | working_day    | 2     | closing  | Wed 2026-09-30 17:30 | Fri 2026-10-09 17:30 | Sat 2026-10-03 12:00 | Thu 2026-10-08 08:30 | Fri 2026-10-09 17:30
国庆     | working_day    | 6     | outside  | Sat 2026-09-19 12:00 | Mon 2026-09-28 17:30 | Thu 2026-09-24 17:30 | Tue 2026-09-29 17:30 | Wed 2026-09-30 17:30
国庆     | hour           | 24    | inside   | Wed 2026-09-30 16:30 | Thu 2026-10-01 16:30 | Wed 2026-09-30 18:30 | Thu 2026-10-08 08:30 | Fri 2026-10-09 06:30
国庆     | hour           | 200   | opening  | Wed 2026-09-30 08:30 | Thu 2026-10-08 16:30 | Thu 2026-10-01 08:30 | Fri 2026-10-02 08:30 | Fri 2026-10-09 16:30
国庆     | hour           | 6.5   | closing  | Wed 2026-09-30 17:30 | Thu 2026-10-01 00:00 | Wed 2026-09-30 23:00 | Thu 2026-10-01 23:30 | Fri 2026-10-02 00:30
国庆     | hour           | 1     | outside  | Sun 2026-10-04 10:00 | Sun 2026-10-04 11:00 | Sun 2026-10-04 10:30 | Mon 2026-10-12 10:30 | Mon 2026-10-12 11:00
国庆     | day            | 10    | inside   | Wed 2026-09-30 10:00 | Sat 2026-10-10 10:00 | Mon 2026-10-05 10:00 | Tue 2026-10-06 10:00 | Sun 2026-10-11 10:00
国庆     | day            | 0.25  | opening  | Wed 2026-09-30 08:30 | Wed 2026-09-30 14:30 | Wed 2026-09-30 12:30 | Thu 2026-10-08 08:30 | Thu 2026-10-08 10:30
国庆     | day            | 1     | closing  | Wed 2026-09-30 17:30 | Thu 2026-10-01 17:30 | Thu 2026-10-01 17:30 | Fri 2026-10-02 17:30 | Fri 2026-10-02 17:30
国庆     | day            | 2     | outside  | Wed 2026-10-07 12:00 | Fri 2026-10-09 12:00 | Wed 2026-10-07 18:00 | Thu 2026-10-08 06:00 | Sat 2026-10-10 00:00
国庆     | emergency_hour | 8     | inside   | Wed 2026-09-30 17:00 | Thu 2026-10-01 01:00 | Wed 2026-09-30 20:00 | Thu 2026-10-01 20:00 | Fri 2026-10-02 01:00
国庆     | emergency_hour | 48    | opening  | Wed 2026-09-30 13:00 | Fri 2026-10-02 13:00 | Fri 2026-10-02 12:00 | Fri 2026-10-02 13:00 | Fri 2026-10-02 14:00
国庆     | emergency_hour | 2     | closing  | Wed 2026-09-30 17:30 | Wed 2026-09-30 19:30 | Wed 2026-09-30 20:00 | Thu 2026-10-01 08:00 | Thu 2026-10-01 07:30
国庆     | emergency_hour | 4     | outside  | Thu 2026-10-01 03:00 | Thu 2026-10-01 07:00 | Thu 2026-10-01 03:00 | Wed 2026-10-07 22:00 | Thu 2026-10-08 02:00
春节     | minute         | 60    | inside   | Sat 2026-02-14 17:00 | Tue 2026-02-24 09:00 | Sat 2026-02-14 17:15 | Tue 2026-02-24 11:30 | Tue 2026-02-24 13:15
春节     | minute         | 481   | opening  | Sat 2026-02-14 08:30 | Tue 2026-02-24 08:31 | Sat 2026-02-14 08:30 | Tue 2026-02-24 08:30 | Wed 2026-02-25 08:31
春节     | minute         | 480   | closing  | Fri 2026-02-13 17:30 | Sat 2026-02-14 17:30 | Fri 2026-02-13 22:00 | Sun 2026-02-15 22:00 | Tue 2026-02-24 17:30
春节     | minute         | 15    | outside  | Mon 2026-02-23 08:30 | Tue 2026-02-24 08:45 | Tue 2026-02-24 08:40 | Fri 2026-02-27 17:28 | Sat 2026-02-28 08:33
春节     | working_hour   | 10    | inside   | Fri 2026-02-13 15:30 | Sat 2026-02-14 17:30 | Sat 2026-02-14 12:00 | Sat 2026-02-14 13:00 | Sat 2026-02-14 17:30
春节     | working_hour   | 5     | opening  | Sat 2026-02-14 13:00 | Tue 2026-02-24 09:00 | Thu 2026-02-19 12:00 | Sat 2026-02-28 17:00 | Sat 2026-02-28 17:30
春节     | working_hour   | 5     | closing  | Sat 2026-02-14 12:00 | Tue 2026-02-24 09:00 | Sat 2026-02-14 16:30 | Sat 2026-02-28 17:00 | Mon 2026-03-02 09:30
春节     | working_hour   | 7.5   | outside  | Tue 2026-02-17 10:00 | Tue 2026-02-24 17:00 | Tue 2026-02-24 17:30 | Wed 2026-02-25 10:00 | Wed 2026-02-25 09:30
春节     | working_day    | 2     | inside   | Fri 2026-02-13 14:30 | Tue 2026-02-24 14:30 | Sat 2026-02-14 14:30 | Fri 2026-02-27 14:30 | Sat 2026-02-28 14:30
春节     | working_day    | 5     | opening  | Sat 2026-02-14 08:30 | Fri 2026-02-27 17:30 | Thu 2026-02-26 17:30 | Fri 2026-02-27 17:30 | Sat 2026-02-28 17:30
春节     | working_day    | 1     | closing  | Sat 2026-02-14 17:30 | Tue 2026-02-24 17:30 | Tue 2026-02-24 12:30 | Sat 2026-02-28 12:30 | Sat 2026-02-28 17:30
春节     | working_day    | 5     | outside  | Sun 2026-02-15 00:00 | Sat 2026-02-28 17:30 | Mon 2026-02-16 09:00 | Wed 2026-02-25 08:30 | Mon 2026-03-02 17:30
春节     | hour           | 36    | inside   | Sat 2026-02-14 16:00 | Mon 2026-02-16 04:00 | Sun 2026-02-15 16:00 | Tue 2026-02-24 09:00 | Tue 2026-02-24 21:00
春节     | hour           | 24    | opening  | Sat 2026-02-14 13:00 | Sun 2026-02-15 13:00 | Sun 2026-02-15 12:30 | Mon 2026-02-23 23:45 | Tue 2026-02-24 00:15
春节     | hour           | 1.25  | closing  | Sat 2026-02-14 17:30 | Sat 2026-02-14 18:45 | Sat 2026-02-14 18:00 | Sat 2026-02-14 18:00 | Sat 2026-02-14 18:45
春节     | hour           | 12    | outside  | Wed 2026-02-18 12:00 | Thu 2026-02-19 00:00 | Wed 2026-02-18 23:00 | Thu 2026-02-19 05:00 | Thu 2026-02-19 06:00
春节     | day            | 15    | inside   | Fri 2026-02-13 16:30 | Sat 2026-02-28 16:30 | Sat 2026-02-21 16:30 | Sun 2026-02-22 16:30 | Sun 2026-03-01 16:30
春节     | day            | 1     | opening  | Sat 2026-02-14 08:30 | Sun 2026-02-15 08:30 | Sat 2026-02-14 20:30 | Sat 2026-02-28 20:30 | Sun 2026-03-01 08:30
春节     | day            | 10    | closing  | Sat 2026-02-14 12:00 | Tue 2026-02-24 12:00 | Tue 2026-02-24 00:00 | Tue 2026-02-24 12:00 | Wed 2026-02-25 00:00
春节     | day            | 1.5   | outside  | Fri 2026-02-20 06:00 | Sat 2026-02-21 18:00 | Sat 2026-02-21 19:00 | Sun 2026-02-22 10:00 | Sun 2026-02-22 09:00
春节     | emergency_hour | 24    | inside   | Sat 2026-02-14 09:00 | Sun 2026-02-15 09:00 | Sat 2026-02-14 10:00 | Sat 2026-02-14 11:00 | Sun 2026-02-15 10:00
春节     | emergency_hour | 0.5   | opening  | Sat 2026-02-14 08:30 | Sat 2026-02-14 09:00 | Sat 2026-02-14 08:45 | Sat 2026-02-14 12:00 | Sat 2026-02-14 12:15
春节     | emergency_hour | 3     | closing  | Sat 2026-02-14 17:30 | Sat 2026-02-14 20:30 | Sat 2026-02-14 19:30 | Mon 2026-02-16 23:30 | Tue 2026-02-17 00:30
春节     | emergency_hour | 6     | outside  | Mon 2026-02-16 23:00 | Tue 2026-02-17 05:00 | Tue 2026-02-17 00:00 | Tue 2026-02-17 02:00 | Tue 2026-02-17 07:00
year end | minute         | 25    | inside   | Wed 2025-12-31 17:20 | Sun 2026-01-04 08:45 | Wed 2025-12-31 17:25 | Fri 2026-01-02 12:00 | Sun 2026-01-04 08:50
year end | minute         | 275   | opening  | Wed 2025-12-31 13:00 | Sun 2026-01-04 08:35 | Wed 2025-12-31 17:30 | Mon 2026-01-05 08:30 | Mon 2026-01-05 08:35
year end | minute         | 210   | closing  | Wed 2025-12-31 17:30 | Sun 2026-01-04 12:00 | Sun 2026-01-04 12:00 | Sun 2026-01-04 12:30 | Sun 2026-01-04 12:00
year end | minute         | 211   | outside  | Thu 2026-01-01 00:00 | Sun 2026-01-04 13:01 | Sun 2026-01-04 12:15 | Sun 2026-01-04 17:30 | Mon 2026-01-05 08:31
year end | working_hour   | 6     | inside   | Wed 2025-12-31 11:00 | Sun 2026-01-04 09:00 | Wed 2025-12-31 15:00 | Sun 2026-01-04 16:00 | Mon 2026-01-05 10:00
year end | working_hour   | 8     | opening  | Wed 2025-12-31 08:30 | Wed 2025-12-31 17:30 | Wed 2025-12-31 17:00 | Sun 2026-01-04 08:30 | Sun 2026-01-04 09:00
year end | working_hour   | 16    | closing  | Tue 2025-12-30 17:30 | Sun 2026-01-04 17:30 | Wed 2025-12-31 23:59 | Mon 2026-01-05 00:00 | Mon 2026-01-05 17:30
year end | working_hour   | 3.5   | outside  | Sat 2026-01-03 15:00 | Sun 2026-01-04 12:00 | Sun 2026-01-04 14:00 | Mon 2026-01-05 09:30 | Sun 2026-01-04 17:30
year end | working_day    | 1     | inside   | Wed 2025-12-31 15:30 | Sun 2026-01-04 15:30 | Sun 2026-01-04 08:30 | Fri 2026-01-09 15:30 | Mon 2026-01-12 13:30
year end | working_day    | 5     | opening  | Mon 2025-12-29 08:30 | Mon 2026-01-05 17:30 | Wed 2025-12-31 17:30 | Mon 2026-01-05 08:30 | Tue 2026-01-06 17:30
year end | working_day    | 3     | closing  | Wed 2025-12-31 17:30 | Tue 2026-01-06 17:30 | Mon 2026-01-05 12:00 | Tue 2026-01-06 13:00 | Wed 2026-01-07 17:30
year end | working_day    | 0.5   | outside  | Wed 2025-12-31 23:59 | Sun 2026-01-04 13:30 | Sun 2026-01-04 13:15 | Fri 2026-01-09 17:20 | Mon 2026-01-12 08:35
year end | hour           | 10    | inside   | Wed 2025-12-31 16:00 | Thu 2026-01-01 02:00 | Wed 2025-12-31 23:00 | Thu 2026-01-01 01:00 | Thu 2026-01-01 04:00
year end | hour           | 16    | opening  | Wed 2025-12-31 08:30 | Thu 2026-01-01 00:30 | Thu 2026-01-01 00:00 | Thu 2026-01-01 00:15 | Thu 2026-01-01 00:45
year end | hour           | 12    | closing  | Wed 2025-12-31 12:00 | Thu 2026-01-01 00:00 | Wed 2025-12-31 18:00 | Wed 2025-12-31 20:00 | Thu 2026-01-01 02:00
year end | hour           | 1     | outside  | Wed 2025-12-31 23:59 | Thu 2026-01-01 00:59 | Thu 2026-01-01 00:29 | Fri 2026-01-02 00:00 | Fri 2026-01-02 00:30
year end | day            | 3     | inside   | Tue 2025-12-30 10:00 | Fri 2026-01-02 10:00 | Thu 2026-01-01 10:00 | Mon 2026-01-05 10:00 | Tue 2026-01-06 10:00
year end | day            | 366   | opening  | Wed 2025-12-31 13:00 | Fri 2027-01-01 13:00 | Thu 2026-12-31 13:00 | Fri 2027-01-01 13:00 | Sat 2027-01-02 13:00
year end | day            | 1     | closing  | Wed 2025-12-31 17:30 | Thu 2026-01-01 17:30 | Thu 2026-01-01 05:30 | Sun 2026-01-04 17:30 | Mon 2026-01-05 05:30
year end | day            | 0.5   | outside  | Thu 2026-01-01 00:00 | Thu 2026-01-01 12:00 | Thu 2026-01-01 06:00 | Thu 2026-01-01 18:00 | Fri 2026-01-02 00:00
year end | emergency_hour | 7     | inside   | Wed 2025-12-31 17:00 | Thu 2026-01-01 00:00 | Wed 2025-12-31 23:30 | Thu 2026-01-01 08:30 | Thu 2026-01-01 09:00
year end | emergency_hour | 1     | opening  | Wed 2025-12-31 08:30 | Wed 2025-12-31 09:30 | Wed 2025-12-31 09:00 | Wed 2025-12-31 23:45 | Thu 2026-01-01 00:15
year end | emergency_hour | 72    | closing  | Wed 2025-12-31 17:30 | Sat 2026-01-03 17:30 | Fri 2026-01-02 17:30 | Sat 2026-01-03 17:30 | Sun 2026-01-04 17:30
year end | emergency_hour | 3     | outside  | Wed 2025-12-31 22:00 | Thu 2026-01-01 01:00 | Thu 2026-01-01 02:00 | Thu 2026-01-01 09:00 | Thu 2026-01-01 08:00
"""  # noqa: E501


class Row(NamedTuple):
    period: str
    unit: str
    value: str
    start_is: str
    start: str
    due: str
    paused: str
    resumed: str
    due_then: str


ROWS = [Row(*(cell.strip() for cell in line.split("|"))) for line in TABLE.strip().splitlines()[1:]]
EACH_ROW = pytest.mark.parametrize(
    "row", ROWS, ids=lambda row: f"{row.period}-{row.unit}-{row.start_is}-{row.start}"
)


def place_in_slots(moment: datetime) -> str:
    """Say where a moment lies, from the texts of the office's day, not from the calendar."""
    day, minute = said(moment)[4:].split(" ")
    slots = OFFICE_DAY if OFFICE.is_working_day(date.fromisoformat(day)) else []
    bounds = [slot.split("-") for slot in slots]
    if any(minute == start for start, _ in bounds):
        return "opening"
    if any(minute == end for _, end in bounds):
        return "closing"
    return "inside" if any(start < minute < end for start, end in bounds) else "outside"


def test_the_table_covers_every_unit_period_and_place_of_the_start():
    periods, places = ("weekend", "国庆", "春节", "year end"), ("inside", "opening", "closing")
    wanted = set(product(periods, [str(unit) for unit in Unit], (*places, "outside")))
    assert {(row.period, row.unit, row.start_is) for row in ROWS} == wanted
    for row in ROWS:
        assert place_in_slots(at(row.start)) == row.start_is, row


@EACH_ROW
def test_a_deadline_falls_where_the_table_says(row):
    assert said(due_at(OFFICE, at(row.start), limit_of(row.value, row.unit))) == row.due


@EACH_ROW
def test_a_pause_moves_the_deadline_to_where_the_table_says(row):
    is_working = Unit(row.unit).is_working
    remaining = elapsed(OFFICE, is_working, at(row.paused), at(row.due))
    assert said(advance(OFFICE, is_working, at(row.resumed), remaining)) == row.due_then


# Share of the limit that warns: 0.8, of working or natural time like the limit itself.
#   unit, value, start, warn, due
@pytest.mark.parametrize(
    ("unit", "value", "start", "warn", "due"),
    [
        ("minute", "30", "Fri 2026-09-11 17:15", "Mon 2026-09-14 08:39", "Mon 2026-09-14 08:45"),
        ("minute", "10", "Fri 2026-09-11 17:22", "Fri 2026-09-11 17:30", "Mon 2026-09-14 08:32"),
        (
            "working_hour",
            "5",
            "Sat 2026-02-14 13:00",
            "Sat 2026-02-14 17:00",
            "Tue 2026-02-24 09:00",
        ),
        (
            "working_day",
            "5",
            "Mon 2025-12-29 08:30",
            "Sun 2026-01-04 17:30",
            "Mon 2026-01-05 17:30",
        ),
        (
            "working_day",
            "3",
            "Wed 2026-09-30 13:30",
            "Fri 2026-10-09 16:42",
            "Sat 2026-10-10 13:30",
        ),
        ("hour", "10", "Wed 2026-09-30 16:00", "Thu 2026-10-01 00:00", "Thu 2026-10-01 02:00"),
        ("day", "5", "Wed 2026-09-30 16:00", "Sun 2026-10-04 16:00", "Mon 2026-10-05 16:00"),
        (
            "emergency_hour",
            "2",
            "Sat 2026-09-12 23:00",
            "Sun 2026-09-13 00:36",
            "Sun 2026-09-13 01:00",
        ),
    ],
)
def test_the_warning_comes_when_four_fifths_are_used(unit, value, start, warn, due):
    limit = limit_of(value, unit)
    assert said(warn_at(OFFICE, at(start), limit)) == warn
    assert said(due_at(OFFICE, at(start), limit)) == due


def test_the_share_that_warns_is_data():
    limit, start = limit_of("8", "working_hour"), at("Mon 2026-09-14 08:30")
    assert said(warn_at(OFFICE, start, limit, Decimal("0.5"))) == "Mon 2026-09-14 13:30"
    assert warn_at(OFFICE, start, limit, Decimal(1)) == due_at(OFFICE, start, limit)
    for ratio in ("0", "1.01", "-0.5"):
        with pytest.raises(ValueError, match="share"):
            warn_at(OFFICE, start, limit, Decimal(ratio))


# ---- Other days than the office's ----------------------------------------------------------------


def test_departments_with_other_hours_have_other_deadlines():
    start, limit = at("Fri 2026-09-11 16:30"), limit_of("6", "working_hour")
    assert said(due_at(OFFICE, start, limit)) == "Mon 2026-09-14 14:30"
    assert said(due_at(LONG, start, limit)) == "Sat 2026-09-12 08:30"


def test_a_service_without_holidays_works_through_national_day():
    start, limit = at("Wed 2026-09-30 20:30"), limit_of("2", "working_hour")
    assert said(due_at(LONG, start, limit)) == "Thu 2026-10-01 08:30"
    follows = calendar_of([LONG_DAY] * 7)
    assert said(due_at(follows, start, limit)) == "Thu 2026-10-08 08:30"


def test_a_night_shift_is_two_slots_that_meet_at_midnight():
    night = calendar_of([["00:00-06:00", "22:00-24:00"]] * 7, follows_statutory=False)
    start = at("Tue 2026-09-15 23:30")
    assert said(due_at(night, start, limit_of("2", "working_hour"))) == "Wed 2026-09-16 01:30"
    assert said(due_at(night, start, limit_of("0.5", "working_hour"))) == "Wed 2026-09-16 00:00"
    assert said(due_at(night, start, limit_of("7", "working_hour"))) == "Wed 2026-09-16 22:30"


def test_a_working_day_runs_on_through_a_short_friday():
    # Monday to Thursday 480 minutes, Friday 210; the nominal day stays 480.
    week = calendar_of([OFFICE_DAY] * 4 + [["08:30-12:00"], [], []])
    start = at("Thu 2026-09-17 17:30")  # Fri 210; Sun 20, make-up, 270
    assert said(due_at(week, start, limit_of("1", "working_day"))) == "Sun 2026-09-20 14:00"


def test_the_nominal_day_may_differ_from_the_slots():
    calendar = calendar_of(OFFICE_WEEK, nominal_day_minutes=420)
    start = at("Mon 2026-09-14 08:30")
    assert said(due_at(calendar, start, limit_of("1", "working_day"))) == "Mon 2026-09-14 16:30"


def test_make_up_days_may_have_slots_of_their_own():
    calendar = calendar_of(OFFICE_WEEK, make_up_slots=slots_parse(["09:00-11:00"]))
    start = at("Sat 2026-09-19 12:00")  # Sun 20 is the make-up day
    assert said(due_at(calendar, start, limit_of("3", "working_hour"))) == "Mon 2026-09-21 09:30"


def test_an_override_wins_over_a_statutory_day():
    duty = {date(2026, 10, 1): ["09:00-12:00"], date(2026, 10, 8): []}
    calendar = calendar_of(OFFICE_WEEK, duty)
    start = at("Wed 2026-09-30 17:30")
    assert said(due_at(calendar, start, limit_of("3", "working_hour"))) == "Thu 2026-10-01 12:00"
    assert said(due_at(calendar, start, limit_of("4", "working_hour"))) == "Fri 2026-10-09 09:30"


def test_weekend_days_inside_a_holiday_are_free_for_a_seven_day_service():
    follows = calendar_of([LONG_DAY] * 7)
    assert not follows.is_working_day(date(2026, 10, 3))  # a Saturday in 国庆
    assert follows.is_working_day(date(2026, 9, 12))  # an ordinary Saturday


def test_daylight_saving_of_1988_is_elapsed_time_on_the_wall_clock():
    # Sun 17 Apr 1988 02:00 became 03:00: the wall's 24 hours took 23. Offices opened by the wall.
    calendar = calendar_of([["00:00-24:00"]] * 7, follows_statutory=False)
    start = datetime(1988, 4, 16, 16, tzinfo=UTC)  # Sunday 00:00 in Shanghai
    assert calendar.between(start, datetime(1988, 4, 17, 15, tzinfo=UTC)) == timedelta(hours=23)
    assert [row.counted for row in explain(calendar, start, start + timedelta(hours=23))] == [
        timedelta(hours=23)
    ]
    monday = datetime(1988, 4, 17, 23, 30, tzinfo=UTC)  # 08:30 at UTC+9
    office = calendar_of(OFFICE_WEEK)
    assert due_at(office, monday, limit_of("1", "minute")) == monday + timedelta(minutes=1)
    assert due_at(office, monday - timedelta(hours=1), limit_of("1", "minute")) == (
        monday + timedelta(minutes=1)
    )


def test_a_slot_that_starts_in_a_skipped_hour_is_never_negative():
    calendar = calendar_of([["02:30-03:15"]] * 7, follows_statutory=False)
    sunday = datetime(1988, 4, 16, 16, tzinfo=UTC)
    assert calendar.between(sunday, sunday + timedelta(hours=23)) == timedelta(0)


# ---- Statutory days ------------------------------------------------------------------------------


def test_the_statutory_days_of_2026_are_those_announced():
    days, known = statutory_days([2026], slots_parse(OFFICE_DAY))
    assert known == {2026}
    holidays = {(day.month, day.day) for day, slots in days.items() if not slots}
    assert holidays == {
        *((1, day) for day in range(1, 4)),  # 元旦
        *((2, day) for day in range(15, 24)),  # 春节
        *((4, day) for day in range(4, 7)),  # 清明
        *((5, day) for day in range(1, 6)),  # 劳动节
        *((6, day) for day in range(19, 22)),  # 端午
        *((9, day) for day in range(25, 28)),  # 中秋
        *((10, day) for day in range(1, 8)),  # 国庆
    }
    make_up = {(day.month, day.day) for day, slots in days.items() if slots}
    assert make_up == {(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)}


def test_a_year_nobody_has_announced_is_named_and_assumed_ordinary():
    calendar = calendar_of(OFFICE_WEEK, years=(2025, 2026, 2099))
    assert calendar.known_years == {2025, 2026}
    last_evening = at("Wed 2098-12-31 17:30")
    assert said(calendar.add(last_evening, timedelta(hours=8))) == "Thu 2099-01-01 17:30"


def test_a_deadline_in_an_unknown_year_carries_a_warning():
    start = at("Wed 2025-12-31 08:30")
    assert OFFICE.unknown_years(start, at("Thu 2026-12-31 23:59")) == []
    assert OFFICE.unknown_years(start, at("Fri 2027-01-01 00:00")) == [2027]
    assert OFFICE.unknown_years(at("Sat 2028-01-01 00:00"), start) == [2027, 2028]
    # In UTC this is still 2026; the year is the city's.
    assert at("Fri 2027-01-01 00:00").year == 2026


def test_an_administrator_who_enters_a_year_ends_its_warning():
    calendar = calendar_of(OFFICE_WEEK, {date(2027, 1, 1): []}, confirmed_years=[2027])
    start = at("Thu 2026-12-31 17:30")
    assert calendar.unknown_years(start, at("Mon 2027-01-04 09:30")) == []
    assert said(due_at(calendar, start, limit_of("1", "working_hour"))) == "Mon 2027-01-04 09:30"


def test_a_service_without_holidays_never_warns_of_a_year():
    assert LONG.unknown_years(at("Fri 2027-01-01 00:00"), at("Fri 2027-01-01 00:00")) == []


# ---- The mistakes of deployed systems ------------------------------------------------------------


def test_a_working_day_is_not_24_hours_of_working_minutes():
    assert limit_duration(OFFICE, limit_of("1", "working_day")) == timedelta(minutes=480)
    assert limit_duration(LONG, limit_of("1", "working_day")) == timedelta(minutes=840)
    assert limit_duration(OFFICE, limit_of("1", "day")) == timedelta(hours=24)


def test_a_long_limit_is_neither_cut_nor_refused():
    # Working days: Mon 29 and Tue 30 Jun 2, Jul 23 (25), Aug 21 (46), Sep 1-4 4 (50), 7-11 5 (55),
    # 14-18 5 (60).
    start = at("Mon 2026-06-29 08:30")
    assert said(due_at(OFFICE, start, limit_of("60", "working_day"))) == "Fri 2026-09-18 17:30"
    # 100,000 minutes at 840 a day: 119 days and 40 minutes.
    start = at("Thu 2026-01-01 07:30")
    assert said(due_at(LONG, start, limit_of("100000", "minute"))) == "Thu 2026-04-30 08:10"


def test_a_suspension_does_not_hide_an_overdue_case():
    due, paused = at("Fri 2026-09-11 17:30"), at("Mon 2026-09-14 09:30")  # one hour late
    resumed = at("Thu 2026-09-17 10:00")
    due_then = advance(OFFICE, True, resumed, elapsed(OFFICE, True, paused, due))
    assert said(due_then) == "Thu 2026-09-17 09:00"
    assert light(resumed, due_then, due_then) is Light.RED


@pytest.mark.parametrize("weekday", ["Fri 2026-09-11 17:31", "Sun 2026-09-13 12:00"])
def test_a_pause_of_no_length_leaves_an_overdue_deadline_where_it_was(weekday):
    # No working time has passed since Friday 17:30, and yet the deadline has.
    due, paused = at("Fri 2026-09-11 17:30"), at(weekday)
    due_then = advance(OFFICE, True, paused, elapsed(OFFICE, True, paused, due))
    assert due_then == due
    assert light(paused, due_then, due_then) is Light.RED


def test_overdue_is_a_comparison_with_now_and_needs_no_counter():
    warn, due = at("Mon 2026-09-14 16:00"), at("Mon 2026-09-14 17:30")
    instant = timedelta(microseconds=1)
    lights = [
        light(now, warn, due) for now in (warn - instant, warn, due - instant, due, due + instant)
    ]
    assert lights == [Light.GREEN, Light.YELLOW, Light.YELLOW, Light.YELLOW, Light.RED]


def test_editing_a_calendar_moves_no_deadline_of_the_old_version():
    overrides = {date(2026, 9, 14): slots_parse(OFFICE_DAY)}
    week = tuple(slots_parse(day) for day in OFFICE_WEEK)
    old = build_calendar(1, week, (2026,), overrides)
    start, limit = at("Fri 2026-09-11 17:30"), limit_of("1", "working_day")
    stored = json.dumps(old.to_dict())
    overrides[date(2026, 9, 14)] = ()  # the dictionary it was built from
    new = build_calendar(2, week, (2026,), overrides)
    assert said(due_at(old, start, limit)) == "Mon 2026-09-14 17:30"
    assert said(due_at(new, start, limit)) == "Tue 2026-09-15 17:30"
    assert due_at(Calendar.from_dict(json.loads(stored)), start, limit) == due_at(old, start, limit)


def test_a_calendar_does_not_share_the_days_it_was_given():
    days = {date(2026, 9, 14): ()}
    week = tuple(slots_parse(day) for day in OFFICE_WEEK)
    calendar = Calendar(1, week, days, frozenset({2026}), nominal_day_minutes=480)
    days.clear()
    assert not calendar.is_working_day(date(2026, 9, 14))


def test_a_time_without_its_zone_is_refused_everywhere():
    aware = at("Mon 2026-09-14 09:00")
    naive = aware.replace(tzinfo=None)
    limits = [limit_of("1", "minute"), limit_of("1", "hour")]
    questions = [
        *(lambda limit=limit: due_at(OFFICE, naive, limit) for limit in limits),
        *(lambda limit=limit: warn_at(OFFICE, naive, limit) for limit in limits),
        *(lambda pair=pair: OFFICE.between(*pair) for pair in [(naive, aware), (aware, naive)]),
        lambda: elapsed(OFFICE, False, naive, aware),
        lambda: elapsed(OFFICE, False, naive, naive),
        lambda: OFFICE.unknown_years(naive, aware),
        lambda: explain(OFFICE, aware, naive),
    ]
    for question in questions:
        with pytest.raises(CalendarError, match="time zone"):
            question()


def test_deadlines_are_given_in_utc_whatever_zone_comes_in():
    new_york = datetime(2026, 10, 31, 12, 0, tzinfo=ZoneInfo("America/New_York"))
    for unit in Unit:
        due = due_at(OFFICE, new_york, Limit(Decimal(24), unit))
        assert due.tzinfo is UTC
        assert due == due_at(OFFICE, new_york.astimezone(SHANGHAI), Limit(Decimal(24), unit))
    # The clocks of New York went back that night; 24 hours are 24 hours all the same.
    assert due_at(OFFICE, new_york, limit_of("24", "hour")) - new_york.astimezone(UTC) == (
        timedelta(hours=24)
    )


# ---- Bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["0", "-1", "NaN", "Infinity"])
def test_a_limit_is_above_nothing(value):
    with pytest.raises(ValueError, match="above 0"):
        limit_of(value, "minute")


def test_a_limit_is_not_a_float():
    with pytest.raises(ValueError, match="decimal"):
        Limit(0.1, Unit.MINUTE)


@pytest.mark.parametrize("value", ["1e9", "1e999999"])
@pytest.mark.parametrize("unit", list(Unit))
def test_a_limit_of_decades_is_refused_with_a_sentence(unit, value):
    with pytest.raises(CalendarError, match="longer than 20 years"):
        due_at(OFFICE, at("Mon 2026-09-14 09:00"), Limit(Decimal(value), unit))


def test_a_fraction_of_a_limit_is_exact_to_the_microsecond():
    assert limit_duration(OFFICE, limit_of("0.1", "working_hour")) == timedelta(minutes=6)
    assert limit_duration(OFFICE, limit_of("1e-20", "minute")) == timedelta(microseconds=1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8:30",
        "08:30-12",
        "08:30-12:60",
        "a-b",
        "08:30-12:00-13:00",
        "-8:30-12:00",
        " 8:30-９:00",
    ],
)
def test_a_slot_that_is_not_two_times_is_refused(text):
    with pytest.raises(CalendarError, match="08:30-12:00"):
        Slot.parse(text)


@pytest.mark.parametrize("text", ["12:00-08:30", "12:00-12:00", "12:00-24:01"])
def test_a_slot_that_does_not_fit_into_a_day_is_refused(text):
    with pytest.raises(CalendarError, match="24:00"):
        Slot.parse(text)


@pytest.mark.parametrize("day", [["08:30-12:00", "11:00-13:00"], ["13:00-17:30", "08:30-12:00"]])
def test_slots_that_overlap_or_stand_in_disorder_are_refused(day):
    with pytest.raises(CalendarError, match="overlap"):
        calendar_of([day] * 7)


def test_slots_that_touch_are_allowed():
    calendar = calendar_of([["08:30-12:00", "12:00-17:30"]] * 7, follows_statutory=False)
    start = at("Mon 2026-09-14 11:00")
    assert said(calendar.add(start, timedelta(hours=1))) == "Mon 2026-09-14 12:00"
    assert said(calendar.add(start, timedelta(hours=2))) == "Mon 2026-09-14 13:00"


def test_a_calendar_without_working_time_is_refused():
    with pytest.raises(CalendarError, match="no working time"):
        calendar_of([[]] * 7, nominal_day_minutes=480, follows_statutory=False)


def test_a_week_of_six_days_is_refused():
    with pytest.raises(CalendarError, match="7 days"):
        calendar_of(OFFICE_WEEK[:6])


def test_a_nominal_day_of_nothing_is_refused():
    with pytest.raises(CalendarError, match="nominal"):
        calendar_of(OFFICE_WEEK, nominal_day_minutes=0)


@pytest.mark.parametrize("sign", [1, -1])
def test_an_amount_that_is_not_reached_in_20_years_is_an_error(sign):
    one_day = {date(2026, 9, 14): OFFICE_DAY}
    calendar = calendar_of([[]] * 7, one_day, nominal_day_minutes=480, follows_statutory=False)
    noon = at("Mon 2026-09-14 12:30")
    assert said(calendar.add(noon, timedelta(hours=4))) == "Mon 2026-09-14 17:00"
    with pytest.raises(CalendarError, match="20 years"):
        calendar.add(noon, sign * timedelta(hours=5))


# ---- Where a deadline comes from, and how a calendar is stored -----------------------------------


def test_an_explanation_lists_the_slots_that_were_counted():
    rows = explain(OFFICE, at("Wed 2026-09-30 16:00"), at("Thu 2026-10-08 11:00"))
    assert [(row.day.isoformat(), str(row.slot), row.minutes) for row in rows] == [
        ("2026-09-30", "13:00-17:30", 90),
        ("2026-10-08", "08:30-12:00", 150),
    ]


def test_an_explanation_does_not_run_backwards():
    with pytest.raises(CalendarError, match="lies before"):
        explain(OFFICE, at("Thu 2026-10-08 11:00"), at("Wed 2026-09-30 16:00"))


def test_a_calendar_is_stored_as_readable_json():
    calendar = calendar_of(OFFICE_WEEK, {date(2026, 10, 1): ["22:00-24:00"]}, years=())
    assert calendar.to_dict() == {
        "version": 1,
        "timezone": "Asia/Shanghai",
        "nominal_day_minutes": 480,
        "follows_statutory": True,
        "known_years": [],
        "week": [*[["08:30-12:00", "13:00-17:30"]] * 5, [], []],
        "days": {"2026-10-01": ["22:00-24:00"]},
    }


@pytest.mark.parametrize("calendar", [OFFICE, LONG], ids=["office", "long"])
def test_a_stored_calendar_comes_back_equal(calendar):
    again = Calendar.from_dict(json.loads(json.dumps(calendar.to_dict())))
    assert again == calendar
    assert hash(again) == hash(calendar)
    assert json.dumps(again.to_dict()) == json.dumps(calendar.to_dict())


# ---- Properties, against the naive calendar ------------------------------------------------------

EXAMPLES = int(os.environ.get("CALENDAR_EXAMPLES", "1000"))
AGAINST_NAIVE = settings(max_examples=EXAMPLES, deadline=None)
ALGEBRA = settings(max_examples=max(EXAMPLES // 5, 100), deadline=None)
FIRST_DAY, LAST_DAY = date(2025, 7, 1), date(2027, 6, 30)  # what the naive calendar covers
DAY_SHAPES = (
    [],
    OFFICE_DAY,
    LONG_DAY,
    ["00:00-24:00"],
    ["00:00-06:00", "22:00-24:00"],
    ["08:30-12:00", "12:00-17:30"],
    ["23:59-24:00"],
    ["00:00-00:01"],
)
HOLIDAYS_2026 = [
    *("0101 0103", "0215 0223", "0404 0406", "0501 0505"),
    *("0619 0621", "0925 0927", "1001 1007"),
]
MAKE_UP_2026 = ["0104", "0214", "0228", "0509", "0920", "1010"]


class Pair(NamedTuple):
    """The calendar under test and the naive one, from the same plain data."""

    calendar: Calendar
    naive: NaiveCalendar
    week_minutes: int


def day_of_2026(text: str) -> date:
    return date(2026, int(text[:2]), int(text[2:]))


def announced_2026() -> dict[date, list[str]]:
    """Write the days of 2026 out again, so that the package is checked as well."""
    days: dict[date, list[str]] = {day_of_2026(text): OFFICE_DAY for text in MAKE_UP_2026}
    for span in HOLIDAYS_2026:
        day, last = map(day_of_2026, span.split())
        while day <= last:
            days[day] = []
            day += timedelta(days=1)
    return days


def random_day(random: Random) -> list[str]:
    if random.random() < 0.5:
        return random.choice(DAY_SHAPES)
    minutes = sorted(random.sample(range(24 * 60 + 1), 2 * random.randint(1, 4)))
    times = [f"{minute // 60:02}:{minute % 60:02}" for minute in minutes]
    return [f"{start}-{end}" for start, end in zip(times[::2], times[1::2], strict=True)]


@lru_cache
def pair(number: int) -> Pair:
    """Return the office with its real 2026 as number 0, else a calendar drawn with that seed."""
    if number == 0:
        calendar = calendar_of(OFFICE_WEEK, years=(2026,))
        naive = NaiveCalendar(FIRST_DAY, LAST_DAY, OFFICE_WEEK, announced_2026())
        return Pair(calendar, naive, 5 * 480)
    random = Random(number)
    week = [random_day(random) for _ in range(7)]
    week[random.randrange(7)] = OFFICE_DAY
    single = [date(2026, 1, 1) + timedelta(days=random.randrange(365)) for _ in range(40)]
    days = {day: random_day(random) for day in single}
    calendar = calendar_of(week, days, follows_statutory=False)
    naive = NaiveCalendar(FIRST_DAY, LAST_DAY, week, days)
    weekly = naive.between(at("Mon 2025-07-07 00:00"), at("Mon 2025-07-14 00:00"))
    return Pair(calendar, naive, weekly // timedelta(minutes=1))


@st.composite
def moments(draw, naive: NaiveCalendar):
    """Draw a moment of 2026, half of the time at a border or a microsecond beside it."""
    start = (date(2026, 1, 1) - FIRST_DAY).days * 24 * 60
    minute = draw(st.integers(start, start + 365 * 24 * 60 - 1))
    if draw(st.booleans()):
        return naive.moment(naive.next_border(minute), draw(st.integers(-1, 1)))
    return naive.moment(minute, draw(st.integers(0, 59_999_999)))


@st.composite
def amounts(draw, week_minutes: int):
    """Draw a working time of up to 5 weeks either way, half of the time in whole minutes."""
    minutes = draw(st.integers(-5 * week_minutes, 5 * week_minutes))
    microseconds = 0 if draw(st.booleans()) else draw(st.integers(0, 59_999_999))
    return timedelta(minutes=minutes, microseconds=microseconds)


PAIRS = st.integers(0, 31).map(pair)


@AGAINST_NAIVE
@given(PAIRS, st.data())
def test_working_time_agrees_with_the_naive_calendar(both, data):
    a, b = data.draw(moments(both.naive)), data.draw(moments(both.naive))
    assert both.calendar.between(a, b) == both.naive.between(a, b)


@AGAINST_NAIVE
@given(PAIRS, st.data())
def test_deadlines_agree_with_the_naive_calendar(both, data):
    start, amount = data.draw(moments(both.naive)), data.draw(amounts(both.week_minutes))
    assert both.calendar.add(start, amount) == both.naive.add(start, amount)


@ALGEBRA
@given(PAIRS, st.data())
def test_adding_is_monotone_in_both_arguments(both, data):
    add = both.calendar.add
    a, b = sorted([data.draw(moments(both.naive)), data.draw(moments(both.naive))])
    x, y = sorted([data.draw(amounts(both.week_minutes)), data.draw(amounts(both.week_minutes))])
    assert add(a, x) <= add(b, x)
    assert add(a, x) < add(a, y) or x == y


@ALGEBRA
@given(PAIRS, st.data())
def test_adding_twice_is_adding_the_sum(both, data):
    start = data.draw(moments(both.naive))
    x, y = data.draw(amounts(both.week_minutes)), data.draw(amounts(both.week_minutes))
    assert both.calendar.add(both.calendar.add(start, x), y) == both.calendar.add(start, x + y)


@ALGEBRA
@given(PAIRS, st.data())
def test_adding_is_the_inverse_of_measuring_and_finds_the_first_moment(both, data):
    start, amount = data.draw(moments(both.naive)), data.draw(amounts(both.week_minutes))
    between, due = both.calendar.between, both.calendar.add(start, amount)
    assert between(start, due) == amount
    assert between(start, due - timedelta(microseconds=1)) < amount


@ALGEBRA
@given(PAIRS, st.data())
def test_working_times_of_neighbouring_intervals_add_up(both, data):
    a, b, c = (data.draw(moments(both.naive)) for _ in range(3))
    between = both.calendar.between
    assert between(a, b) + between(b, c) == between(a, c)
    assert between(a, b) == -between(b, a)


@ALGEBRA
@given(PAIRS, st.sampled_from(Unit), st.integers(1, 2000), st.data())
def test_pausing_and_resuming_at_once_is_no_pause(both, unit, value, data):
    start, paused = data.draw(moments(both.naive)), data.draw(moments(both.naive))
    limit = Limit(Decimal(value) / (1000 if unit in {Unit.DAY, Unit.WORKING_DAY} else 10), unit)
    due = due_at(both.calendar, start, limit)
    remaining = elapsed(both.calendar, unit.is_working, paused, due)
    assert advance(both.calendar, unit.is_working, paused, remaining) == due


@ALGEBRA
@given(PAIRS, st.booleans(), st.data())
def test_a_pause_gives_back_exactly_the_time_it_lasted(both, is_working, data):
    start, amount = data.draw(moments(both.naive)), data.draw(amounts(both.week_minutes))
    paused, resumed = sorted([data.draw(moments(both.naive)), data.draw(moments(both.naive))])
    due = advance(both.calendar, is_working, start, amount)
    remaining = elapsed(both.calendar, is_working, paused, due)
    due_then = advance(both.calendar, is_working, resumed, remaining)
    lasted = elapsed(both.calendar, is_working, paused, resumed)
    assert elapsed(both.calendar, is_working, due, due_then) == lasted
    assert due_then >= due


@ALGEBRA
@given(PAIRS, st.data())
def test_an_explanation_adds_up_to_the_working_time(both, data):
    start = data.draw(moments(both.naive))
    end = start + timedelta(minutes=data.draw(st.integers(0, 30 * 24 * 60)))
    rows = explain(both.calendar, start, end)
    assert sum((row.counted for row in rows), timedelta(0)) == both.naive.between(start, end)
    assert all(timedelta(0) < row.counted <= timedelta(minutes=row.slot.minutes) for row in rows)


@ALGEBRA
@given(PAIRS, st.sampled_from(Unit), st.integers(1, 500), st.data())
def test_a_light_never_goes_back_and_warns_before_it_is_red(both, unit, value, data):
    start = data.draw(moments(both.naive))
    limit = Limit(Decimal(value) / (100 if unit in {Unit.DAY, Unit.WORKING_DAY} else 10), unit)
    warn, due = warn_at(both.calendar, start, limit), due_at(both.calendar, start, limit)
    assert warn < due
    earlier, later = sorted([data.draw(moments(both.naive)), data.draw(moments(both.naive))])
    order = [Light.GREEN, Light.YELLOW, Light.RED]
    assert order.index(light(earlier, warn, due)) <= order.index(light(later, warn, due))
    assert light(due, warn, due) is Light.YELLOW
