"""Working time as arrays of whole microseconds: the calendar's own slots, quick enough for many.

Moments are microseconds since 1970 (UTC). Equality with ``cases.time_limits`` is tested.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from cases.time_limits import Calendar

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_TIMES = [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(86_400)]


def from_datetime(moment: datetime) -> int:
    """Return a moment as microseconds."""
    return (moment - EPOCH) // MICROSECOND


@lru_cache(maxsize=4096)  # a step, its clocks and its orders share their moments
def to_text(moment: int) -> str:
    """Return a moment as it is hashed and as PostgreSQL reads it: 2026-11-22T00:41:03.000000Z."""
    day, rest = divmod(moment, DAY)
    second, fraction = divmod(rest, SECOND)
    return f"{_date(day)}T{_TIMES[second]}.{fraction:06d}Z"


@lru_cache(maxsize=4096)
def _date(day: int) -> str:
    return (EPOCH + timedelta(days=day)).strftime("%Y-%m-%d")


@dataclass(frozen=True)
class WorkingTime:
    """The slots of a calendar between two days, with the work done by the end of each."""

    starts: list[int]
    ends: list[int]
    worked: list[int]

    @classmethod
    def of(cls, calendar: Calendar, first: date, last: date) -> WorkingTime:
        """Lay out the slots of a calendar from ``first`` to ``last``."""
        starts, ends, worked, total = [], [], [], 0
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            for slot in calendar.slots_on(day):
                start, end = map(from_datetime, calendar.slot_moments(day, slot))
                total += end - start
                starts.append(start)
                ends.append(end)
                worked.append(total)
        return cls(starts, ends, worked)

    def position(self, moment: int) -> int:
        """Return the work done before a moment since the first day."""
        index = bisect_right(self.starts, moment) - 1
        return self.worked[index] - max(0, self.ends[index] - moment)

    def add(self, moment: int, amount: int) -> int:
        """Return the first moment by which ``amount`` more is done."""
        done = self.position(moment) + amount
        index = bisect_left(self.worked, done)
        return self.ends[index] - (self.worked[index] - done)

    def between(self, a: int, b: int) -> int:
        """Return the working time in [a, b)."""
        return self.position(b) - self.position(a)


@dataclass(frozen=True)
class Rule:
    """A limit with the calendar it is counted by; ``time`` None is natural time."""

    value: str
    unit: str
    amount: int
    time: WorkingTime | None
    calendar_version_id: int
    stage_limit_id: int | None = None
    standard_id: int | None = None

    def advance(self, moment: int, amount: int) -> int:
        """Return the moment so much later, as this limit counts."""
        return self.time.add(moment, amount) if self.time else moment + amount

    def elapsed(self, a: int, b: int) -> int:
        """Return the time in [a, b), as this limit counts."""
        return self.time.between(a, b) if self.time else b - a

    def due(self, start: int) -> int:
        """Return the deadline."""
        return self.advance(start, self.amount)

    def warn(self, start: int) -> int:
        """Return the moment at which 80 % are used."""
        return self.advance(start, self.amount * 4 // 5)
