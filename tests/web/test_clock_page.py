"""“How was this deadline computed?”: the page's rows add up to the deadline, minute by minute."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse

from cases.deadlines.engine import deadlines_scan
from cases.deadlines.explanation import deadline_explain
from cases.models import CalendarVersion, CaseClock
from cases.workflow import State
from components.models import CaseStandard
from tests.cast import Cast, Story, browser_of
from tests.unit.naive_calendar import NaiveCalendar

ZERO = timedelta()


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Return a moment of March 2026; the 16th is a Monday."""
    return datetime(2026, 3, day, hour, minute, tzinfo=ZoneInfo("Asia/Shanghai"))


def handling(cast: Cast, limit: str = "4", unit: str = "working_hour") -> Story:
    standards = CaseStandard.objects.filter(type__code="C0101", profile="general")
    standards.update(limit_value=limit, limit_unit=unit)
    return Story(cast, at(16, 8, 30), "C0101").walk_to(State.HANDLING)


def clock_of(story: Story, kind: str = "handle") -> CaseClock:
    return CaseClock.objects.select_related("case").filter(case=story.case, kind=kind).last()


def naive(version: int) -> NaiveCalendar:
    """Return the calendar of a version, one byte a minute."""
    data = CalendarVersion.objects.get(pk=version).data
    days = {date.fromisoformat(day): slots for day, slots in data["days"].items()}
    return NaiveCalendar(date(2026, 1, 1), date(2026, 12, 31), data["week"], days)


def check_by_hand(clock: CaseClock) -> None:
    """Recompute a deadline without the program's calendar: start, pauses, limit, grants."""
    calendar = naive(clock.calendar_version_id)
    explained = deadline_explain(clock)
    assert explained.is_equal
    assert explained.counted == explained.allowed
    left, moment = explained.allowed, clock.started_at
    for paused_at, resumed_at in (map(datetime.fromisoformat, pause) for pause in clock.pauses):
        left -= calendar.between(moment, paused_at)
        moment = resumed_at
    assert calendar.add(moment, left) == clock.due_at
    rows = [row for part in explained.parts for row in part.rows]
    for row in rows:
        sign = 1 if row.counted > ZERO else -1
        assert calendar.between(row.begins, row.ends) == sign * row.counted
    assert (rows[-1].total if rows else ZERO) == explained.allowed


def test_the_rows_add_up_through_pauses_and_extensions(cast):
    story = handling(cast)
    check_by_hand(clock_of(story))
    story.now = at(16, 11, 0)
    story.act("complete", cast.clerk_sun)
    story.act("send_check", cast.acceptor_wang)
    story.now = at(18, 16, 0)
    story.act("check_fail", cast.collector_lin)
    story.act("dispatch", cast.dispatcher_li)
    check_by_hand(clock_of(story))
    story.act("sign", cast.clerk_sun)
    for unit in ("working_hour", "hour"):  # the second in another way of counting
        story.extend(extension_value="3", extension_unit=unit)
        check_by_hand(clock_of(story))
    story.now = at(20, 16, 0)  # late by now
    story.act("complete", cast.clerk_sun)
    story.act("send_check", cast.acceptor_wang)
    story.now = at(24, 9, 0)
    story.act("check_fail", cast.collector_lin)
    story.act("dispatch", cast.dispatcher_li)
    clock = clock_of(story)
    assert len(clock.pauses) == 2
    assert deadline_explain(clock).parts[-1].goes_back
    check_by_hand(clock)


@pytest.mark.parametrize("seed", range(4))
def test_the_rows_add_up_whatever_happens_to_a_clock(cast, seed):
    chance = Random(seed)
    limit, unit = chance.choice([("0.5", "working_hour"), ("2", "working_day"), ("90", "minute")])
    story = handling(cast, limit, unit)
    for _round in range(3):
        story.now += timedelta(minutes=chance.randrange(1, 3000), microseconds=chance.randrange(9))
        if chance.random() < 0.5:
            story.extend(extension_value="1.5")
        story.act("complete", cast.clerk_sun)
        story.act("send_check", cast.acceptor_wang)
        story.now += timedelta(minutes=chance.randrange(1, 3000))
        story.act("check_fail", cast.collector_lin)
        story.act("dispatch", cast.dispatcher_li)
        story.act("sign", cast.clerk_sun)
        check_by_hand(clock_of(story))


def test_the_whole_is_the_sum_of_its_stages(cast):
    explained = deadline_explain(clock_of(handling(cast), "whole"))
    assert explained.is_equal
    stages = [(str(part.stage), part.limit.split()[0]) for part in explained.parts]
    assert stages == [("dispatch", "30"), ("handle", "4"), ("send_check", "15"), ("check", "120"),
                      ("close", "30")]  # fmt: skip
    assert explained.parts[0].start == at(16, 8, 30)


def test_the_page_is_reached_from_the_case_and_shows_versions_slots_and_steps(cast):
    story = handling(cast)
    browser = browser_of(cast.clerk_sun)
    case_page = browser.get(reverse("cases:detail", args=[story.case.number])).content.decode()
    address = reverse("cases:clock", args=[story.case.number, clock_of(story).pk])
    assert address in case_page
    page = browser.get(address).content.decode()
    for words in ("How was this deadline computed?", "4 working h", "version 1", "2026-03-16",
                  "equals the deadline", "50 % of the limit used", "lies ahead"):  # fmt: skip
        assert words in page, words


def test_the_history_says_what_the_system_did_whom_it_told_and_that_it_came_late(cast):
    story = handling(cast)
    deadlines_scan(now=at(18, 9))
    browser = browser_of(cast.clerk_sun)
    page = browser.get(reverse("cases:detail", args=[story.case.number])).content.decode()
    for words in ("Deadline missed", "Handling · 50 % of the limit used",
                  "Handling · 120 min after the deadline · level 2",
                  "→ sanitation · Department head, Proxy squad",
                  "It should have come at 03-16 13:30."):  # fmt: skip
        assert words in page, words


def test_a_clock_of_another_case_or_of_a_hidden_one_does_not_exist(cast):
    story = handling(cast)
    other = Story(cast, at(16, 8, 30), metres=30)
    browser = Client()
    browser.force_login(cast.clerk_sun, backend="accounts.backends.PersonBackend")
    for number, clock in ((story.case.number, clock_of(other, "accept")),
                          (other.case.number, clock_of(other, "accept"))):  # fmt: skip
        assert browser.get(reverse("cases:clock", args=[number, clock.pk])).status_code == 404


def test_a_whole_that_is_not_filed_has_no_deadline_yet(cast):
    story = Story(cast)
    browser = browser_of(cast.acceptor_wang)
    address = reverse("cases:clock", args=[story.case.number, clock_of(story, "whole").pk])
    assert "This clock has no deadline yet." in browser.get(address).content.decode()
