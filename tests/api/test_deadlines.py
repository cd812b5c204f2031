"""What the system does about deadlines by itself: each step once, at its moment, never lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from threading import Thread
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from cases.deadlines.engine import clocks_reschedule, deadlines_scan, rules_spread
from cases.models import CaseClock, CaseEvent, DeadlineRule
from cases.services.verify import verify_history
from cases.tasks import scan_deadlines
from cases.workflow import State
from components.models import CaseStandard
from tests.cast import Cast, Story
from tests.matrix.invariants import check_case

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Return a moment of March 2026; the 16th is a Monday, office hours 8:30-12:00, 13:00-17:30."""
    return datetime(2026, 3, day, hour, minute, tzinfo=ZoneInfo("Asia/Shanghai"))


def handling(cast: Cast, **given) -> Story:
    """Return a case with four working hours from Monday 8:30: due at 13:30, in handling."""
    standards = CaseStandard.objects.filter(type__code="C0101", profile="general")
    standards.update(limit_value=4, limit_unit="working_hour")
    story = Story(cast, at(16, 8, 30), "C0101", **given)
    return story.walk_to(State.HANDLING)


def steps(story: Story, clock: str = "handle") -> list[str]:
    """Return what the system did about a clock, with the moments it was due, in the city's time."""
    return [
        f"{event.action} {event.data['threshold'] or event.data.get('late_minutes')} "
        f"{timezone.localtime(datetime.fromisoformat(event.data['due'])):%d %H:%M}"
        for event in CaseEvent.objects.filter(case=story.case, role="SYS").order_by("sequence")
        if event.data.get("clock") == clock
    ]


EVERYTHING = [
    "warn 50 16 10:30",
    "warn 80 16 11:42",
    "breach 100 16 13:30",
    "escalate 30 16 14:00",
    "escalate 120 16 15:30",
    "escalate 200 16 17:30",
    "escalate 300 17 13:30",
]


# ── at the right time ─────────────────────────────────────────────────────────────────────────


def test_each_step_is_done_once_its_moment_has_passed(cast):
    story = handling(cast)
    for now, count in (
        (at(16, 10, 30), 0),  # exactly half is used: not beyond it yet
        (at(16, 10, 30) + SECOND, 1),
        (at(16, 11, 42) + SECOND, 2),
        (at(16, 13, 30), 2),  # at the deadline itself a case is in time
        (at(16, 13, 30) + SECOND, 3),
        (at(16, 17, 30) + SECOND, 6),
        (at(17, 8, 0), 6),  # the night is nobody's working time
        (at(17, 13, 30) + SECOND, 7),
        (at(30, 0), 7),
    ):
        deadlines_scan(now=now)
        assert steps(story) == EVERYTHING[:count], now
    check_case(story.case.pk)


def test_scanning_again_and_again_does_nothing_twice(cast):
    story = handling(cast)
    for minutes in range(0, 3 * 24 * 60, 45):
        deadlines_scan(now=at(16, 8, 30) + minutes * MINUTE)
        deadlines_scan(now=at(16, 8, 30) + minutes * MINUTE)
    assert steps(story) == EVERYTHING
    assert CaseClock.objects.filter(next_at__isnull=False).count() == 0
    check_case(story.case.pk)


def test_after_an_outage_each_event_says_when_it_should_have_come_and_when_it_came(cast):
    story = handling(cast)
    deadlines_scan(now=at(18, 9))
    breach = CaseEvent.objects.get(case=story.case, action="breach", data__clock="handle")
    assert breach.at == at(18, 9)
    assert datetime.fromisoformat(breach.data["due"]) == at(16, 13, 30)


def test_nobodys_page_goes_stale_because_of_a_warning(cast):
    story = handling(cast)
    version = story.case.version
    deadlines_scan(now=at(16, 14))
    story.now = at(16, 14)
    story.act("complete", cast.clerk_sun, version=version)
    check_case(story.case.pk)
    assert list(verify_history()) == []


# ── no act outruns a step ─────────────────────────────────────────────────────────────────────


def test_what_fell_due_before_an_act_is_written_before_it(cast):
    """Nobody scanned: the act itself brings the history up to date."""
    story = handling(cast)
    story.now = at(16, 13, 31)
    story.act("complete", cast.clerk_sun)
    assert steps(story) == EVERYTHING[:3]
    last = CaseEvent.objects.filter(case=story.case).order_by("-sequence")[:2]
    assert [event.action for event in last] == ["complete", "breach"]
    deadlines_scan(now=at(16, 14, 40))
    assert steps(story) == EVERYTHING[:3], "handling rests: no escalation"
    check_case(story.case.pk)


def test_a_refused_act_writes_nothing(cast):
    story = handling(cast)
    story.now = at(16, 13, 31)
    assert story.refused("complete", cast.clerk_sun, note="").code == "missing_field"
    assert steps(story) == []


def test_a_deadline_found_missed_is_not_kept_by_a_machine_whose_clock_is_slow(cast):
    """The database said 13:30:01; the web server still says 13:29:58."""
    story = handling(cast)
    deadlines_scan(now=at(16, 13, 30) + SECOND)
    story.now = at(16, 13, 30) - 2 * SECOND
    story.act("complete", cast.clerk_sun)
    event = CaseEvent.objects.get(case=story.case, action="complete")
    clock = CaseClock.objects.get(case=story.case, kind="handle")
    assert event.at == clock.paused_at == at(16, 13, 30) + SECOND
    assert clock.remaining < timedelta()
    check_case(story.case.pk)


def test_workers_whose_clocks_are_weeks_apart_go_by_the_databases(cast):
    now, weeks = timezone.now(), timedelta(days=30)
    late, new = Story(cast, now - weeks, "C0101"), Story(cast, now, "C0101", metres=30)
    with time_machine.travel(now + weeks):
        scan_deadlines()
    assert steps(late, "accept")
    assert steps(new, "accept") == []
    late = Story(cast, now - weeks, "C0101", metres=60)
    with time_machine.travel(now - 2 * weeks):
        scan_deadlines()
    assert steps(late, "accept")


# ── pauses and extensions ─────────────────────────────────────────────────────────────────────


def test_a_clock_at_rest_warns_nobody_and_goes_on_where_it_was(cast):
    story = handling(cast)
    story.now = at(16, 11, 0)  # 2.5 of 4 hours used
    story.act("complete", cast.clerk_sun)
    story.act("send_check", cast.acceptor_wang)
    deadlines_scan(now=at(18, 8, 30))
    assert steps(story) == ["warn 50 16 10:30"]
    story.now = at(18, 8, 30)
    story.act("check_fail", cast.collector_lin)
    story.act("dispatch", cast.dispatcher_li)
    deadlines_scan(now=at(18, 12))
    assert steps(story) == ["warn 50 16 10:30", "warn 80 18 09:12", "breach 100 18 10:00",
                            "escalate 30 18 10:30"]  # fmt: skip
    check_case(story.case.pk)


def test_an_extension_is_a_new_deadline_with_warnings_of_its_own(cast):
    story = handling(cast)
    story.now = at(16, 13, 0)
    story.act("request_extension", cast.clerk_sun, extension_value="4")
    story.act("approve_extension", cast.dispatcher_li)  # eight hours: due at 17:30
    deadlines_scan(now=at(17, 8, 31))
    assert steps(story) == ["warn 50 16 10:30", "warn 80 16 11:42", "warn 50 16 13:30",
                            "warn 80 16 15:54", "breach 100 16 17:30"]  # fmt: skip
    check_case(story.case.pk)


def test_a_late_case_that_is_extended_was_breached_once_and_is_breached_again(cast):
    story = handling(cast)
    story.now = at(16, 14, 30)  # an hour late
    story.act("request_extension", cast.clerk_sun, extension_value="2")
    story.act("approve_extension", cast.dispatcher_li)  # due at 15:30
    deadlines_scan(now=at(16, 15, 31))
    found = [step for step in steps(story) if step.startswith("breach")]
    assert found == ["breach 100 16 13:30", "breach 100 16 15:30"]
    check_case(story.case.pk)


def test_an_extension_that_ends_in_the_past_is_no_second_breach(cast):
    story = handling(cast)
    story.now = at(16, 16, 30)  # three hours late
    story.act("request_extension", cast.clerk_sun, extension_value="1")
    story.act("approve_extension", cast.dispatcher_li)
    deadlines_scan(now=at(30, 9))
    assert [step for step in steps(story) if step.startswith("breach")] == ["breach 100 16 13:30"]
    assert [step for step in steps(story) if step.startswith("escalate")] == [
        "escalate 30 16 14:00",
        "escalate 120 16 15:30",
        "escalate 120 16 16:30",  # of the new deadline, 14:30: exactly now, so it lies ahead
        "escalate 200 17 10:30",
        "escalate 300 17 16:30",
    ]
    check_case(story.case.pk)


def test_a_stopped_clock_is_left_alone(cast):
    story = Story(cast).walk_to(State.REFUSED)
    deadlines_scan(now=at(30, 9))
    assert CaseEvent.objects.filter(case=story.case, role="SYS").count() == 0


# ── whom it tells ─────────────────────────────────────────────────────────────────────────────


def told(story: Story, action: str, level: int = 0, clock: str = "handle") -> tuple:
    data = CaseEvent.objects.get(
        case=story.case, action=action, data__level=level, data__clock=clock,
        data__threshold=100 if action == "breach" else None,
    ).data  # fmt: skip
    return data["organisation"], data["roles"]


def test_it_climbs_from_the_clerk_to_the_head_to_the_body_above_to_the_leader(cast):
    DeadlineRule.objects.filter(clock="handle", level=3).update(percent=None, late_minutes=150)
    DeadlineRule.objects.filter(clock="handle", level=4).update(percent=None, late_minutes=180)
    story = handling(cast)
    deadlines_scan(now=at(18, 9))
    sanitation, city = cast.bodies["sanitation"].pk, cast.bodies["hangzhou"].pk
    assert told(story, "escalate", 1) == (sanitation, ["department_clerk", "proxy_squad"])
    assert told(story, "escalate", 2) == (sanitation, ["department_head", "proxy_squad"])
    assert told(story, "escalate", 3) == (city, ["department_head", "dispatcher"])
    assert told(story, "escalate", 4) == (None, ["leader"])


def test_a_dissolved_body_is_left_out_on_the_way_up(cast):
    DeadlineRule.objects.filter(clock="handle", level=3).update(percent=None, late_minutes=150)
    story = handling(cast)
    CaseClock.objects.filter(case=story.case, kind="handle").update(
        organisation=cast.bodies["gudang"]
    )
    cast.bodies["xihu"].is_active = False
    cast.bodies["xihu"].save()
    deadlines_scan(now=at(18, 9))
    assert told(story, "escalate", 3)[0] == cast.bodies["hangzhou"].pk


def test_a_clock_without_rules_is_breached_all_the_same(cast):
    DeadlineRule.objects.all().delete()
    story = handling(cast)
    deadlines_scan(now=at(18, 9))
    assert steps(story) == ["breach 100 16 13:30"]
    assert told(story, "breach") == (cast.bodies["sanitation"].pk, [])


def test_rules_of_an_urgency_stand_in_for_those_of_any(cast):
    city = cast.city
    DeadlineRule.objects.create(city=city, clock="handle", urgency="normal", action="warn",
                                percent=25, since=at(1, 0))  # fmt: skip
    story = handling(cast)
    deadlines_scan(now=at(18, 9))
    assert steps(story) == ["warn 25 16 09:30", "breach 100 16 13:30"]


# ── rules that change while clocks run ────────────────────────────────────────────────────────


def test_a_rule_holds_from_the_moment_it_was_set(cast):
    story = handling(cast)
    deadlines_scan(now=at(16, 11, 0))
    for percent in (55, 70):  # 10:42 lies before, 11:18 after
        DeadlineRule.objects.create(city=cast.city, clock="handle", action="warn",
                                    percent=percent, since=at(16, 11, 0))  # fmt: skip
    assert rules_spread(now=at(16, 11, 0)) == 1
    assert rules_spread(now=at(16, 11, 0)) == 0, "nothing new to spread"
    deadlines_scan(now=at(16, 11, 43))
    assert steps(story) == ["warn 50 16 10:30", "warn 70 16 11:18", "warn 80 16 11:42"]


def test_a_rule_does_not_come_alive_through_a_pause(cast):
    """It lay before the rule when the clock was paused, and does so after it."""
    story = handling(cast)
    story.now = at(16, 11, 0)
    story.act("complete", cast.clerk_sun)
    DeadlineRule.objects.create(city=cast.city, clock="handle", action="warn", percent=55,
                                since=at(16, 14, 0))  # fmt: skip
    story.act("send_check", cast.acceptor_wang)
    story.now = at(18, 8, 30)
    story.act("check_fail", cast.collector_lin)
    story.act("dispatch", cast.dispatcher_li)
    deadlines_scan(now=at(18, 10, 1))
    assert steps(story) == ["warn 50 16 10:30", "warn 80 18 09:12", "breach 100 18 10:00"]


def test_what_was_loaded_in_bulk_is_not_warned_about_afterwards(cast):
    story = handling(cast)
    CaseClock.objects.filter(case=story.case, kind="handle").update(next_at=None)
    clocks_reschedule(passed_until=at(16, 12, 0))
    deadlines_scan(now=at(16, 13, 31))
    assert steps(story) == ["breach 100 16 13:30"]


# ── many, at once, and broken ones ────────────────────────────────────────────────────────────


def test_a_clock_that_cannot_be_computed_holds_no_other_back(cast):
    broken, whole = handling(cast), handling(cast, metres=30)
    CaseClock.objects.filter(case=broken.case, kind="handle").update(limit_unit="fortnight")
    scan = deadlines_scan(now=at(16, 13, 31), batch=1)
    assert scan.failed == {CaseClock.objects.get(case=broken.case, kind="handle").pk}
    assert steps(whole) == EVERYTHING[:3]
    assert CaseClock.objects.get(case=broken.case, kind="handle").next_at < at(16, 13, 31)


def test_a_history_that_cannot_be_written_holds_no_other_back(cast):
    broken, whole = handling(cast), handling(cast, metres=30)
    type(broken.case).objects.filter(pk=broken.case.pk).update(history_length=1)  # tampered with
    scan = deadlines_scan(now=at(16, 13, 31))
    assert len(scan.failed) == 1
    assert steps(whole) == EVERYTHING[:3]


def test_the_schedule_scans_every_fifteen_seconds(settings):
    entry = settings.CELERY_BEAT_SCHEDULE["scan-deadlines"]
    assert (entry["task"], entry["schedule"]) == (scan_deadlines.name, 15.0)


@pytest.mark.django_db(transaction=True)
def test_three_workers_at_once_do_every_step_once(cast):
    stories = [handling(cast, metres=10 * n) for n in range(8)]
    done: list[int] = []

    def work() -> None:
        done.append(deadlines_scan(now=at(18, 9), batch=3).steps)
        connection.close()

    workers = [Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    deadlines_scan(now=at(18, 9))  # what one left locked to another that was already done
    assert all(steps(story) == EVERYTHING for story in stories)
    for story in stories:
        check_case(story.case.pk)
    assert list(verify_history()) == []


@pytest.mark.django_db(transaction=True)
def test_a_case_somebody_is_working_on_is_left_to_the_next_scan(cast):
    story, other = handling(cast), handling(cast, metres=30)
    found: list[int] = []

    def work() -> None:
        found.append(deadlines_scan(now=at(18, 9)).clocks)
        connection.close()

    with transaction.atomic():
        type(story.case).objects.select_for_update().get(pk=story.case.pk)
        worker = Thread(target=work)
        worker.start()
        worker.join()
    assert (found, steps(story), steps(other)) == ([2], [], EVERYTHING)
    deadlines_scan(now=at(18, 9))
    assert steps(story) == EVERYTHING


def test_steps_are_counted_to_the_microsecond(cast):
    """A third of an hour is no whole number of minutes, and 80 % of it no whole second."""
    CaseStandard.objects.filter(type__code="C0101").update(
        limit_value=Decimal("0.33"), limit_unit="working_hour"
    )
    story = Story(cast, at(16, 8, 30), "C0101").walk_to(State.HANDLING)
    deadlines_scan(now=at(16, 8, 30) + timedelta(seconds=950, microseconds=400_000))
    assert len(steps(story)) == 1
    deadlines_scan(now=at(16, 8, 30) + timedelta(seconds=950, microseconds=400_001))
    assert len(steps(story)) == 2


def test_a_batch_never_takes_more_than_it_may(cast, monkeypatch):
    for n in range(5):
        handling(cast, metres=10 * n)
    first = deadlines_scan(now=at(18, 9), batch=2, most=4).clocks
    assert 4 <= first < 10
    assert deadlines_scan(now=at(18, 9)).clocks == 10 - first
