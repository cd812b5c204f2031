"""The watch of the system: what is stuck is found, stays found, and is gone when it is gone."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from cases.deadlines.engine import deadlines_scan
from cases.models import Case, CaseClock, CaseEvent, EventOutbox
from cases.workflow import State
from citymgmt.celery import app
from common.health import BEAT, DEADLINES, LONG, WATCH
from common.models import Heartbeat
from desks.models import WatchFinding
from desks.tasks import sweep
from desks.wall.figures import silent_sources
from desks.watch import checks
from desks.watch.panel import signs_of_life
from desks.watch.services import system_sweep
from live.models import EventPosition, EventReader, HubReport
from live.services import events_sequence, head
from tests.cast import NOW, Cast, Story, browser_of

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def look(now=NOW, with_news: bool = False) -> set[tuple[str, str]]:
    """Sweep and return what is open afterwards."""
    system_sweep(now=now, real_now=timezone.now())
    rows = WatchFinding.objects.filter(closed_at=None)
    if not with_news:  # nobody reads the log while these tests make events
        rows = rows.exclude(kind="event_without_delivery")
    return set(rows.values_list("kind", "subject"))


@pytest.fixture(autouse=True)
def numbered(cast: Cast) -> None:
    """Nothing waits for its place in the log."""
    events_sequence()


def test_a_city_at_work_has_nothing_stuck(cast):
    for metres, state in enumerate(State):
        if state is not State.MERGED:
            Story(cast, metres=10 * metres).walk_to(state)
    Story(cast, metres=500).act("dispatch_urgent", cast.dispatcher_li)
    events_sequence()
    assert look() == set()


def run_again(clock: CaseClock) -> None:
    """Let one like it run: the one that stopped stays as it is."""
    clock.pk, clock.stopped_at, clock.actual_end_at, clock.outcome = None, None, None, ""
    clock.save(force_insert=True)


def test_an_open_case_that_nobody_measures_is_found_and_its_finding_closes(cast):
    story = Story(cast).walk_to(State.HANDLING)
    events_sequence()
    clock = CaseClock.objects.get(case=story.case, kind="handle")
    CaseClock.objects.filter(pk=clock.pk).update(
        stopped_at=NOW, actual_end_at=NOW, outcome="done", next_at=None
    )
    number = story.case.number
    assert look() == {("case_without_clock", number)}
    assert look(NOW + MINUTE) == {("case_without_clock", number)}, "one finding, not two"
    finding = WatchFinding.objects.get()
    assert (finding.opened_at, finding.seen_at) == (NOW, NOW + MINUTE)
    run_again(clock)
    assert look(NOW + 2 * MINUTE) == set()
    assert WatchFinding.objects.get().closed_at == NOW + 2 * MINUTE
    CaseClock.objects.filter(pk=clock.pk).update(paused_at=NOW, next_at=None)
    assert look(NOW + 3 * MINUTE) == {("case_without_clock", number)}, "it rests in a state to act"
    assert WatchFinding.objects.count() == 2


def test_a_clock_of_another_state_or_of_a_case_that_ended_is_found(cast):
    open_case, ended = Story(cast).walk_to(State.FILED), Story(cast, metres=30)
    ended.walk_to(State.REFUSED)
    events_sequence()
    for story, kind in ((open_case, "accept"), (ended, "whole")):
        run_again(CaseClock.objects.get(case=story.case, kind=kind))
    found = {(kind, subject) for kind, subject in look() if kind == "clock_astray"}
    assert found == {
        ("clock_astray", f"{open_case.case.number} accept"),
        ("clock_astray", f"{ended.case.number} whole"),
    }


def test_a_step_that_nobody_did_is_found_after_eight_scans(cast):
    story = Story(cast).walk_to(State.HANDLING)
    events_sequence()
    due = CaseClock.objects.get(case=story.case, kind="handle").next_at
    assert look(due + 2 * MINUTE) == set()
    subject = ("step_unhandled", f"{story.case.number} handle")
    assert look(due + 2 * MINUTE + timedelta(seconds=1)) == {subject}
    deadlines_scan(now=due + 3 * MINUTE)
    events_sequence()
    assert look(due + 3 * MINUTE) == set()


def test_in_a_hurried_demo_two_minutes_of_the_world_are_meant(cast):
    story = Story(cast).walk_to(State.HANDLING)
    events_sequence()
    due = CaseClock.objects.get(case=story.case, kind="handle").next_at
    assert system_sweep(now=due + HOUR, real_now=timezone.now(), rate=60) == 0
    assert system_sweep(now=due + 3 * HOUR, real_now=timezone.now(), rate=60) == 1


def test_a_missed_deadline_that_nobody_will_ever_speak_of_is_found(cast):
    story = Story(cast).walk_to(State.HANDLING)
    events_sequence()
    CaseClock.objects.filter(case=story.case, stopped_at=None).update(next_at=None)
    due = CaseClock.objects.get(case=story.case, kind="handle").due_at
    assert look(due + HOUR) == {("breach_unmarked", f"{story.case.number} handle")}


def test_an_event_that_waits_for_its_place_and_one_that_was_lost_are_found(cast):
    story = Story(cast)
    event = CaseEvent.objects.get(case=story.case)
    assert look(NOW + MINUTE) == set(), "the sequencer runs every second"
    assert look(NOW + 3 * MINUTE) == {("event_without_position", str(event.pk))}
    EventOutbox.objects.all().delete()
    assert look(NOW + 4 * MINUTE) == {("event_without_position", str(event.pk))}
    EventPosition.objects.create(position=1_000_000, event=event)
    assert look(NOW + 5 * MINUTE) == set()


def test_an_event_that_nobody_is_told_of_is_found(cast):
    EventReader.objects.update_or_create(name="notifications", defaults={"position": 0})
    story = Story(cast).walk_to(State.FILED)
    events_sequence()
    late = look(NOW + HOUR, with_news=True)
    assert ("event_without_delivery", "notifications") in late
    EventReader.objects.update(position=head())
    still = look(NOW + HOUR, with_news=True)
    assert ("event_without_delivery", "notifications") not in still
    assert story.case.state == State.FILED


def test_silence_of_the_scan_and_of_the_long_worker_is_found(cast):
    long_ago = timezone.now() - 2 * HOUR
    for name in (DEADLINES, LONG, BEAT):
        Heartbeat.objects.create(name=name, at=long_ago)
    assert look() == {("scan_silent", DEADLINES), ("queue_stuck", LONG)}
    Heartbeat.objects.update(at=timezone.now())
    assert look(NOW + MINUTE) == set()


def test_that_nobody_watched_for_a_while_stays_on_record(cast):
    Heartbeat.objects.create(name=WATCH, at=timezone.now() - HOUR)
    assert look() == set()
    gap = WatchFinding.objects.get(kind="nobody_watched")
    assert 3600 <= gap.data["seconds"] < 3660
    assert gap.closed_at == NOW
    assert gap.opened_at < NOW - 59 * MINUTE


def test_a_check_that_fails_hides_nothing_and_is_a_finding_itself(cast, monkeypatch):
    story = Story(cast).walk_to(State.HANDLING)
    events_sequence()
    CaseClock.objects.filter(case=story.case, kind="handle").delete()
    assert look() == {("case_without_clock", story.case.number)}
    monkeypatch.setattr(checks, "_WITHOUT_CLOCK", "SELECT nonsense %s %s %s")
    assert look(NOW + MINUTE) == {
        ("case_without_clock", story.case.number),  # nobody can say that it is gone
        ("check_failed", "case_without_clock"),
    }


def test_the_schedule_sweeps_every_minute_and_shows_life(cast):
    assert app.conf.beat_schedule["sweep"] == {
        "task": sweep.name,
        "schedule": 60.0,
        "options": {"expires": 60},
    }
    assert sweep() == 0
    assert Heartbeat.objects.filter(name=WATCH).exists()


# ── the panel ─────────────────────────────────────────────────────────────────────────────────


def page_of(cast: Cast, name: str = "supervisor_zhao") -> str:
    browser = browser_of(cast.people[name])
    return browser.get("/supervision/panels/system/").content.decode()


def test_the_panel_says_that_all_is_well(cast):
    for name in (BEAT, DEADLINES, WATCH, LONG):
        Heartbeat.objects.create(name=name, at=timezone.now())
    hub_report()
    page = page_of(cast)
    assert "all is well" in page
    assert "12 pages · delay 0.02 s, 99 % within 0.15 s" in page


def hub_report(at: datetime | None = None) -> HubReport:
    return HubReport.objects.create(
        process="ws:1",
        at=at or timezone.now(),
        line_count=12,
        position=7,
        sent_count=40,
        reload_count=1,
        median_delay=0.02,
        slow_delay=0.15,
    )


def test_the_panel_says_when_pages_are_no_longer_told(cast):
    for name in (BEAT, DEADLINES, WATCH, LONG):
        Heartbeat.objects.create(name=name, at=timezone.now())
    hub_report(timezone.now() - 2 * MINUTE)
    page = page_of(cast)
    assert "all is well" not in page
    assert "2 min ago" in page


def test_metrics_answer_to_the_token_alone(cast, settings):
    hub_report()
    settings.METRICS_TOKEN = "from-the-settings"
    for given in ({}, {"authorization": "Bearer wrong"}):
        assert Client(headers=given).get("/-/metrics").status_code == 404
    answer = Client(headers={"authorization": "Bearer from-the-settings"}).get("/-/metrics")
    text = answer.content.decode()
    assert 'citymgmt_live_lines{process="ws:1"} 12' in text
    assert 'citymgmt_live_delay_seconds{process="ws:1",quantile="0.99"} 0.15' in text
    assert text.count("# TYPE citymgmt_live_delay_seconds gauge") == 1


def test_the_panel_says_that_beat_is_silent_though_nobody_sweeps(cast):
    Heartbeat.objects.create(name=BEAT, at=timezone.now() - HOUR)
    page = page_of(cast)
    assert "all is well" not in page
    assert "1 h ago" in page
    assert "Nothing is lost" in page


@pytest.mark.parametrize(("age", "is_silent"), [(MINUTE / 2, False), (2 * MINUTE, True)])
def test_what_never_showed_that_it_lives_may_be_starting_on_the_wall_as_on_the_panel(
    cast, monkeypatch, age, is_silent
):
    now = timezone.now()
    Heartbeat.objects.create(name=BEAT, at=now)
    monkeypatch.setattr("desks.watch.panel.STARTED_AT", now - age)
    silent = {BEAT: False, DEADLINES: is_silent, WATCH: is_silent}
    panel = [not sign["is_well"] for sign in signs_of_life(now)][: len(silent)]
    wall = {source["name"] for source in silent_sources(now)}
    assert panel == list(silent.values())
    assert wall == {name for name in silent if silent[name]}


def test_the_panel_leads_to_the_case_that_is_stuck_and_remembers_what_was(cast):
    now = timezone.now()
    story = Story(cast, now).walk_to(State.HANDLING)
    events_sequence()
    CaseClock.objects.filter(case=story.case, kind="handle").delete()
    system_sweep(now=now, real_now=now)
    page = page_of(cast, "leader_tang")
    assert "Open case without a running clock" in page
    assert f"/cases/{story.case.number}/" in page
    Case.objects.filter(pk=story.case.pk).update(is_open=False, state="closed", ended_at=now)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cases_caseclock SET stopped_at = now(), outcome = 'ended',"
                       " next_at = NULL WHERE stopped_at IS NULL")  # fmt: skip
    system_sweep(now=now + MINUTE, real_now=now)
    assert "Gone within the last day" in page_of(cast)
