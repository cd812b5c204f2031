"""The scan: what fell due since the last one, in batches, by any number of workers at once.

A batch locks cases and passes over those somebody else has locked (an act, another scan); events,
marks and next moments of all its clocks are written in the transaction that holds the locks. A
worker that is killed leaves either all of a batch or nothing. Beat only wakes the scan: one that
comes late, twice, or not for a while changes when a step is done, never whether or how often.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from django.db import DatabaseError, OperationalError, connection, transaction

from cases.deadlines.rules import Ladder, RuleBook
from cases.deadlines.steps import pass_over, set_next
from cases.models import Case, CaseClock, CaseEvent, DeadlineRule
from cases.services.clocks import calendar_of
from cases.services.history import events_append
from cases.services.marks import deadlines_mark
from cases.time_limits import Calendar, CalendarError

logger = logging.getLogger(__name__)

BATCH = 200  # clocks; a batch's cases are locked for some 50 ms
MOST_AT_ONCE = 20_000  # clocks a scan; the next one goes on

# Walks the partial index clock_next_step in its order; rows locked elsewhere do not count.
_CLAIM = """
SELECT clock.id, clock.case_id
FROM cases_caseclock AS clock JOIN cases_case AS held ON held.id = clock.case_id
WHERE clock.next_at < %s AND clock.id <> ALL (%s)
ORDER BY clock.next_at LIMIT %s
FOR UPDATE OF held SKIP LOCKED
"""
_SAVE = """
UPDATE cases_caseclock AS clock SET next_at = given.next_at, marks = given.marks::jsonb
FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[]) AS given (id, next_at, marks)
WHERE clock.id = given.id
"""
CASE_FIELDS = (
    "id", "city_id", "number", "state", "run", "urgency", "history_head", "history_length",
)  # fmt: skip


@dataclass
class Scan:
    """What a scan did: clocks looked at, steps done, clocks that could not be done."""

    clocks: int = 0
    steps: int = 0
    failed: set[int] = field(default_factory=set)
    claimed: list[int] = field(default_factory=list)  # by the batch under way


def deadlines_scan(*, now: datetime, batch: int = BATCH, most: int = MOST_AT_ONCE) -> Scan:
    """Do every step whose moment lies before ``now``; one ``now`` for the whole scan.

    A clock that cannot be computed holds no other back: it is logged and left where it is, so that
    the sweeper finds it.
    """
    scan = Scan()
    book = RuleBook() if _is_anything_due(now) else None
    while book is not None and scan.clocks < most:
        try:
            clocks = _scan_batch(now, batch, book, scan)
        except OperationalError:
            raise  # no database: the next scan does it
        except DatabaseError:
            logger.exception("A batch of deadlines could not be written; one by one now")
            clocks = _scan_singly(now, batch, book, scan)
        if not clocks:
            break
        scan.clocks += clocks
    return scan


def _is_anything_due(now: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM cases_caseclock WHERE next_at < %s)", [now])
        return cursor.fetchone()[0]


def _scan_singly(now: datetime, batch: int, book: RuleBook, scan: Scan) -> int:
    """Do a batch clock by clock; the one that spoils it is left out."""
    done = 0
    for _each in range(batch):
        try:
            clocks = _scan_batch(now, 1, book, scan)
        except OperationalError:
            raise
        except DatabaseError:
            logger.exception("The deadline of clock %s could not be written", scan.claimed)
            scan.failed |= set(scan.claimed)
            continue
        if not clocks:
            break
        done += clocks
    return done


def _scan_batch(now: datetime, batch: int, book: RuleBook, scan: Scan) -> int:
    """Claim, do and store one batch; returns how many clocks were looked at."""
    with transaction.atomic():
        claimed = _claim(now, batch, scan.failed)
        scan.claimed = [clock for clock, _case in claimed]
        if not claimed:
            return 0
        # Read after the lock: what an act changed meanwhile counts.
        case_ids = sorted({case_id for _clock, case_id in claimed})
        cases = Case.objects.only(*CASE_FIELDS).in_bulk(case_ids)
        clocks = list(
            CaseClock.objects.filter(case__in=case_ids, next_at__lt=now)
            .exclude(pk__in=scan.failed)
            .order_by("case_id", "id")
        )
        events = _events(clocks, cases, now, book, scan)
        touched = {event.case_id for event in events}
        events_append(events, [case for pk, case in cases.items() if pk in touched])
        clocks_save([clock for clock in clocks if clock.pk not in scan.failed])
    scan.steps += len(events)
    return len(clocks)


def _claim(now: datetime, count: int, without: set[int]) -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [now, list(without), count])
        return cursor.fetchall()


def _events(
    clocks: list[CaseClock], cases: dict[int, Case], now: datetime, book: RuleBook, scan: Scan
) -> list[CaseEvent]:
    ladder = Ladder(clocks)
    events: list[CaseEvent] = []
    for case_id, group in groupby(clocks, key=attrgetter("case_id")):
        case, own = cases[case_id], list(group)
        head, length = case.history_head, case.history_length
        try:
            events += deadlines_mark(
                case,
                own,
                now=now,
                rules_of=book.of,
                calendar_of=calendar_of_clock,
                ladder=ladder,
            )
        except (CalendarError, ArithmeticError, LookupError, TypeError, ValueError):
            logger.exception("The deadlines of case %s cannot be computed", case.number)
            case.history_head, case.history_length = head, length
            scan.failed |= {clock.pk for clock in own}
    return events


def calendar_of_clock(clock: CaseClock) -> Calendar:
    """Return the calendar version a clock is counted by."""
    return calendar_of(clock.calendar_version_id)


def clocks_save(clocks: Sequence[CaseClock]) -> None:
    """Store marks and next moments in one statement; the cases must be locked."""
    if not clocks:
        return
    rows = [(clock.pk, clock.next_at, json.dumps(clock.marks)) for clock in clocks]
    with connection.cursor() as cursor:
        cursor.execute(_SAVE, [list(column) for column in zip(*rows, strict=True)])


# ── rules that were changed ───────────────────────────────────────────────────────────────────


def rules_spread(*, now: datetime) -> int:
    """Let running clocks follow rules that were set since; returns how many were looked at.

    May be repeated and interrupted: a rule counts as spread when all clocks of its kind follow it.
    """
    waiting = list(DeadlineRule.objects.filter(spread_at__isnull=True))
    looked_at = 0
    for kind in sorted({rule.clock for rule in waiting}):
        looked_at += clocks_reschedule(kind=kind)
    DeadlineRule.objects.filter(pk__in=[rule.pk for rule in waiting]).filter(
        since__in=[rule.since for rule in waiting]
    ).update(spread_at=now)
    return looked_at


# Open cases by the partial index case_due, their clocks by case.
_RUNNING = """
SELECT DISTINCT clock.case_id
FROM cases_case AS held JOIN cases_caseclock AS clock ON clock.case_id = held.id
WHERE held.is_open AND clock.stopped_at IS NULL AND clock.paused_at IS NULL
    AND clock.due_at IS NOT NULL AND (%s = '' OR clock.kind = %s)
ORDER BY clock.case_id
"""
RESCHEDULED = 500  # cases locked at once


def clocks_reschedule(*, kind: str = "", passed_until: datetime | None = None) -> int:
    """Work out anew what running clocks have to do next; returns how many there are.

    With ``passed_until`` what lay before that moment is not made up for: for clocks that were
    loaded in bulk from a city that has warned already.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RUNNING, [kind, kind])
        case_ids = [row[0] for row in cursor.fetchall()]
    return sum(
        _reschedule(case_ids[start : start + RESCHEDULED], kind, passed_until)
        for start in range(0, len(case_ids), RESCHEDULED)
    )


@transaction.atomic
def _reschedule(case_ids: list[int], kind: str, passed_until: datetime | None) -> int:
    # Waits for acts under way, in the order in which they lock: what they wrote counts.
    locked = Case.objects.filter(pk__in=case_ids).order_by("pk").select_for_update()
    cases = {case.pk: case for case in locked.only(*CASE_FIELDS)}
    running = CaseClock.objects.filter(
        case__in=case_ids, stopped_at__isnull=True, paused_at__isnull=True, due_at__isnull=False
    )
    book = RuleBook()
    clocks = list(running.filter(kind=kind) if kind else running)
    for clock in clocks:
        rules, calendar = book.of(cases[clock.case_id], clock.kind), calendar_of_clock(clock)
        if passed_until is not None:
            pass_over(clock, calendar, rules, passed_until)
        set_next(clock, calendar, rules)
    clocks_save(clocks)
    return len(clocks)
