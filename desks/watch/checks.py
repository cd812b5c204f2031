"""What may be stuck, each check one statement. Reads only; what it returns is stuck right now.

A check names what it finds by a subject that stays the same from sweep to sweep: a case's number,
a process, an event. At most ``MOST`` of a kind are named; more would help nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import redis
from django.conf import settings
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from cases.services.clocks import CLOCK_OF_STATE
from cases.workflow import ClockKind, State
from common.health import DEADLINES, LONG, redis_client
from common.models import Heartbeat
from evaluation.models import FactCheck
from live.notifications.selectors import notifications_watch

MOST = 100
LATE_AFTER = timedelta(minutes=2)  # eight scans
SCAN_SILENT_AFTER = timedelta(seconds=60)  # four scans
LONG_SILENT_AFTER = timedelta(minutes=30)  # a piece of long work takes a minute
MOST_QUEUED = 200  # tasks; beat's expire, so a worker that lives never lets so many wait
RECENT_EVENTS = 5000
QUEUES = ("celery", "long")


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that is stuck."""

    subject: str
    case_id: int | None = None
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Look:
    """When somebody looks: the city's time, and how fast it runs (a demo's may be quick)."""

    now: datetime
    rate: float = 1.0

    @property
    def late_before(self) -> datetime:
        """What was due before this moment should have been done."""
        return self.now - LATE_AFTER * max(self.rate, 1.0)


Check = Callable[[Look], list[Found]]
KIND_OF_STATE = {**CLOCK_OF_STATE, State.SUSPENDED: ClockKind.HANDLE}


def _rows(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, MOST])
        return cursor.fetchall()


def _states() -> list[list[str]]:
    return [[state.value for state in KIND_OF_STATE], [k.value for k in KIND_OF_STATE.values()]]


# Open cases by the partial index case_due; clocks by case.
_WITHOUT_CLOCK = """
SELECT held.number, held.id, held.state
FROM cases_case AS held
    LEFT JOIN unnest(%s::text[], %s::text[]) AS waits (state, kind) ON waits.state = held.state
WHERE held.is_open AND NOT EXISTS (
    SELECT FROM cases_caseclock AS clock
    WHERE clock.case_id = held.id AND clock.run = held.run AND clock.stopped_at IS NULL
        AND clock.sub_order_id IS NULL AND clock.kind = waits.kind
        AND (clock.paused_at IS NULL OR held.state = 'suspended')
)
ORDER BY held.id LIMIT %s
"""


def case_without_clock(look: Look) -> list[Found]:
    """Find open cases that wait for something nobody measures."""
    rows = _rows(_WITHOUT_CLOCK, _states())
    return [Found(number, pk, {"state": state}) for number, pk, state in rows]


# Running clocks by the partial index clock_running.
_ASTRAY = """
SELECT held.number || ' ' || clock.kind, held.id, held.state, clock.kind
FROM cases_caseclock AS clock JOIN cases_case AS held ON held.id = clock.case_id
    LEFT JOIN unnest(%s::text[], %s::text[]) AS waits (state, kind) ON waits.state = held.state
WHERE clock.stopped_at IS NULL AND clock.paused_at IS NULL AND NOT (
    held.is_open AND clock.run = held.run AND (
        clock.kind = 'whole' OR clock.kind = waits.kind OR clock.sub_order_id IS NOT NULL
        OR held.has_open_filing AND clock.kind IN ('accept', 'file')
    )
)
ORDER BY clock.id LIMIT %s
"""


def clock_astray(look: Look) -> list[Found]:
    """Find clocks that run although their case waits for something else, or has ended."""
    return [
        Found(subject, pk, {"state": state, "clock": kind})
        for subject, pk, state, kind in _rows(_ASTRAY, _states())
    ]


# By the partial index clock_next_step.
_UNHANDLED = """
SELECT held.number || ' ' || clock.kind, held.id, clock.kind, clock.next_at
FROM cases_caseclock AS clock JOIN cases_case AS held ON held.id = clock.case_id
WHERE clock.next_at < %s ORDER BY clock.next_at LIMIT %s
"""


def step_unhandled(look: Look) -> list[Found]:
    """Find steps of deadlines that fell due and were not done, the oldest first."""
    return [
        Found(subject, pk, {"clock": kind, "since": since.isoformat()})
        for subject, pk, kind, since in _rows(_UNHANDLED, [look.late_before])
    ]


# By the partial index clock_running, which is ordered by due_at.
_UNMARKED = """
SELECT held.number || ' ' || clock.kind, held.id, clock.kind, clock.due_at
FROM cases_caseclock AS clock JOIN cases_case AS held ON held.id = clock.case_id
WHERE clock.stopped_at IS NULL AND clock.paused_at IS NULL AND clock.due_at < %s
    AND clock.next_at IS NULL AND NOT clock.marks @> '[{"step": "breach"}]'
ORDER BY clock.due_at LIMIT %s
"""


def breach_unmarked(look: Look) -> list[Found]:
    """Find running clocks whose deadline has passed and of which nobody will ever say so."""
    return [
        Found(subject, pk, {"clock": kind, "since": since.isoformat()})
        for subject, pk, kind, since in _rows(_UNMARKED, [look.late_before])
    ]


_UNNUMBERED = """
SELECT event.id, event.case_id, event.action, event.at
FROM cases_eventoutbox AS waiting JOIN cases_caseevent AS event ON event.id = waiting.event_id
WHERE event.at < %s ORDER BY event.id LIMIT %s
"""
_LOST = """
SELECT event.id, event.case_id, event.action, event.at
FROM (SELECT * FROM cases_caseevent ORDER BY id DESC LIMIT %s) AS event
WHERE NOT EXISTS (SELECT FROM cases_eventoutbox AS waiting WHERE waiting.event_id = event.id)
    AND NOT EXISTS (SELECT FROM live_eventposition AS given WHERE given.event_id = event.id)
ORDER BY event.id LIMIT %s
"""


def event_without_position(look: Look) -> list[Found]:
    """Find events that wait for their place in the log, or were lost on the way to it."""
    rows = _rows(_UNNUMBERED, [look.late_before]) + _rows(_LOST, [RECENT_EVENTS])
    return [
        Found(str(pk), case_id, {"action": action, "since": at.isoformat()})
        for pk, case_id, action, at in rows
    ]


def event_without_delivery(look: Look) -> list[Found]:
    """Find readers of the log that are behind, and messages that were due and are not sent.

    How far behind is counted in the city's time, which says nothing where a demo's is hurried.
    """
    if look.rate > 1:
        return []
    watch = notifications_watch(look.now)
    found = [Found(lag.name) for lag in watch.late_readers]
    if watch.is_sending_late and watch.oldest_due_at is not None:
        found.append(Found("deliveries", data={"since": watch.oldest_due_at.isoformat()}))
    return found


def fact_differs(look: Look) -> list[Found]:
    """Find facts that are not what the events say, as the last night's look found."""
    last = FactCheck.objects.order_by("-pk").first()
    if last is None or not last.difference_count:
        return []
    since = last.checked_at.isoformat()
    return [Found(f"{last.difference_count}", data={"since": since, "facts": last.differences[:5]})]


def _silent(name: str, after: timedelta) -> list[Found]:
    late = Heartbeat.objects.filter(name=name, at__lt=Now() - after)
    ages = late.annotate(age=Now() - F("at")).values_list("age", flat=True)
    return [Found(name, data={"seconds": int(age.total_seconds())}) for age in ages]


def scan_silent(look: Look) -> list[Found]:
    """Find that no scan of deadlines went through lately."""
    return _silent(DEADLINES, SCAN_SILENT_AFTER)


def queue_stuck(look: Look) -> list[Found]:
    """Find queues that nobody works off."""
    waiting = queue_lengths()
    stuck = [
        Found(name, data={"waiting": count})
        for name, count in (waiting or {}).items()
        if count > MOST_QUEUED
    ]
    return stuck or _silent(LONG, LONG_SILENT_AFTER)


def queue_lengths() -> dict[str, int] | None:
    """Return how many tasks wait in each queue; None where Redis does not answer."""
    if not settings.REDIS_URL:
        return None
    try:
        return {name: cast(int, redis_client().llen(name)) for name in QUEUES}
    except redis.RedisError:
        return None


CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        case_without_clock,
        clock_astray,
        step_unhandled,
        breach_unmarked,
        event_without_position,
        event_without_delivery,
        fact_differs,
        scan_silent,
        queue_stuck,
    )
}
