"""Publishing working calendars: what an administrator set becomes a version clocks can name.

A version is never changed; every clock keeps the one it was computed with, so that editing a
calendar moves no running deadline.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from cases.models import CalendarVersion, WorkCalendar
from cases.time_limits import Calendar, Slot, Slots, build_calendar

YEARS_BACK = 5
YEARS_AHEAD = 2


@transaction.atomic
def calendar_publish(calendar: WorkCalendar, now: datetime) -> CalendarVersion:
    """Publish the calendar as it is set now; return the current version when nothing changed.

    Raise CalendarError when slots overlap or there is no working time at all.
    """
    calendar = WorkCalendar.objects.select_for_update().get(pk=calendar.pk)
    current = CalendarVersion.objects.filter(pk=calendar.current_version_id).first()
    number = current.number + 1 if current else 1
    data = calendar_compute(calendar, timezone.localdate(now), number).to_dict()
    if current and _without_version(data) == _without_version(current.data):
        return current
    version = CalendarVersion.objects.create(
        calendar=calendar, number=number, data=data, published_at=now
    )
    calendar.current_version = version
    calendar.save(update_fields=["current_version"])
    return version


def calendar_compute(calendar: WorkCalendar, on: date, number: int) -> Calendar:
    """Return the calendar to count with: week, statutory days, the city's own days."""
    week = tuple(slots_of(day) for day in calendar.week)
    monday = next((slots for slots in week if slots), ())
    overrides = {
        day.date: (slots_of(day.slots) or monday) if day.is_working else ()
        for day in calendar.days.all()
    }
    return build_calendar(
        f"{calendar.code} v{number}",
        week,
        range(on.year - YEARS_BACK, on.year + YEARS_AHEAD + 1),
        overrides,
        nominal_day_minutes=calendar.nominal_day_minutes,
        follows_statutory=calendar.has_statutory_days,
        confirmed_years=calendar.confirmed_years,
    )


def slots_of(pairs: list[list[str]]) -> Slots:
    """Read a day's slots as they are stored: pairs such as ["08:30", "12:00"]."""
    return tuple(Slot.parse("-".join(pair)) for pair in pairs)


def unknown_years(calendar: WorkCalendar, on: date) -> list[int]:
    """Return this year and the next where their statutory days are unknown: a visible warning."""
    if not calendar.has_statutory_days:
        return []
    known = calendar_compute(calendar, on, 0).known_years
    return [year for year in (on.year, on.year + 1) if year not in known]


def _without_version(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name != "version"}
