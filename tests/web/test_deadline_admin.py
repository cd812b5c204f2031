"""What an administrator sets about deadlines, and moving running ones to an edited calendar."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from cases.deadlines.engine import deadlines_scan
from cases.deadlines.explanation import deadline_explain
from cases.deadlines.recalculation import (
    recalculation_ask,
    recalculation_preview,
    recalculation_work,
    recalculations_waiting,
)
from cases.models import (
    CalendarDay,
    CaseClock,
    CaseEvent,
    DeadlineRecalculation,
    DeadlineRule,
    FieldTask,
    WorkCalendar,
)
from cases.services.calendars import calendar_publish
from cases.services.verify import verify_history
from cases.tasks import resume_recalculations
from cases.workflow import State
from common.errors import DomainError
from components.models import CaseStandard
from tests.cast import Cast, Story, browser_of
from tests.matrix.invariants import check_case


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Return a moment of March 2026; the 16th is a Monday."""
    return datetime(2026, 3, day, hour, minute, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def office(cast) -> WorkCalendar:
    return WorkCalendar.objects.get(code="office")


@pytest.fixture
def browser(cast) -> Client:
    return browser_of(cast.administrator_bai)


def handling(cast: Cast, metres: float = 0) -> Story:
    """Return a case with four working hours from Monday 8:30: due at 13:30, in handling."""
    standards = CaseStandard.objects.filter(type__code="C0101", profile="general")
    standards.update(limit_value=4, limit_unit="working_hour")
    return Story(cast, at(16, 8, 30), "C0101", metres=metres).walk_to(State.HANDLING)


def close_on(office: WorkCalendar, day: int, now: datetime) -> int:
    """Close the city on a day; returns the version published."""
    CalendarDay.objects.create(calendar=office, date=date(2026, 3, day), is_working=False)
    return calendar_publish(office, now).pk


def handle_clock(story: Story) -> CaseClock:
    return CaseClock.objects.get(case=story.case, kind="handle", sub_order=None)


# ── an edited calendar ────────────────────────────────────────────────────────────────────────


def test_an_edited_calendar_moves_no_running_deadline(cast, office):
    story = handling(cast)
    close_on(office, 16, at(16, 9))
    assert handle_clock(story).due_at == at(16, 13, 30)
    preview = recalculation_preview(WorkCalendar.objects.get(pk=office.pk))
    assert (preview.total, preview.later, preview.earlier) == (2, 2, 0), "handling and the whole"
    assert handle_clock(story).due_at == at(16, 13, 30), "a preview writes nothing"


def test_asked_for_it_counts_again_from_the_start_and_says_so_in_the_history(cast, office):
    story = handling(cast)
    deadlines_scan(now=at(16, 11))
    version = close_on(office, 16, at(16, 11, 30))
    asked = recalculation_ask(actor=cast.administrator_bai, calendar=office, version=version,
                              reason="台风停工", now=at(16, 11, 30))  # fmt: skip
    recalculation_work(recalculation_id=asked.pk, now=at(16, 11, 30))
    clock = handle_clock(story)
    assert clock.due_at == at(17, 13, 30), "Monday no longer counts"
    assert clock.calendar_version_id == version
    assert deadline_explain(clock).is_equal
    story.case.refresh_from_db()
    assert story.case.due_at == at(17, 13, 30)
    event = CaseEvent.objects.get(case=story.case, action="recalculate", data__clock="handle")
    assert event.actor == cast.administrator_bai
    assert (event.data["from"], event.data["to"]) == (
        at(16, 13, 30).astimezone(ZoneInfo("UTC")).isoformat(),
        at(17, 13, 30).astimezone(ZoneInfo("UTC")).isoformat(),
    )
    asked.refresh_from_db()
    assert (asked.moved_count, asked.kept_count) == (2, 0)
    assert asked.finished_at == at(16, 11, 30)
    check_case(story.case.pk)
    assert list(verify_history()) == []


def test_the_new_deadline_is_warned_about_anew_and_breached_once(cast, office):
    story = handling(cast)
    deadlines_scan(now=at(16, 11))  # half of it
    version = close_on(office, 16, at(16, 11))
    asked = recalculation_ask(actor=cast.administrator_bai, calendar=office, version=version,
                              reason="台风停工", now=at(16, 11))  # fmt: skip
    recalculation_work(recalculation_id=asked.pk, now=at(16, 11))
    deadlines_scan(now=at(17, 13, 31))
    done = CaseEvent.objects.filter(case=story.case, data__clock="handle", role="SYS")
    assert [(e.action, e.data["threshold"], e.data["deadline"]) for e in done] == [
        ("warn", 50, 1), ("warn", 50, 2), ("warn", 80, 2), ("breach", 100, 2),
    ]  # fmt: skip
    check_case(story.case.pk)


def test_what_fell_due_by_the_old_deadline_is_done_before_it_moves(cast, office):
    story = handling(cast)
    version = close_on(office, 16, at(16, 14))
    asked = recalculation_ask(actor=cast.administrator_bai, calendar=office, version=version,
                              reason="台风停工", now=at(16, 14))  # fmt: skip
    recalculation_work(recalculation_id=asked.pk, now=at(16, 14))
    actions = CaseEvent.objects.filter(case=story.case, data__clock="handle").values_list(
        "action", flat=True
    )
    assert list(actions) == ["warn", "warn", "breach", "recalculate"]
    check_case(story.case.pk)


def test_pauses_grants_resting_clocks_and_collectors_tasks_follow(cast, office):
    paused, checking = handling(cast), handling(cast, metres=30)
    for story in (paused, checking):
        story.now = at(16, 10)
        story.act("request_extension", cast.clerk_sun, extension_value="2")
        story.act("approve_extension", cast.dispatcher_li)
        story.act("complete", cast.clerk_sun)
        story.act("send_check", cast.acceptor_wang)
    paused.now = at(16, 11)
    paused.act("check_fail", cast.collector_lin)
    paused.act("dispatch", cast.dispatcher_li)
    version = close_on(office, 16, at(16, 11, 10))
    asked = recalculation_ask(actor=cast.administrator_bai, calendar=office, version=version,
                              reason="台风停工", now=at(16, 11, 10))  # fmt: skip
    recalculation_work(recalculation_id=asked.pk, now=at(16, 11, 10))
    for story in (paused, checking):
        assert deadline_explain(handle_clock(story)).is_equal
        check_case(story.case.pk)
    assert handle_clock(paused).due_at == at(17, 15, 30), "six hours of Tuesday"
    assert handle_clock(checking).remaining == timedelta(hours=6)
    task = FieldTask.objects.get(case=checking.case, ended_at=None)
    checking.case.refresh_from_db()
    assert task.due_at == checking.case.due_at == at(17, 10, 30)


def test_natural_time_and_clocks_that_ended_stay(cast, office):
    story = handling(cast)
    CaseClock.objects.filter(case=story.case, kind="handle").update(limit_unit="hour")
    version = close_on(office, 20, at(16, 9))
    asked = recalculation_ask(actor=cast.administrator_bai, calendar=office, version=version,
                              reason="放假", now=at(16, 9))  # fmt: skip
    assert recalculation_work(recalculation_id=asked.pk, now=at(16, 9)) == 0
    assert not CaseEvent.objects.filter(action="recalculate").exists()


@pytest.mark.parametrize(
    ("name", "reason", "code"),
    [("root", "台风", "role_refused"), ("clerk_sun", "台风", "role_refused"),
     ("administrator_bai", "  ", "missing_field")],
)  # fmt: skip
def test_who_may_not_ask_or_says_not_why_is_refused(cast, office, name, reason, code):
    handling(cast)
    version = close_on(office, 16, at(16, 9))
    with pytest.raises(DomainError) as refusal:
        recalculation_ask(actor=cast.people[name], calendar=office, version=version,
                          reason=reason, now=at(16, 9))  # fmt: skip
    assert refusal.value.code == code
    assert not DeadlineRecalculation.objects.exists()


def test_a_preview_that_is_out_of_date_and_a_second_click_are_refused(cast, office):
    handling(cast)
    seen = close_on(office, 16, at(16, 9))
    current = close_on(office, 17, at(16, 9))
    given = {"actor": cast.administrator_bai, "calendar": office, "reason": "台风"}
    with pytest.raises(DomainError) as refusal:
        recalculation_ask(version=seen, now=at(16, 9), **given)
    assert (refusal.value.code, refusal.value.status) == ("not_possible", 409)
    asked = recalculation_ask(version=current, now=at(16, 9), **given)
    recalculation_work(recalculation_id=asked.pk, now=at(16, 9))
    with pytest.raises(DomainError):
        recalculation_ask(version=current, now=at(16, 9), **given)


def test_what_no_worker_was_told_of_is_done_by_the_schedule(cast, office):
    story = handling(cast)
    version = close_on(office, 16, at(16, 9))
    DeadlineRecalculation.objects.create(
        version_id=version, asked_by=cast.administrator_bai, asked_at=at(16, 9), reason="台风"
    )
    assert len(recalculations_waiting()) == 1
    resume_recalculations()
    assert recalculations_waiting() == []
    assert handle_clock(story).calendar_version_id == version


def test_the_page_shows_what_would_move_and_moves_it(cast, office, browser):
    story = handling(cast)
    version = close_on(office, 16, at(16, 9))
    address = reverse("admin:cases_workcalendar_recalculate", args=[office.pk])
    assert (
        address
        in browser.get(
            reverse("admin:cases_workcalendar_change", args=[office.pk])
        ).content.decode()
    )
    page = browser.get(address).content.decode()
    assert story.case.number in page
    assert "2026-03-17 13:30" in page
    sent = browser.post(address, {"version": version, "reason": "台风停工"}, follow=True)
    assert "being moved" in sent.content.decode()
    assert DeadlineRecalculation.objects.get().asked_by == cast.administrator_bai
    again = browser.post(address, {"version": "x", "reason": "台风停工"}, follow=True)
    assert again.status_code == 200


# ── rules ─────────────────────────────────────────────────────────────────────────────────────


def test_an_administrator_adds_a_rule_that_holds_from_now_on(cast, browser):
    add = reverse("admin:cases_deadlinerule_add")
    assert browser.get(add).status_code == 200
    sent = {"city": cast.city.pk, "clock": "handle", "urgency": "", "action": "warn",
            "percent": 65, "late_minutes": "", "level": 0, "steps_up": 0,
            "roles": ["department_head"]}  # fmt: skip
    assert browser.post(add, sent).status_code == 302
    rule = DeadlineRule.objects.get(percent=65)
    assert (rule.roles, rule.spread_at) == (["department_head"], None)
    assert rule.since > at(16, 0)
    listed = browser.get(reverse("admin:cases_deadlinerule_changelist")).content.decode()
    assert "Department head" in listed


@pytest.mark.parametrize(
    "given",
    [
        {"action": "warn", "percent": None},
        {"action": "warn", "percent": 50, "late_minutes": 10},
        {"action": "breach", "percent": 90},
        {"action": "escalate", "percent": 150, "level": 0},
        {"action": "warn", "percent": 70, "level": 2},
        {"action": "warn", "percent": 80},  # there is one
        {"action": "escalate", "percent": 150, "level": 1},  # there is one
    ],
)
def test_rules_that_contradict_themselves_or_another_are_refused(cast, given):
    rule = DeadlineRule(city=cast.city, clock="handle", **given)
    with pytest.raises(ValidationError):
        rule.full_clean()
