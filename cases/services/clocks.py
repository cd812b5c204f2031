"""Clocks at work: start, stop, pause, resume, extend, and what is written at the end of an act.

A ``ClockBook`` holds the clocks of one run of one case while an act changes them and writes them in
two statements. How long a limit is and when it falls due is ``cases.time_limits``; which limit a
stage has is data (``StageLimit``, the case's standard).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from operator import itemgetter
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models import CalendarUse, CalendarVersion, Case, CaseClock, StageLimit, SubOrder
from cases.parts import parts_of
from cases.situation import Situation
from cases.time_limits import Calendar, Limit, Unit, advance, due_at, elapsed, warn_at
from cases.workflow import ClockKind, ClockOutcome, ClockStep, State, Verb
from common.errors import DomainError
from common.prepared import Prepared, Slot

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

    def __init__(self, kind: str) -> None:
        super().__init__(
            "not_configured",
            _("No time limit is set for the stage “%(stage)s”. Please tell the administrator.")
            % {"stage": kind},
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


STAGE_LIMITS = Prepared(
    StageLimit.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gt=Slot("day")),
        Q(calendar__isnull=True) | Q(calendar__city=Slot("city")),
        Q(urgency="") | Q(urgency=Slot("urgency")),
        valid_from__lte=Slot("day"),
    )
    .order_by()
    .values(
        "id",
        "clock",
        "urgency",
        "valid_from",
        "limit_value",
        "limit_unit",
        "calendar__current_version",
    )
)


class StageLimits:
    """The limits of today for the stages of one case: one query for all of them."""

    def __init__(self, case: Case, now: datetime) -> None:
        self.case = case
        self.now = now

    @cached_property
    def _rows(self) -> list[dict[str, Any]]:
        day = timezone.localdate(self.now)
        rows = STAGE_LIMITS(day=day, city=self.case.city_id, urgency=self.case.urgency)
        return sorted(rows, key=itemgetter("urgency", "valid_from"), reverse=True)

    def of(self, kind: ClockKind) -> StageRule:
        """Return the limit of a stage: the one for this urgency before the one for any."""
        row = next((row for row in self._rows if row["clock"] == kind), None)
        if row is None or row["calendar__current_version"] is None:
            raise LimitsMissing(kind)
        limit = Limit(row["limit_value"], Unit(row["limit_unit"]))
        return StageRule(limit, row["calendar__current_version"], row["id"])

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
        self.now = situation.now
        self.limits = StageLimits(self.case, self.now)
        self._new: list[CaseClock] = []
        self._changed: dict[int, CaseClock] = {}

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
                self._pause(self.main(step.kind))
            else:
                self._resume(self.main(step.kind))

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
        self._new.append(clock)
        return clock

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

    def stop_sub_order(self, sub_order: SubOrder) -> None:
        """Stop the clock of one co-operating department that has finished."""
        for clock in self.live(ClockKind.HANDLE):
            if clock.sub_order_id == sub_order.pk:
                self._stop(clock, ClockOutcome.DONE)

    def _stop(self, clock: CaseClock, outcome: ClockOutcome) -> None:
        """A paused clock ended when it was paused: the last completion is the actual end."""
        clock.actual_end_at = clock.paused_at or self.now
        clock.stopped_at = self.now
        clock.outcome = outcome
        if clock.paused_at is not None:
            clock.paused_at, clock.remaining = None, None
        if clock.person_id is None and self.actor is not None:
            clock.person = self.actor
        self._touch(clock)

    def _pause(self, clock: CaseClock | None) -> None:
        if clock is None or clock.paused_at is not None:
            return
        clock.paused_at = self.now
        if clock.due_at is not None:
            clock.remaining = elapsed(*self._way_of_counting(clock), self.now, clock.due_at)
        self._touch(clock)

    def _resume(self, clock: CaseClock | None) -> None:
        """Give back the rest that was kept; every deadline of the clock moves by the same pause."""
        if clock is None or clock.paused_at is None:
            return
        way = self._way_of_counting(clock)
        paused = elapsed(*way, clock.paused_at, self.now)
        if clock.remaining is not None:
            clock.due_at = advance(*way, self.now, clock.remaining)
            for name in ("warn_at", "original_due_at"):
                rest = elapsed(*way, clock.paused_at, getattr(clock, name))
                setattr(clock, name, advance(*way, self.now, rest))
        clock.paused_total = (clock.paused_total or timedelta()) + paused
        clock.paused_at, clock.remaining = None, None
        self._touch(clock)

    def extend(self, kind: ClockKind, value: Decimal, unit: str, request_id: int) -> CaseClock:
        """Set the deadline to the original one plus everything granted; both are kept."""
        clock = self.main(kind)
        if clock is None or clock.original_due_at is None:
            raise LimitsMissing(kind)
        clock.granted = [*clock.granted, {"value": str(value), "unit": unit, "request": request_id}]
        calendar = calendar_of(clock.calendar_version_id)
        moment = clock.original_due_at
        for grant in clock.granted:
            limit = Limit(Decimal(grant["value"]), Unit(grant["unit"]))
            moment = due_at(calendar, moment, limit)
        clock.due_at = moment
        clock.warn_at = self._warning(clock, calendar, moment)
        self._touch(clock)
        return clock

    @staticmethod
    def _warning(clock: CaseClock, calendar: Calendar, deadline: datetime) -> datetime:
        """80 % of the limit and all that was granted; time spent paused is nobody's."""
        working = Unit(clock.limit_unit).is_working
        total = elapsed(calendar, working, clock.started_at, deadline)
        total -= clock.paused_total or timedelta()
        return advance(calendar, working, deadline, -total / 5)

    def set_whole_deadline(self) -> None:
        """From filing, the whole takes the sum of the stage limits and the handling limit."""
        clock = self.main(ClockKind.WHOLE)
        if clock is None:
            return
        moment = self.now
        for kind in AFTER_FILING:
            rule = self.limits.handling() if kind is ClockKind.HANDLE else self.limits.of(kind)
            moment = due_at(rule.calendar, moment, rule.limit)
            clock.calendar_version_id = rule.calendar_version_id
        clock.due_at = clock.original_due_at = moment
        total = moment - clock.started_at
        clock.warn_at = clock.started_at + total * 4 / 5
        self._touch(clock)

    @staticmethod
    def _way_of_counting(clock: CaseClock) -> tuple[Calendar, bool]:
        return calendar_of(clock.calendar_version_id), Unit(clock.limit_unit).is_working

    def _touch(self, clock: CaseClock) -> None:
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
    "calendar_version",
)
