"""Working time, time limits, deadlines and lights.

Rules that live here: what counts as working time (several slots a day, statutory holidays,
make-up working days 调休, administrator's overrides), how long a limit is, when it falls due, how a
pause keeps what was left, and which light a clock shows. Standard: the time limits of GB/T 30428
in working hours, working days and natural hours.

Everything is pure: no models, no queries, no reading of the clock. What cannot be answered raises
`CalendarError`, which is a refusal with a sentence. What starts, pauses and stops
which clock stands in `cases/workflow.py`; the limits themselves are data. The formulas, with a
worked example, are in `docs/rules/time_limits.md`.
"""

import re
from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Any, NamedTuple, Self, TypeAlias
from zoneinfo import ZoneInfo

import chinese_calendar
from django.utils.translation import gettext_lazy as _

from common.errors import DomainError, Sentence

SHANGHAI = ZoneInfo("Asia/Shanghai")
MINUTES_PER_DAY = 24 * 60
WARN_RATIO = Decimal("0.8")
# No limit of city management runs for decades: a longer one is a typing error in the data.
HORIZON_YEARS = 20
HORIZON = timedelta(days=HORIZON_YEARS * 366)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MINUTE = timedelta(minutes=1)
_SLOT_TEXT = re.compile(r"([0-9]{1,2}):([0-5][0-9])-([0-9]{1,2}):([0-5][0-9])")


class CalendarError(DomainError, ValueError):
    """A calendar or limit that cannot be used, or a question that a calendar cannot answer."""

    def __init__(self, message: Sentence) -> None:
        super().__init__("calendar_unusable", message, status=409)


class Unit(StrEnum):
    """The units of a limit; the names are stored."""

    MINUTE = "minute"
    WORKING_HOUR = "working_hour"
    WORKING_DAY = "working_day"
    HOUR = "hour"
    DAY = "day"
    EMERGENCY_HOUR = "emergency_hour"

    @property
    def is_working(self) -> bool:
        """True when the unit counts working time (`minute` is a working minute)."""
        return self in _WORKING_UNITS


_WORKING_UNITS = frozenset({Unit.MINUTE, Unit.WORKING_HOUR, Unit.WORKING_DAY})
# A working day is not here: its minutes are the calendar's.
UNIT_MINUTES = {
    Unit.MINUTE: 1,
    Unit.WORKING_HOUR: 60,
    Unit.HOUR: 60,
    Unit.EMERGENCY_HOUR: 60,
    Unit.DAY: MINUTES_PER_DAY,
}


@dataclass(frozen=True)
class Limit:
    """How long a step may take."""

    value: Decimal
    unit: Unit

    def __post_init__(self) -> None:
        if not isinstance(self.value, Decimal) or not self.value.is_finite() or self.value <= 0:
            raise CalendarError(
                _("A limit is a decimal number above 0, not %(value)s.") % {"value": self.value}
            )


@dataclass(frozen=True, order=True)
class Slot:
    """A stretch of working time in a day, half-open, in minutes since local midnight."""

    start_minute: int
    end_minute: int

    def __post_init__(self) -> None:
        if not 0 <= self.start_minute < self.end_minute <= MINUTES_PER_DAY:
            raise CalendarError(
                _("A slot lies between 00:00 and 24:00 and ends after it starts, not %(slot)s.")
                % {"slot": self}
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `08:30-12:00`; the end may be `24:00`."""
        match = _SLOT_TEXT.fullmatch(text)
        if match is None:
            raise CalendarError(
                _("A slot is written 08:30-12:00, not “%(text)s”.") % {"text": text}
            )
        start_hour, start, end_hour, end = map(int, match.groups())
        return cls(start_hour * 60 + start, end_hour * 60 + end)

    def __str__(self) -> str:
        start_hour, start = divmod(self.start_minute, 60)
        end_hour, end = divmod(self.end_minute, 60)
        return f"{start_hour:02}:{start:02}-{end_hour:02}:{end:02}"

    @property
    def minutes(self) -> int:
        return self.end_minute - self.start_minute


Slots: TypeAlias = tuple[Slot, ...]


def slots_parse(texts: Iterable[str]) -> Slots:
    """Read a day's slots from texts such as `08:30-12:00`."""
    return tuple(Slot.parse(text) for text in texts)


@dataclass(frozen=True)
class _Month:
    """The slots of one month as moments (UTC microseconds), with the work done by each end."""

    starts: list[int]
    ends: list[int]
    worked: list[int]
    total: int

    def worked_until(self, moment: int) -> int:
        """Return the working microseconds from the start of the month to the moment."""
        index = bisect_right(self.starts, moment) - 1
        if index < 0:
            return 0
        return self.worked[index] - max(0, self.ends[index] - moment)

    def earliest(self, worked: int) -> int:
        """Return the first moment by which so much is done, for 0 < worked <= total."""
        index = bisect_left(self.worked, worked)
        return self.ends[index] - (self.worked[index] - worked)


@dataclass(frozen=True)
class Calendar:
    """Which minutes are working time. Immutable; build it once per version and keep it.

    `days` replaces the week on single dates: a holiday has no slots, a make-up day has some.
    `known_years` are the years whose statutory days are in it; elsewhere the week is assumed.
    `follows_statutory` is False for a service that works through holidays.
    """

    version: int | str
    week: tuple[Slots, ...]
    days: Mapping[date, Slots] = field(hash=False)
    known_years: frozenset[int]
    nominal_day_minutes: int
    follows_statutory: bool = True
    tz: ZoneInfo = SHANGHAI
    _months: dict[int, _Month] = field(
        default_factory=dict, init=False, repr=False, compare=False, hash=False
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "days", dict(self.days))  # a later edit cannot reach it
        if len(self.week) != 7:
            raise CalendarError(_("A week has 7 days, not %(count)s.") % {"count": len(self.week)})
        if self.nominal_day_minutes <= 0:
            raise CalendarError(_("A nominal working day has more than 0 minutes."))
        for slots in (*self.week, *self.days.values()):
            _check_day(slots)
        if not any(self.week) and not any(self.days.values()):
            raise CalendarError(_("The calendar has no working time at all."))

    def slots_on(self, day: date) -> Slots:
        """Return the slots of a local date, in order."""
        slots = self.days.get(day)
        return self.week[day.weekday()] if slots is None else slots

    def is_working_day(self, day: date) -> bool:
        return bool(self.slots_on(day))

    def add(self, start: datetime, amount: timedelta) -> datetime:
        """Return the smallest moment m for which between(start, m) == amount.

        The amount may be negative or zero. A moment on a border is therefore the end of a slot,
        never the start of the next, and add(add(m, a), b) == add(m, a + b) for all signs.
        Raise CalendarError when it does not lie within 20 years.
        """
        first, worked = self._position(start)
        worked += amount // _MICROSECOND
        key = first
        while worked > self._month(key).total:
            worked -= self._month(key).total
            key = self._step(first, key, 1)
        while worked <= 0:
            key = self._step(first, key, -1)
            worked += self._month(key).total
        return _EPOCH + timedelta(microseconds=self._month(key).earliest(worked))

    def between(self, a: datetime, b: datetime) -> timedelta:
        """Return the working time in [a, b), negative when b lies before a."""
        key_a, worked_a = self._position(a)
        key_b, worked_b = self._position(b)
        low, high = sorted((key_a, key_b))
        months = sum(self._month(key).total for key in range(low, high))
        if key_b < key_a:
            months = -months
        return timedelta(microseconds=months + worked_b - worked_a)

    def unknown_years(self, a: datetime, b: datetime) -> list[int]:
        """Return the years touched whose statutory days are not known, for a visible warning."""
        if not self.follows_statutory:
            return []
        first, last = sorted((self._local(a).year, self._local(b).year))
        return [year for year in range(first, last + 1) if year not in self.known_years]

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able form, the same for equal calendars."""
        return {
            "version": self.version,
            "timezone": self.tz.key,
            "nominal_day_minutes": self.nominal_day_minutes,
            "follows_statutory": self.follows_statutory,
            "known_years": sorted(self.known_years),
            "week": [[str(slot) for slot in slots] for slots in self.week],
            "days": {
                day.isoformat(): [str(slot) for slot in self.days[day]] for day in sorted(self.days)
            },
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        return cls(
            version=data["version"],
            week=tuple(slots_parse(texts) for texts in data["week"]),
            days={date.fromisoformat(day): slots_parse(data["days"][day]) for day in data["days"]},
            known_years=frozenset(data["known_years"]),
            nominal_day_minutes=data["nominal_day_minutes"],
            follows_statutory=data["follows_statutory"],
            tz=ZoneInfo(data["timezone"]),
        )

    def slot_moments(self, day: date, slot: Slot) -> tuple[datetime, datetime]:
        """Return start and end of a slot on a local date, in UTC."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=self.tz)
        # Adding to a zoned datetime moves its wall clock, which is what a slot is written in.
        start = midnight + timedelta(minutes=slot.start_minute)
        end = midnight + timedelta(minutes=slot.end_minute)
        opens, closes = start.astimezone(UTC), end.astimezone(UTC)
        return opens, max(opens, closes)  # a slot inside an hour that a shift skips is empty

    def _local(self, moment: datetime) -> datetime:
        return _utc(moment).astimezone(self.tz)

    def _position(self, moment: datetime) -> tuple[int, int]:
        """Return the month of a moment and the work done in that month before it."""
        local = self._local(moment)
        key = local.year * 12 + local.month - 1
        return key, self._month(key).worked_until((moment - _EPOCH) // _MICROSECOND)

    def _step(self, first: int, key: int, by: int) -> int:
        if abs(key - first) >= HORIZON_YEARS * 12:
            raise CalendarError(
                _("Version %(version)s of the calendar has too little working time in 20 years.")
                % {"version": self.version}
            )
        return key + by

    def _month(self, key: int) -> _Month:
        month = self._months.get(key)
        if month is None:
            month = self._months[key] = self._build_month(key)
        return month

    def _build_month(self, key: int) -> _Month:
        starts: list[int] = []
        ends: list[int] = []
        worked: list[int] = []
        total = 0
        year, month = key // 12, key % 12 + 1
        for number in range(monthrange(year, month)[1]):
            day = date(year, month, number + 1)
            for slot in self.slots_on(day):
                start, end = ((m - _EPOCH) // _MICROSECOND for m in self.slot_moments(day, slot))
                total += end - start
                starts.append(start)
                ends.append(end)
                worked.append(total)
        return _Month(starts, ends, worked, total)


def _check_day(slots: Slots) -> None:
    for earlier, later in pairwise(slots):
        if later.start_minute < earlier.end_minute:
            raise CalendarError(
                _("Slots stand in order and do not overlap: %(earlier)s, %(later)s.")
                % {"earlier": earlier, "later": later}
            )


def _utc(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise CalendarError(
            _("A moment has a time zone; %(moment)s has none.") % {"moment": moment}
        )
    return moment.astimezone(UTC)


def limit_duration(calendar: Calendar, limit: Limit) -> timedelta:
    """Return the length of a limit: working time for a working unit, else elapsed time.

    A working day is the calendar's nominal minutes, never 24 hours.
    """
    minutes = (
        calendar.nominal_day_minutes if limit.unit is Unit.WORKING_DAY else UNIT_MINUTES[limit.unit]
    )
    if limit.value > HORIZON // (minutes * _MINUTE):
        raise CalendarError(
            _("A limit of %(value)s (%(unit)s) is longer than 20 years.")
            % {"value": limit.value, "unit": limit.unit}
        )
    return scaled(minutes * _MINUTE, limit.value, ROUND_CEILING)


def scaled(amount: timedelta, factor: Decimal, rounding: str) -> timedelta:
    """Multiply to the microsecond without passing through floats."""
    microseconds = (amount // _MICROSECOND) * factor
    return timedelta(microseconds=int(microseconds.to_integral_value(rounding)))


def due_at(calendar: Calendar, start: datetime, limit: Limit) -> datetime:
    """Return the deadline, in UTC."""
    return advance(calendar, limit.unit.is_working, start, limit_duration(calendar, limit))


def warn_at(
    calendar: Calendar, start: datetime, limit: Limit, ratio: Decimal = WARN_RATIO
) -> datetime:
    """Return the moment at which the given share of the limit is used, in UTC."""
    if not 0 < ratio <= 1:
        raise CalendarError(
            _("The share that warns lies above 0 and is at most 1, not %(ratio)s.")
            % {"ratio": ratio}
        )
    used = scaled(limit_duration(calendar, limit), ratio, ROUND_FLOOR)
    return advance(calendar, limit.unit.is_working, start, used)


def advance(calendar: Calendar, is_working: bool, start: datetime, amount: timedelta) -> datetime:
    """Return the moment that lies an amount of working or natural time after start, in UTC.

    Resuming a paused clock: due_at = advance(now, remaining), also when the rest is negative.
    """
    if is_working:
        return calendar.add(start, amount)
    return _utc(start) + amount  # in UTC: wall-clock arithmetic would be wrong across a shift


def elapsed(calendar: Calendar, is_working: bool, a: datetime, b: datetime) -> timedelta:
    """Return the working or natural time in [a, b), negative when b lies before a.

    Pausing a clock: remaining = elapsed(now, due_at), negative when it is overdue.
    """
    return calendar.between(a, b) if is_working else _utc(b) - _utc(a)


class Light(StrEnum):
    """The light of a running clock."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


def light(now: datetime, warn_at: datetime, due_at: datetime) -> Light:
    """Return red after the deadline, yellow from the warning on, green before."""
    if now > due_at:
        return Light.RED
    return Light.YELLOW if now >= warn_at else Light.GREEN


def statutory_days(
    years: Iterable[int], make_up_slots: Slots
) -> tuple[dict[date, Slots], frozenset[int]]:
    """Return holidays (no slots) and make-up working days of the years, and the years known.

    Holidays at a weekend are named too: a calendar whose week has a working Saturday needs them.
    The data come from the package `chinesecalendar`, which is extended once a year when the State
    Council has announced the next; a year it does not know is left out of both.
    """
    days: dict[date, Slots] = {}
    known: set[int] = set()
    for year in years:
        try:
            days.update(_statutory_year(year, make_up_slots))
        except NotImplementedError:  # how the package says that it does not know the year
            continue
        known.add(year)
    return days, frozenset(known)


def _statutory_year(year: int, make_up_slots: Slots) -> dict[date, Slots]:
    days: dict[date, Slots] = {}
    for day in chinese_calendar.get_dates(date(year, 1, 1), date(year, 12, 31)):
        is_off, name = chinese_calendar.get_holiday_detail(day)
        if name is not None:
            days[day] = () if is_off else make_up_slots
    return days


def build_calendar(
    version: int | str,
    week: tuple[Slots, ...],
    years: Iterable[int],
    overrides: Mapping[date, Slots] | None = None,
    *,
    nominal_day_minutes: int | None = None,
    make_up_slots: Slots | None = None,
    follows_statutory: bool = True,
    confirmed_years: Iterable[int] = (),
    tz: ZoneInfo = SHANGHAI,
) -> Calendar:
    """Build a calendar from a week, the statutory days of some years and overrides.

    Overrides win over statutory days. `confirmed_years` are years whose days an administrator
    entered as overrides because they are not in the package. The nominal day and the slots of a
    make-up day are those of the first working day of the week unless given.
    """
    ordinary = next((slots for slots in week if slots), ())
    days: dict[date, Slots] = {}
    known: frozenset[int] = frozenset()
    if follows_statutory:
        days, known = statutory_days(years, ordinary if make_up_slots is None else make_up_slots)
    days |= overrides or {}
    if nominal_day_minutes is None:
        nominal_day_minutes = sum(slot.minutes for slot in ordinary)
    return Calendar(
        version=version,
        week=week,
        days=days,
        known_years=known | frozenset(confirmed_years),
        nominal_day_minutes=nominal_day_minutes,
        follows_statutory=follows_statutory,
        tz=tz,
    )


class CountedSlot(NamedTuple):
    """A slot of a day and how much of it was counted."""

    day: date
    slot: Slot
    counted: timedelta

    @property
    def minutes(self) -> Decimal:
        return Decimal(self.counted // _MICROSECOND) / (_MINUTE // _MICROSECOND)


def explain(calendar: Calendar, start: datetime, end: datetime) -> list[CountedSlot]:
    """Return the slots that make up the working time in [start, end), in order.

    The counted times add up to between(start, end). Raise CalendarError when end lies before start.
    """
    start, end = _utc(start), _utc(end)
    if end < start:
        raise CalendarError(_("%(end)s lies before %(start)s.") % {"end": end, "start": start})
    first, last = start.astimezone(calendar.tz).date(), end.astimezone(calendar.tz).date()
    rows: list[CountedSlot] = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        for slot in calendar.slots_on(day):
            opens, closes = calendar.slot_moments(day, slot)
            counted = min(end, closes) - max(start, opens)
            if counted > timedelta(0):
                rows.append(CountedSlot(day, slot, counted))
    return rows
