"""Deadlines while everything goes wrong: each step once, at its moment, by an independent count.

Workers are killed with -9, Redis is flushed, two beats send every scan twice, database connections
are cut as by a restart, a calendar is edited. What should have happened is worked out afterwards
from what people did, by the calendar of one byte a minute that shares nothing with the program's.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import redis
from django.conf import settings as django_settings
from django.db import OperationalError, connection

from cases.deadlines.engine import deadlines_scan
from cases.deadlines.recalculation import recalculation_ask, recalculation_work
from cases.models import (
    CalendarVersion,
    Case,
    CaseClock,
    CaseEvent,
    DeadlineRecalculation,
    DeadlineRule,
    WorkCalendar,
)
from cases.seeding.cloning import cases_multiply
from cases.services.calendars import calendar_publish
from cases.services.verify import verify_history
from cases.workflow import State
from common import clock
from common.errors import DomainError, refusal_of
from common.health import DEADLINES
from common.models import Heartbeat
from components.models import CaseStandard
from tests.cast import Cast, Story
from tests.faults.servers import Program, Redis, Web, running, wait_until
from tests.unit.naive_calendar import NaiveCalendar

pytestmark = pytest.mark.django_db(transaction=True)

SEED = 20260316
MINUTE = timedelta(minutes=1)
WORKING_UNITS = ("minute", "working_hour", "working_day")  # the whole has none: natural time
MINUTES_OF = {"minute": 1, "working_hour": 60, "hour": 60, "emergency_hour": 60, "day": 1440}
HANGZHOU = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 3, 16, 8, 30, tzinfo=HANGZHOU)  # a Monday


# ── what should have happened ─────────────────────────────────────────────────────────────────


class Expected:
    """The steps of every clock, counted minute by minute from what people did."""

    def __init__(self, until: datetime) -> None:
        self.until = until
        self.calendars: dict[int, NaiveCalendar] = {}
        fields = ("clock", "action", "percent", "late_minutes", "level")
        self.rules = list(DeadlineRule.objects.filter(urgency="").values(*fields))

    def steps(self) -> Counter[tuple]:
        """Return (clock, deadline, action, threshold, level, moment), each of which is due once."""
        found: Counter[tuple] = Counter()
        for each in CaseClock.objects.select_related("case").exclude(due_at=None):
            found.update(self._of(each))
        return found

    def _of(self, each: CaseClock) -> Iterator[tuple]:
        end = each.stopped_at or self.until
        if each.paused_at:
            end = min(end, each.paused_at)
        pauses = [tuple(map(datetime.fromisoformat, pause)) for pause in each.pauses]
        if each.stopped_at and each.actual_end_at < each.stopped_at:
            end = each.actual_end_at  # it rested when it was stopped
        runs = list(
            zip([each.started_at, *(b for _a, b in pauses)], [*(a for a, _b in pauses), end],
                strict=True)
        )  # fmt: skip
        for number, (since, before, allowed) in enumerate(self._deadlines(each), 1):
            for rule in self.rules:
                if rule["clock"] != each.kind:
                    continue
                moment = self._reached(each, runs, self._used(rule, allowed))
                if moment is not None and since <= moment < min(before, self.until):
                    yield (each.pk, number, rule["action"], rule["percent"], rule["level"], moment)

    def _deadlines(self, each: CaseClock) -> Iterator[tuple[datetime, datetime, timedelta]]:
        """Yield from when to when each deadline held, and how much time it allowed."""
        forever = datetime.max.replace(tzinfo=UTC)
        if each.kind == "whole":
            filed = datetime.fromisoformat(each.parts["from"])
            yield filed, forever, self._whole(each, filed) - each.started_at
            return
        granted_at = CaseEvent.objects.filter(
            case=each.case_id, action="approve_extension", data__has_key="due_at",
            at__gte=each.started_at, at__lte=each.stopped_at or self.until,
        ).order_by("sequence").values_list("at", flat=True)  # fmt: skip
        moments = [each.started_at, *(granted_at if each.granted else ()), forever]
        allowed = self._duration(each, each.limit_value, each.limit_unit)
        for number, (since, before) in enumerate(pairwise(moments)):
            if number:
                grant = each.granted[number - 1]
                allowed += self._duration(each, Decimal(grant["value"]), grant["unit"])
            yield since, before, allowed

    def _whole(self, each: CaseClock, moment: datetime) -> datetime:
        for part in each.parts["limits"]:
            nominal = self._nominal(part["calendar_version"])
            minutes = {**MINUTES_OF, "working_day": nominal}[part["unit"]]
            amount = minutes * MINUTE * float(part["value"])
            if part["unit"] in WORKING_UNITS:
                moment = self._calendar(part["calendar_version"]).add(moment, amount)
            else:
                moment += amount
        return moment

    def _duration(self, each: CaseClock, value: Decimal, unit: str) -> timedelta:
        nominal = self._nominal(each.calendar_version_id)
        return {**MINUTES_OF, "working_day": nominal}[unit] * MINUTE * float(value)

    @staticmethod
    def _used(rule: dict, allowed: timedelta) -> timedelta:
        if rule["late_minutes"] is not None:
            return allowed + rule["late_minutes"] * MINUTE
        microseconds = Decimal(allowed // timedelta(microseconds=1)) * rule["percent"] / 100
        return timedelta(microseconds=int(microseconds.to_integral_value(ROUND_FLOOR)))

    def _reached(
        self, each: CaseClock, runs: list[tuple[datetime, datetime]], used: timedelta
    ) -> datetime | None:
        """Return when the clock had run for so long, None if it never came to it."""
        for start, end in runs:
            ran = self._between(each, start, end)
            if used <= ran:  # all of it: at the end of a working day, though it rested at night
                moment = self._add(each, start, used)
                if moment < end:
                    return moment
            used -= ran
        return None

    def _between(self, each: CaseClock, start: datetime, end: datetime) -> timedelta:
        if each.limit_unit not in WORKING_UNITS:
            return end - start
        return self._calendar(each.calendar_version_id).between(start, end)

    def _add(self, each: CaseClock, start: datetime, amount: timedelta) -> datetime:
        if each.limit_unit not in WORKING_UNITS:
            return start + amount
        return self._calendar(each.calendar_version_id).add(start, amount)

    def _calendar(self, version: int) -> NaiveCalendar:
        if version not in self.calendars:
            data = CalendarVersion.objects.get(pk=version).data
            days = {date.fromisoformat(day): slots for day, slots in data["days"].items()}
            first, last = date(2026, 1, 1), date(2027, 6, 30)
            self.calendars[version] = NaiveCalendar(first, last, data["week"], days)
        return self.calendars[version]

    @staticmethod
    def _nominal(version: int) -> int:
        return CalendarVersion.objects.get(pk=version).data["nominal_day_minutes"]


def happened() -> Counter[tuple]:
    """Return what the histories say the system did, in the same form."""
    steps: Counter[tuple] = Counter()
    for event in CaseEvent.objects.filter(action__in=("warn", "breach", "escalate")):
        data, due = event.data, datetime.fromisoformat(event.data["due"])
        assert due < event.at, "nothing is done before its moment"
        which = data["clock_id"], data["deadline"], event.action
        steps[(*which, data["threshold"], data["level"], due)] += 1
    return steps


def check_everything(until: datetime) -> None:
    """Compare what happened with what should have, and look at every chain."""
    found, expected = happened(), Expected(until).steps()
    assert found - expected == Counter(), "these were too many, or at the wrong time"
    assert expected - found == Counter(), "these were missed"
    assert max(found.values(), default=0) <= 1
    for case in Case.objects.all():
        moments = list(case.events.order_by("sequence").values_list("at", flat=True))
        assert moments == sorted(moments), "time never runs backwards in a case"
    assert list(verify_history()) == []


# ── a month of work, with everything going wrong ──────────────────────────────────────────────


class Celery(Program):
    """A worker or a beat on the database of the tests, in a demo's time."""

    def __init__(self, redis_url: str, *words: str) -> None:
        super().__init__()
        self.redis_url, self.words = redis_url, words

    def command(self) -> list[str]:
        celery = str(Path(sys.executable).with_name("celery"))
        words = (word.replace("FOLDER", str(self.folder)) for word in self.words)
        return [celery, "--quiet", "--app", "citymgmt", *words, "--loglevel", "ERROR"]

    def environment(self) -> dict[str, str]:
        return {
            **Web(self.redis_url).environment(),
            "DEMO": "True",
            "DEADLINE_SCAN_SECONDS": "0.3",
            "CONN_MAX_AGE": "600",
        }

    def answers(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Month:
    """People work on some cases while the city's time flies."""

    ROAD = {
        State.DISPATCHED: ("sign", "clerk_sun"),
        State.HANDLING: ("complete", "clerk_sun"),
        State.HANDLED: ("send_check", "acceptor_wang"),
        State.CHECKING: ("check_fail", "collector_lin"),
        State.REWORK: ("dispatch", "dispatcher_li"),
        State.CHECKED: ("close", "supervisor_zhao"),
    }

    def __init__(self, cast: Cast, count: int) -> None:
        self.chance, self.cast = random.Random(SEED), cast
        self.stories = []
        for number in range(count):
            limit, unit = self.chance.choice([("4", "working_hour"), ("2", "working_day")])
            standards = CaseStandard.objects.filter(type__code="C0101", profile="general")
            standards.update(limit_value=limit, limit_unit=unit)
            story = Story(cast, START + number * MINUTE, "C0101", metres=10 * number)
            self.stories.append(story.walk_to(State.HANDLING))

    def somebody_acts(self) -> None:
        """Take one case a step further, or have its deadline extended."""
        story = self.chance.choice(self.stories)
        story.now = clock.now()
        state = State(Case.objects.values_list("state", flat=True).get(pk=story.case.pk))
        try:
            if state is State.HANDLING and self.chance.random() < 0.3:
                story.extend()
            elif state is State.CHECKING and self.chance.random() < 0.3:
                story.act("check_pass", self.cast.collector_lin)
            elif state in self.ROAD:
                action, name = self.ROAD[state]
                story.act(action, self.cast.people[name])
        except (DomainError, OperationalError) as error:
            if refusal_of(error) is None:
                raise


FAULTS = ("kill", "flush", "cut")


def cut_connections() -> None:
    """Cut everybody else's connections, as a restart of the database does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user"
            " AND pid <> pg_backend_pid()"
        )


def test_a_month_with_killed_workers_flushed_redis_and_two_beats(cast, size, settings):
    settings.DEMO = True
    days, rate = size(3, 30), size(40_000, 20_000)
    count = size(6, 40)
    clock.demo_clock_start(virtual_now=START + count * MINUTE)  # when all of them are reported
    month = Month(cast, count)
    chance = random.Random(SEED)
    faults: Counter[str] = Counter()
    with (
        running(Redis()) as messenger,
        running(Celery(messenger.url, "worker", "--concurrency", "1", "--hostname", "a@x")) as one,
        running(Celery(messenger.url, "worker", "--concurrency", "1", "--hostname", "b@x")) as two,
        running(Celery(messenger.url, "beat", "--schedule", "FOLDER/beat", "--pidfile=")),
        running(Celery(messenger.url, "beat", "--schedule", "FOLDER/beat", "--pidfile=")),
    ):
        wait_until(Heartbeat.objects.filter(name=DEADLINES).exists, "the first scan")
        clock.demo_clock_set(rate=rate)
        end, pause = clock.now() + timedelta(days=days), threading.Event()
        while clock.now() < end or len(faults) < len(FAULTS):
            month.somebody_acts()
            if chance.random() < 0.2:
                fault = FAULTS[sum(faults.values()) % len(FAULTS)]
                faults[fault] += 1
                if fault == "kill":
                    worker = chance.choice([one, two])
                    worker.kill()
                    worker.start()
                elif fault == "flush":
                    redis.Redis.from_url(messenger.url).flushall()
                else:
                    cut_connections()
            pause.wait(0.05)
    by_the_system = CaseEvent.objects.filter(role="SYS").count()
    until = clock.database_now()
    deadlines_scan(now=until)  # what the last fault kept from being done
    assert by_the_system
    check_everything(until)


# ── kill -9 inside a batch ────────────────────────────────────────────────────────────────────


class Scans:
    """Scans in processes of their own, some of which are killed amid their work."""

    def __init__(self, now: datetime) -> None:
        self.now, self.chance = now, random.Random(SEED)

    def run(self, killed_after: float | None) -> float:
        """Scan once; returns how long it took, or was allowed to."""
        connection.close()  # a child must not share it
        started = time.monotonic()
        child = os.fork()
        if not child:
            try:
                deadlines_scan(now=self.now, batch=5)
            finally:
                os._exit(0)
        if killed_after is not None:
            threading.Event().wait(killed_after)
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return time.monotonic() - started


def due_clocks(now: datetime) -> int:
    return CaseClock.objects.filter(next_at__lt=now).count()


def test_a_worker_killed_inside_a_batch_leaves_it_whole_or_undone(cast, size):
    stories = [
        Story(cast, START, "C0101", metres=5 * n).walk_to(State.HANDLING)
        for n in range(size(8, 60))
    ]
    cases_multiply(stories[0].case.pk, size(60, 1000))
    now = START + timedelta(days=20)
    scans, killed = Scans(now), 0
    before = due_clocks(now)
    for _each in range(size(40, 400)):
        scans.run(killed_after=scans.chance.uniform(0.005, 0.15))
        killed += 1
        check_whole_batches(now)
        if not due_clocks(now):
            break
    scans.run(killed_after=None)
    assert killed >= 1
    assert before
    assert not due_clocks(now)
    found, expected = happened(), Expected(now).steps()
    assert found == expected


def check_whole_batches(now: datetime) -> None:
    """A clock is looked at either with everything that was due, or not at all."""
    told = Counter(CaseEvent.objects.filter(role="SYS").values_list("data__clock_id", flat=True))
    for each in CaseClock.objects.exclude(due_at=None).only("pk", "marks", "next_at"):
        assert len(each.marks) == told[each.pk]
        assert not (each.marks and each.next_at is not None and each.next_at < now)


# ── a calendar edited while many clocks run ───────────────────────────────────────────────────


def test_a_calendar_edited_under_thousands_of_clocks_moves_none_until_somebody_asks(cast, size):
    standards = CaseStandard.objects.filter(type__code="C0101", profile="general")
    standards.update(limit_value=4, limit_unit="working_hour")
    story = Story(cast, START, "C0101").walk_to(State.HANDLING)
    cases_multiply(story.case.pk, size(50, 5_000))  # two running clocks each
    running_clocks = CaseClock.objects.filter(stopped_at=None).exclude(due_at=None)
    before = dict(running_clocks.values_list("pk", "due_at"))
    assert len(before) >= size(100, 10_000)
    version = CaseClock.objects.get(case=story.case, kind="handle").calendar_version
    office = WorkCalendar.objects.get(pk=version.calendar_id)
    office.days.create(date=date(2026, 3, 16), is_working=False, note="台风停工")
    now = START + 30 * MINUTE
    edited = calendar_publish(office, now)
    deadlines_scan(now=now)
    assert dict(running_clocks.values_list("pk", "due_at")) == before, "no deadline moves by itself"

    asked = recalculation_ask(actor=cast.administrator_bai, calendar=office, version=edited.pk,
                              reason="台风停工一天", now=now)  # fmt: skip
    scanning = threading.Thread(target=scan_and_close, args=(now + 4 * timedelta(hours=1),))
    scanning.start()
    recalculation_work(recalculation_id=asked.pk, now=now)
    recalculation_work(recalculation_id=asked.pk, now=now)  # twice does nothing twice
    scanning.join()
    after = dict(running_clocks.values_list("pk", "due_at"))
    asked = DeadlineRecalculation.objects.get(pk=asked.pk)
    moved = {pk for pk in before if before[pk] != after[pk]}
    assert asked.finished_at is not None
    assert asked.moved_count == len(moved) == len(before)
    told = CaseEvent.objects.filter(action="recalculate")
    assert Counter(event.data["clock_id"] for event in told) == Counter(moved)
    expected = Expected(now)
    for each in CaseClock.objects.filter(pk__in=list(moved)[:200], kind="handle"):
        limit = expected._duration(each, each.limit_value, each.limit_unit)
        assert each.due_at == expected._calendar(edited.pk).add(each.started_at, limit)


def scan_and_close(now: datetime) -> None:
    """Scan from another thread, on a connection of its own."""
    deadlines_scan(now=now)
    connection.close()


def test_the_settings_of_the_tests_are_those_of_the_program():
    """The faults above are met by the program's own schedule and routes."""
    assert django_settings.CELERY_TASK_ACKS_LATE
    assert django_settings.CELERY_BEAT_SCHEDULE["scan-deadlines"]["options"]["expires"] == 15
