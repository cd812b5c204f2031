"""The worked example of docs/rules/clocks.md, and what pauses and extensions do to a deadline."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from cases.models import CaseClock
from cases.workflow import State
from components.models import CaseStandard
from tests.cast import Cast, Story
from tests.matrix.invariants import check_case

HANGZHOU = ZoneInfo("Asia/Shanghai")


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Return a moment of March 2026; the 16th is a Monday."""
    return datetime(2026, 3, day, hour, minute, tzinfo=HANGZHOU)


def handling(story: Story) -> CaseClock:
    """Return the last handle clock of the case itself."""
    return CaseClock.objects.filter(case=story.case, kind="handle", sub_order=None).last()


def local(moment: datetime) -> str:
    """Return a moment as people read it, e.g. 17 10:30."""
    return timezone.localtime(moment).strftime("%d %H:%M")


@pytest.fixture
def story(cast: Cast) -> Story:
    """A case with a limit of 4 working hours, counted by office hours, dispatched Monday 15:30."""
    standards = CaseStandard.objects.filter(type__code="C0101", profile="general")
    standards.update(limit_value=4, limit_unit="working_hour")
    story = Story(cast, at(16, 15, 0), "C0101").walk_to(State.FILED)
    story.now = at(16, 15, 30)
    story.act("dispatch", cast.dispatcher_li)
    story.act("sign", cast.clerk_sun)
    return story


def test_the_worked_example_of_the_clocks(story, cast):
    assert local(handling(story).due_at) == "17 10:30"
    story.now = at(17, 9, 0)
    story.act("complete", cast.clerk_sun)
    assert handling(story).remaining.total_seconds() == 90 * 60
    story.now = at(19, 16, 0)
    story.act("send_check", cast.acceptor_wang)
    story.act("check_fail", cast.collector_lin)
    story.now = at(19, 17, 0)
    story.act("dispatch", cast.dispatcher_li)
    assert story.case.rework_count == 1
    assert local(handling(story).due_at) == "20 09:30"
    story.now = at(20, 9, 0)
    story.act("request_extension", cast.clerk_sun)
    story.act("approve_extension", cast.dispatcher_li)
    clock = handling(story)
    assert (local(clock.due_at), local(clock.original_due_at)) == ("20 11:30", "20 09:30")
    assert local(clock.warn_at) == "20 10:18", "80 % of six hours: 72 minutes before the deadline"
    check_case(story.case.pk)


def test_two_extensions_add_to_the_original_deadline(story, cast):
    story.act("request_extension", cast.clerk_sun)
    story.act("approve_extension", cast.dispatcher_li)
    story.act("request_extension", cast.clerk_sun, extension_value="1")
    story.act("approve_extension", cast.dispatcher_li)
    assert local(handling(story).due_at) == "17 13:30", "the leader has not agreed yet"
    story.act("approve_extension", cast.leader_tang)
    clock = handling(story)
    assert (local(clock.original_due_at), local(clock.due_at)) == ("17 10:30", "17 14:30")


def test_a_long_extension_is_the_leaders_to_grant(story, cast):
    story.act("request_extension", cast.clerk_sun, extension_value="4.01")
    before = handling(story).due_at
    assert story.refused("approve_extension", cast.leader_tang).code == "not_possible"
    story.act("approve_extension", cast.dispatcher_li)
    assert handling(story).due_at == before
    story.act("approve_extension", cast.leader_tang)
    assert handling(story).due_at > before


def test_a_late_case_stays_as_late_through_a_check(story, cast):
    story.now = at(17, 14, 0)  # 2 h 30 late
    story.act("complete", cast.clerk_sun)
    assert handling(story).remaining.total_seconds() == -150 * 60
    story.act("send_check", cast.acceptor_wang)
    story.now = at(25, 9, 0)
    story.act("check_pass", cast.collector_lin)
    clock = handling(story)
    assert (clock.outcome, local(clock.actual_end_at)) == ("done", "17 14:00")
    assert clock.actual_end_at > clock.due_at


def test_rework_by_another_department_starts_afresh(story, cast):
    story.now = at(17, 9, 0)
    story.act("complete", cast.clerk_sun)
    story.act("send_check", cast.acceptor_wang)
    story.act("check_fail", cast.collector_lin)
    story.act("dispatch", cast.dispatcher_li, department="gardens")
    first = CaseClock.objects.get(case=story.case, kind="handle", outcome="reassigned")
    assert (first.organisation.code, local(first.actual_end_at)) == ("sanitation", "17 09:00")
    assert local(handling(story).due_at) == "17 14:00"
    assert handling(story).organisation.code == "gardens"


def test_a_later_edition_of_the_standard_changes_nothing(story, cast):
    CaseStandard.objects.filter(type__code="C0101").update(limit_value=100)
    story.case.refresh_from_db()
    assert story.case.limit_value == 4
    assert local(handling(story).due_at) == "17 10:30"
