"""A calendar so simple that it can be believed: one byte for each minute of some years.

It shares nothing with `cases.time_limits`: slots are written into an array as texts, time is
counted minute by minute, and Shanghai is UTC+8 (it has had no summer time since 1991).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

MICROSECONDS = 60_000_000  # in a minute
MINUTES = 24 * 60  # in a day


class NaiveCalendar:
    """Working minutes from the first day to the last; beyond them ValueError is raised."""

    def __init__(
        self,
        first: date,
        last: date,
        week: Sequence[Sequence[str]],
        days: Mapping[date, Sequence[str]],
    ) -> None:
        self.origin = datetime(first.year, first.month, first.day, tzinfo=UTC) - timedelta(hours=8)
        self.works = bytearray(((last - first).days + 1) * MINUTES)
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            for text in days.get(day, week[day.weekday()]):
                h1, m1, h2, m2 = map(int, text.replace(":", "-").split("-"))
                begin, end = h1 * 60 + m1, h2 * 60 + m2
                offset = number * MINUTES
                self.works[offset + begin : offset + end] = b"\x01" * (end - begin)

    def moment(self, minute: int, microseconds: int = 0) -> datetime:
        return self.origin + timedelta(minutes=minute, microseconds=microseconds)

    def minute_of(self, moment: datetime) -> tuple[int, int]:
        """Return the minute a moment lies in, and the microseconds of it that have passed."""
        return divmod((moment - self.origin) // timedelta(microseconds=1), MICROSECONDS)

    def next_border(self, minute: int) -> int:
        """Return the next minute at which work starts or stops."""
        return self.works.index(1 - self.works[minute], minute)

    def between(self, a: datetime, b: datetime) -> timedelta:
        if b < a:
            return -self.between(b, a)
        (minute_a, passed_a), (minute_b, passed_b) = self.minute_of(a), self.minute_of(b)
        counted = self.works.count(1, minute_a, minute_b) * MICROSECONDS
        counted += self.works[minute_b] * passed_b - self.works[minute_a] * passed_a
        return timedelta(microseconds=counted)

    def add(self, start: datetime, amount: timedelta) -> datetime:
        minute, passed = self.minute_of(start)
        # What is still to be done, seen from the beginning of the minute.
        todo = self.works[minute] * passed + amount // timedelta(microseconds=1)
        while todo <= 0:
            minute = self.works.rindex(1, 0, minute)
            todo += MICROSECONDS
        minute = self.works.index(1, minute)
        while todo > MICROSECONDS:
            todo -= MICROSECONDS
            minute = self.works.index(1, minute + 1)
        return self.moment(minute, todo)
