"""A deadline from its beginnings: limit, grants and pauses, counted by one calendar. Pure.

The stored deadline came about step by step: set at the start, moved by every pause, extended. Here
it is worked out from the start in one go; both ways give the same moment, to the microsecond.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from cases.deadlines.steps import way_of_counting
from cases.models import CaseClock
from cases.time_limits import Calendar, Limit, Unit, advance, elapsed, limit_duration

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time a clock ran, and what it counted; ``end`` before ``start`` counts backwards."""

    start: datetime
    end: datetime
    counted: timedelta


def limit_counted(clock: CaseClock, calendar: Calendar) -> timedelta:
    """Return the limit in the clock's own counting."""
    assert clock.limit_value is not None
    return limit_duration(calendar, Limit(Decimal(clock.limit_value), Unit(clock.limit_unit)))


def grants_counted(clock: CaseClock, calendar: Calendar) -> list[timedelta]:
    """Return what each grant adds: as noted, where it was given in another way of counting."""
    is_working = Unit(clock.limit_unit).is_working
    found = []
    for grant in clock.granted:
        limit = Limit(Decimal(grant["value"]), Unit(grant["unit"]))
        if limit.unit.is_working == is_working or "counted" not in grant:
            found.append(limit_duration(calendar, limit))
        else:
            found.append(grant["counted"] * MICROSECOND)
    return found


def pauses_of(clock: CaseClock) -> list[tuple[datetime, datetime]]:
    """Return the pauses that have ended, oldest first."""
    return [(datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in clock.pauses]


def stretches(clock: CaseClock, calendar: Calendar, allowed: timedelta) -> Iterator[Stretch]:
    """Yield the times the clock ran up to its deadline; what they counted adds up to ``allowed``.

    The last one goes back where the clock was late already when its last pause ended.
    """
    way, moment, left = way_of_counting(clock, calendar), clock.started_at, allowed
    for paused_at, resumed_at in pauses_of(clock):
        counted = elapsed(*way, moment, paused_at)
        yield Stretch(moment, paused_at, counted)
        moment, left = resumed_at, left - counted
    yield Stretch(moment, advance(*way, moment, left), left)


def deadline(clock: CaseClock, calendar: Calendar, allowed: timedelta) -> datetime:
    """Return when the time allowed is used up, in UTC."""
    return list(stretches(clock, calendar, allowed))[-1].end


def paused_time(clock: CaseClock, calendar: Calendar) -> timedelta:
    """Return the counted time spent in pauses that have ended."""
    way = way_of_counting(clock, calendar)
    return sum((elapsed(*way, a, b) for a, b in pauses_of(clock)), timedelta())
