"""Clocks at work: start, stop, pause, resume, extend, and what is written at the end of an act.

A ``ClockBook`` holds the clocks of one run of one case while an act changes them and writes them in
two statements. How long a limit is and when it falls due is ``cases.time_limits``; which limit a
stage has is data (``StageLimit``, the case's standard).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from operator import itemgetter
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.deadlines.rules import Rules, chosen_rules
from cases.deadlines.steps import pass_over, set_next
from cases.models import CalendarUse, CalendarVersion, Case, CaseClock, SubOrder
from cases.parts import parts_of
from cases.situation import Situation
from cases.time_limits import Calendar, Limit, Unit, advance, due_at, elapsed, warn_at
from cases.workflow import CLOCK_LABELS, ClockKind, ClockOutcome, ClockStep, State, Verb
from common.errors import DomainError
from common.prepared import Statement

MICROSECOND = timedelta(microseconds=1)

# The stages that still lie ahead when a case is filed: their limits add up to the whole.
AFTER_FILING = (
    ClockKind.DISPATCH,
    ClockKind.HANDLE,
    ClockKind.SEND_CHECK,
    ClockKind.CHECK,
    ClockKind.CLOSE,
)

# The clock a case waits for in each state.
CLOCK_OF_STATE = {
    State.REPORTED: ClockKind.ACCEPT,
    State.CONFIRMING: ClockKind.CONFIRM,
    State.ACCEPTED: ClockKind.FILE,
    State.FILED: ClockKind.DISPATCH,
    State.DISPATCHED: ClockKind.HANDLE,
    State.HANDLING: ClockKind.HANDLE,
    State.HANDLED: ClockKind.SEND_CHECK,
    State.CHECKING: ClockKind.CHECK,
    State.REWORK: ClockKind.DISPATCH,
    State.CHECKED: ClockKind.CLOSE,
}


class LimitsMissing(DomainError):
    """The city's settings name no limit for a stage."""

    def __init__(self, kind: ClockKind) -> None:
        super().__init__(
            "not_configured",
            _("No time limit is set for the stage “%(stage)s”. Please tell the administrator.")
            % {"stage": CLOCK_LABELS[kind]},
            status=409,
        )


@lru_cache(maxsize=128)
def calendar_of(version_id: int) -> Calendar:
    """Return the calendar of a version; versions never change, so they may be kept."""
    return Calendar.from_dict(
        CalendarVersion.objects.values_list("data", flat=True).get(pk=version_id)
    )


@dataclass(frozen=True, slots=True)
class StageRule:
    """The limit of a stage and the calendar it is counted by."""

    limit: Limit
    calendar_version_id: int
    stage_limit_id: int | None = None
    standard_id: int | None = None

    @property
    def calendar(self) -> Calendar:
        """The calendar itself."""
        return calendar_of(self.calendar_version_id)


# What an act may need to know when it starts a clock, in one statement.
_LIMITS_AND_RULES = Statement(
    "limits_and_rules",
    """
SELECT
    (SELECT json_agg(row_to_json(stage)) FROM (
        SELECT stage.id, clock, urgency, valid_from, limit_value::text, limit_unit,
            calendar.current_version_id AS version
        FROM cases_stagelimit AS stage
            LEFT JOIN cases_workcalendar AS calendar ON calendar.id = stage.calendar_id
        WHERE valid_from <= %s::date AND (valid_to IS NULL OR valid_to > %s::date)
            AND urgency IN ('', %s) AND (calendar.id IS NULL OR calendar.city_id = %s)
    ) AS stage)::text,
    (SELECT json_agg(row_to_json(rule)) FROM (
        SELECT clock, urgency, action, percent, late_minutes, level, steps_up, roles, since
        FROM cases_deadlinerule WHERE city_id = %s AND urgency IN ('', %s)
    ) AS rule)::text
""",
)


class StageLimits:
    """The limits of today for the stages of one case, and what follows from their deadlines.

    One query for all of them, another one only if the case becomes urgent meanwhile.
    """

    def __init__(self, case: Case, now: datetime) -> None:
        self.case = case
        self.now = now
        self._read: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {}

    def _rows(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return limits, the one for this urgency first and the latest first, and rules."""
        urgency = self.case.urgency
        if urgency not in self._read:
            day, city = timezone.localdate(self.now), self.case.city_id
            with connection.cursor() as cursor:
                _LIMITS_AND_RULES.execute(cursor, [day, day, urgency, city, city, urgency])
                limits, rules = (json.loads(text or "[]") for text in cursor.fetchone())
            limits.sort(key=itemgetter("urgency", "valid_from"), reverse=True)
            self._read[urgency] = limits, rules
        return self._read[urgency]

    def rules(self, kind: str) -> Rules:
        """Return what follows from the deadline of a clock."""
        rows = [row for row in self._rows()[1] if row["clock"] == kind]
        return chosen_rules(rows, self.case.urgency)

    def of(self, kind: ClockKind) -> StageRule:
        """Return the limit of a stage: the one for this urgency before the one for any."""
        row = next((row for row in self._rows()[0] if row["clock"] == kind), None)
        if row is None or row["version"] is None:
            raise LimitsMissing(kind)
        limit = Limit(Decimal(row["limit_value"]), Unit(row["limit_unit"]))
        return StageRule(limit, row["version"], row["id"])

    def handling(self) -> StageRule:
        """Return the case's own limit, counted by the calendar of its type or department."""
        if self.case.limit_value is None:
            return self.of(ClockKind.HANDLE)
        return StageRule(
            Limit(Decimal(self.case.limit_value), Unit(self.case.limit_unit)),
            self._handling_calendar,
            standard_id=self.case.standard_id,
        )

    @cached_property
    def _handling_calendar(self) -> int:
        """A calendar of the department outranks one of the type; else the dispatch stage's.

        Asked once an act: no act changes type or department after its first handling clock.
        """
        uses = CalendarUse.objects.filter(
            Q(department_id=self.case.department_id, department__isnull=False)
            | Q(type_id=self.case.type_id, type__isnull=False)
        ).values_list("department_id", "calendar__current_version_id")
        ranked = sorted(uses, key=lambda use: use[0] is None)
        if ranked and ranked[0][1]:
            return ranked[0][1]
        return self.of(ClockKind.DISPATCH).calendar_version_id


class ClockBook:
    """The clocks of the case's current run while one act changes them."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.case = situation.case
        self.actor = situation.actor
        self.set_now(situation.now)
        self._new: list[CaseClock] = []
        self._changed: dict[int, CaseClock] = {}
        self._urgency = self.case.urgency

    def set_now(self, now: datetime) -> None:
        """Date the act, and with it the limits of its day."""
        self.now = self.situation.now = now
        self.limits = StageLimits(self.case, now)

    def live(self, kind: ClockKind | None = None) -> list[CaseClock]:
        """Clocks of the run that have not stopped, those of this act included."""
        started = [clock for clock in self._new if clock.stopped_at is None]
        clocks = [*self.situation.live_clocks, *started]
        return clocks if kind is None else [clock for clock in clocks if clock.kind == kind]

    def main(self, kind: ClockKind) -> CaseClock | None:
        """The live clock of a kind that belongs to the case itself, not to a sub-order."""
        return next((clock for clock in self.live(kind) if clock.sub_order_id is None), None)

    @staticmethod
    def calendar_of(clock: CaseClock) -> Calendar:
        """The calendar a clock is counted by."""
        return calendar_of(clock.calendar_version_id)

    # ── the table's verbs ─────────────────────────────────────────────────────────────────────

    def apply(self, steps: Iterable[ClockStep]) -> None:
        """Do what an arrow says, in its order."""
        for step in steps:
            if step.kind is None:
                for clock in self.live():
                    self._stop(clock, step.outcome)
            elif step.verb is Verb.STOP:
                self.stop(step.kind, step.outcome)
            elif step.verb is Verb.START:
                self.start(step.kind)
            elif step.verb is Verb.PAUSE:
                for clock in self.live(step.kind):
                    self._pause(clock)
            else:
                for clock in self.live(step.kind):
                    self._resume(clock)

    def start(self, kind: ClockKind, sub_order: SubOrder | None = None) -> CaseClock:
        """Start a clock: its deadline is computed now and stored with what it was computed with."""
        clock = CaseClock(
            case=self.case,
            run=self.case.run,
            kind=kind,
            sub_order=sub_order,
            started_at=self.now,
            **self._charged_to(kind, sub_order),
        )
        if kind is not ClockKind.WHOLE:
            rule = self.limits.handling() if kind is ClockKind.HANDLE else self.limits.of(kind)
            self._set_limit(clock, rule)
            self._set_next(clock)
        self._new.append(clock)
        return clock

    def rules_of(self, case: Case, kind: str) -> Rules:
        """Return what follows from the deadline of a clock."""
        return self.limits.rules(kind)

    def _set_next(self, clock: CaseClock) -> None:
        set_next(clock, self.calendar_of(clock), self.rules_of(self.case, clock.kind))

    def _new_deadline(self, clock: CaseClock) -> None:
        """Warnings and levels of a deadline that is set anew lie ahead of now."""
        clock.deadline_number += 1
        self._pass_over(clock, self.now)

    def _pass_over(self, clock: CaseClock, at: datetime) -> None:
        pass_over(clock, self.calendar_of(clock), self.rules_of(self.case, clock.kind), at)

    def _set_limit(self, clock: CaseClock, rule: StageRule) -> None:
        clock.limit_value, clock.limit_unit = rule.limit.value, rule.limit.unit.value
        clock.calendar_version_id = rule.calendar_version_id
        clock.stage_limit_id, clock.standard_id = rule.stage_limit_id, rule.standard_id
        clock.due_at = clock.original_due_at = due_at(rule.calendar, self.now, rule.limit)
        clock.warn_at = warn_at(rule.calendar, self.now, rule.limit)

    def _charged_to(self, kind: ClockKind, sub_order: SubOrder | None) -> dict[str, Any]:
        if sub_order is not None:
            return {"organisation_id": sub_order.organisation_id}
        if kind is ClockKind.HANDLE:
            return {"organisation_id": self.case.department_id}
        if kind is ClockKind.DISPATCH:
            return {"organisation_id": self.case.desk_id}
        if kind in (ClockKind.CONFIRM, ClockKind.CHECK) and self.case.collector is not None:
            collector = self.case.collector
            return {"organisation_id": collector.organisation_id, "person_id": collector.pk}
        return {}

    def stop(self, kind: ClockKind, outcome: ClockOutcome = ClockOutcome.DONE) -> None:
        """Stop every clock of a kind; co-operating ones still running end with the case."""
        for clock in self.live(kind):
            is_side = clock.sub_order_id is not None and outcome is ClockOutcome.DONE
            self._stop(clock, ClockOutcome.ENDED if is_side else outcome)

    def stop_sub_order(
        self, sub_order: SubOrder, outcome: ClockOutcome = ClockOutcome.DONE
    ) -> None:
        """Stop the clock of one co-operating department that has finished, or has it no more."""
        for clock in self.live(ClockKind.HANDLE):
            if clock.sub_order_id == sub_order.pk:
                self._stop(clock, outcome)

    def _stop(self, clock: CaseClock, outcome: ClockOutcome) -> None:
        """A paused clock ended when it was paused: the last completion is the actual end."""
        clock.actual_end_at = clock.paused_at or self.now
        clock.stopped_at = self.now
        clock.stopped_sequence = self.case.history_length + 1  # the act's own event comes next
        clock.outcome = outcome
        clock.next_at = None
        if clock.paused_at is not None:
            clock.paused_at, clock.remaining = None, None
        if clock.person_id is None and self.actor is not None:
            clock.person = self.actor
        self.touch(clock)

    def _pause(self, clock: CaseClock) -> None:
        if clock.paused_at is not None:
            return
        clock.paused_at, clock.next_at = self.now, None
        if clock.due_at is not None:
            clock.remaining = elapsed(*self._way_of_counting(clock), self.now, clock.due_at)
        self.touch(clock)

    def _resume(self, clock: CaseClock) -> None:
        """Give back the rest that was kept; every deadline of the clock moves by the same pause."""
        if clock.paused_at is None:
            return
        way = self._way_of_counting(clock)
        paused = elapsed(*way, clock.paused_at, self.now)
        if clock.remaining is not None:
            self._pass_over(clock, clock.paused_at)
            clock.due_at = advance(*way, self.now, clock.remaining)
            for name in ("warn_at", "original_due_at"):
                rest = elapsed(*way, clock.paused_at, getattr(clock, name))
                setattr(clock, name, advance(*way, self.now, rest))
        clock.paused_total = (clock.paused_total or timedelta()) + paused
        clock.pauses = [*clock.pauses, [in_utc(clock.paused_at), in_utc(self.now)]]
        clock.paused_at, clock.remaining = None, None
        if clock.due_at is not None:
            self._set_next(clock)
        self.touch(clock)

    def extend(self, kind: ClockKind, value: Decimal, unit: str, request_id: int) -> CaseClock:
        """Set the deadline to the original one plus everything granted; both are kept."""
        clock = self.main(kind)
        if clock is None or clock.original_due_at is None:
            raise LimitsMissing(kind)
        granted = {"value": str(value), "unit": unit, "request": request_id}
        clock.granted = [*clock.granted, granted]
        grant_all(clock, calendar_of(clock.calendar_version_id))
        self._new_deadline(clock)
        if clock.paused_at is None:
            self._set_next(clock)
        self.touch(clock)
        return clock

    def set_whole_deadline(self) -> None:
        """From filing, the whole takes the sum of the stage limits and the handling limit."""
        clock = self.main(ClockKind.WHOLE)
        if clock is None:
            return
        is_first = clock.due_at is None
        rules = [
            (kind, self.limits.handling() if kind is ClockKind.HANDLE else self.limits.of(kind))
            for kind in AFTER_FILING
        ]
        clock.parts = whole_parts(self.now, rules)
        add_parts(clock)
        if not is_first:
            self._new_deadline(clock)
        self._set_next(clock)
        self.touch(clock)

    @staticmethod
    def _way_of_counting(clock: CaseClock) -> tuple[Calendar, bool]:
        return calendar_of(clock.calendar_version_id), Unit(clock.limit_unit).is_working

    def touch(self, clock: CaseClock) -> None:
        """Note that a clock has changed, so that it is saved."""
        if clock.pk is not None:
            self._changed[clock.pk] = clock

    # ── what the act leaves behind ────────────────────────────────────────────────────────────

    def show_on_case(self) -> None:
        """Repeat the clock the case now waits for on the case itself."""
        kind = CLOCK_OF_STATE.get(State(self.case.state))
        clock = self.main(kind) if kind else None
        self.case.clock_kind = kind or ""
        self.case.due_at = clock.due_at if clock else None
        self.case.warn_at = clock.warn_at if clock else None

    def save(self) -> None:
        """Write changed clocks in one statement and new ones in another."""
        if self.case.urgency != self._urgency:
            self._follow_urgency()
        if self._changed:
            # An upsert of known rows: a quarter of the work of bulk_update's CASE per column.
            CaseClock.objects.bulk_create(
                self._changed.values(),
                update_conflicts=True,
                unique_fields=["id"],
                update_fields=CHANGING_FIELDS,
            )
        for clock in self._new:
            clock.case_id = self.case.pk
        if self._new:
            CaseClock.objects.bulk_create(self._new)
            parts_of(self.case).clocks.extend(self._new)

    def _follow_urgency(self) -> None:
        """What follows from the deadlines of an urgent case stands in rules of their own."""
        for clock in self.live():
            if clock.next_at is not None:
                self._set_next(clock)
                self.touch(clock)


def in_utc(moment: datetime) -> str:
    """Return a moment as clocks keep it in JSON."""
    return moment.astimezone(UTC).isoformat()


def grant_all(clock: CaseClock, calendar: Calendar) -> None:
    """Set the deadline to the original one plus everything granted, each in its own unit.

    How much each adds in the clock's own counting is noted: what was granted in natural time does
    not add up with working minutes otherwise.
    """
    assert clock.original_due_at is not None
    is_working = Unit(clock.limit_unit).is_working
    moment, granted = clock.original_due_at, []
    for grant in clock.granted:
        limit = Limit(Decimal(grant["value"]), Unit(grant["unit"]))
        end = due_at(calendar, moment, limit)
        counted = elapsed(calendar, is_working, moment, end)
        granted.append({**grant, "counted": counted // MICROSECOND})
        moment = end
    clock.granted, clock.due_at = granted, moment
    total = elapsed(calendar, is_working, clock.started_at, moment)
    total -= clock.paused_total or timedelta()
    clock.warn_at = advance(calendar, is_working, moment, -total / 5)


def whole_parts(start: datetime, rules: Iterable[tuple[ClockKind, StageRule]]) -> dict[str, Any]:
    """Return what the whole's deadline is the sum of: the stages ahead, one after the other."""
    return {
        "from": in_utc(start),
        "limits": [
            {
                "clock": kind.value,
                "value": str(rule.limit.value),
                "unit": rule.limit.unit.value,
                "calendar_version": rule.calendar_version_id,
                "stage_limit": rule.stage_limit_id,
                "standard": rule.standard_id,
            }
            for kind, rule in rules
        ],
    }


def part_ends(parts: dict[str, Any]) -> list[datetime]:
    """Return when each part of the whole would end, the last being the deadline."""
    moment, ends = datetime.fromisoformat(parts["from"]), []
    for part in parts["limits"]:
        limit = Limit(Decimal(part["value"]), Unit(part["unit"]))
        moment = due_at(calendar_of(part["calendar_version"]), moment, limit)
        ends.append(moment)
    return ends


def add_parts(clock: CaseClock) -> None:
    """Set the whole's deadline to the end of its last part."""
    clock.due_at = clock.original_due_at = part_ends(clock.parts)[-1]
    clock.calendar_version_id = clock.parts["limits"][-1]["calendar_version"]
    clock.warn_at = clock.started_at + (clock.due_at - clock.started_at) * 4 / 5


CHANGING_FIELDS = (
    "person",
    "warn_at",
    "due_at",
    "original_due_at",
    "granted",
    "paused_at",
    "remaining",
    "paused_total",
    "stopped_at",
    "actual_end_at",
    "outcome",
    "stopped_sequence",
    "calendar_version",
    "pauses",
    "parts",
    "deadline_number",
    "marks",
    "next_at",
)
