"""Calendars, stage limits, reasons: loaded once, published by version, kept by running clocks."""

from datetime import UTC, date, datetime

import pytest

from accounts.models import City
from cases.loading import load_settings
from cases.models import (
    CalendarDay,
    CalendarUse,
    CalendarVersion,
    ReasonCode,
    StageLimit,
    WorkCalendar,
)
from cases.services.calendars import calendar_publish, unknown_years
from cases.time_limits import Calendar, CalendarError, Limit, Unit, due_at
from cases.workflow import ClockKind
from components.loading import load_catalogue

NOW = datetime(2026, 3, 16, 2, 0, tzinfo=UTC)  # Monday 16 March 2026, 10:00 in Hangzhou


@pytest.fixture
def office(db):
    city = City.objects.create(code="320500", name="苏州市")
    load_catalogue()
    load_settings(city, NOW)
    return WorkCalendar.objects.get(code="office")


def current(calendar):
    calendar.refresh_from_db()
    return Calendar.from_dict(calendar.current_version.data)


def test_loading_twice_changes_nothing(office):
    models = (WorkCalendar, CalendarVersion, CalendarUse, StageLimit, ReasonCode)
    first = [model.objects.count() for model in models]
    load_settings(office.city, NOW)
    assert [model.objects.count() for model in models] == first


def test_what_an_administrator_changed_is_not_loaded_over(office):
    StageLimit.objects.filter(clock="accept", urgency="").update(limit_value=20)
    WorkCalendar.objects.filter(pk=office.pk).update(name="我们的日历")
    load_settings(office.city, NOW)
    assert StageLimit.objects.get(clock="accept", urgency="").limit_value == 20
    assert WorkCalendar.objects.get(pk=office.pk).name == "我们的日历"


def test_every_stage_has_a_limit_for_normal_and_for_urgent_cases(office):
    stages = {kind.value for kind in ClockKind} - {"whole", "handle"}
    normal = set(StageLimit.objects.filter(urgency="").values_list("clock", flat=True))
    urgent = set(StageLimit.objects.filter(urgency="urgent").values_list("clock", flat=True))
    assert normal == stages
    assert urgent == stages | {"handle"}


def test_street_order_counts_by_the_long_calendar(office):
    uses = CalendarUse.objects.filter(calendar__code="long")
    assert uses.filter(type__code="E0504").exists()
    assert not uses.filter(type__code="C0103").exists()


def test_a_working_day_of_the_office_is_480_minutes_of_the_long_calendar_840(office):
    assert current(office).nominal_day_minutes == 480
    assert current(WorkCalendar.objects.get(code="long")).nominal_day_minutes == 840


# ── publishing ────────────────────────────────────────────────────────────────────────────────


def test_publishing_an_unchanged_calendar_makes_no_version(office):
    assert calendar_publish(office, NOW).number == 1
    assert office.versions.count() == 1


def test_a_day_the_city_sets_makes_a_version_and_the_old_one_stays(office):
    monday = date(2026, 3, 23)
    before = current(office)
    CalendarDay.objects.create(calendar=office, date=monday, is_working=False, note="台风")
    version = calendar_publish(office, NOW)
    assert version.number == 2
    assert before.is_working_day(monday)
    assert not current(office).is_working_day(monday)
    assert Calendar.from_dict(office.versions.get(number=1).data).is_working_day(monday)


def test_a_working_saturday_gets_the_slots_of_a_monday(office):
    saturday = date(2026, 3, 21)
    CalendarDay.objects.create(calendar=office, date=saturday, is_working=True)
    calendar_publish(office, NOW)
    calendar = current(office)
    assert calendar.slots_on(saturday) == calendar.slots_on(date(2026, 3, 20))


def test_the_national_holiday_is_in_it(office):
    calendar = current(office)
    assert not calendar.is_working_day(date(2026, 10, 1))
    assert current(WorkCalendar.objects.get(code="long")).is_working_day(date(2026, 10, 1))


def test_a_calendar_that_cannot_be_counted_with_is_not_published(office):
    office.week = [[["12:00", "08:30"]]] * 7
    office.save()
    with pytest.raises(CalendarError):
        calendar_publish(office, NOW)
    assert office.versions.count() == 1


def test_a_deadline_is_counted_through_the_lunch_break(office):
    start = datetime(2026, 3, 16, 3, 45, tzinfo=UTC)  # Monday 11:45
    limit = StageLimit.objects.get(clock="file", urgency="")
    end = due_at(current(office), start, Limit(limit.limit_value, Unit(limit.limit_unit)))
    assert end == datetime(2026, 3, 16, 5, 15, tzinfo=UTC)  # Monday 13:15


# ── years nobody knows ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("on", "unknown"),
    [(date(2026, 3, 16), [2027]), (date(2025, 6, 2), []), (date(2027, 1, 4), [2027, 2028])],
)
def test_years_without_statutory_days_are_named(office, on, unknown):
    assert unknown_years(office, on) == unknown


def test_a_year_the_administrator_entered_is_known(office):
    CalendarDay.objects.create(calendar=office, date=date(2027, 1, 1), is_working=False)
    office.confirmed_years = [2027]
    office.save()
    assert unknown_years(office, date(2026, 3, 16)) == []
    assert 2027 in Calendar.from_dict(calendar_publish(office, NOW).data).known_years


def test_a_calendar_without_statutory_days_knows_every_year(office):
    assert unknown_years(WorkCalendar.objects.get(code="long"), date(2027, 1, 4)) == []
