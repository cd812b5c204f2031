"""One case walked through the workflow table in memory, as the door would have written it.

States, clocks and their verbs come from ``cases.workflow``; what an act adds (orders, tasks,
requests, what the history must know) is written here as ``cases.services.effects`` writes it. A
test holds a seeded case against one that went through the door.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import Any

from cases.history_form import HashedEvent, chain_hash_quick, text_digest_quick
from cases.models import ApprovalRequest, FieldTask, SubOrder
from cases.seeding.timeline import Rule, to_text
from cases.seeding.world import Body, Kind, Person, Spot, Standard, World
from cases.services.clocks import AFTER_FILING, CLOCK_OF_STATE
from cases.workflow import (
    FINAL_STATES,
    RULE_OF,
    Arrow,
    ClockKind,
    RequestKind,
    State,
    Verb,
    arrows_from,
)


@lru_cache(maxsize=512)
def arrow_of(state: State, action: str, when: str) -> Arrow:
    """Return the row of the table for an action in a state, of the condition named."""
    return next(row for row in arrows_from(state, action) if row.when == when)


@dataclass(slots=True)
class Clock:
    """A clock of the case; moments in microseconds."""

    kind: ClockKind
    run: int
    started_at: int
    rule: Rule | None = None
    organisation_id: int | None = None
    person_id: int | None = None
    calendar_version_id: int | None = None
    warn_at: int | None = None
    due_at: int | None = None
    original_due_at: int | None = None
    granted: list[dict[str, Any]] = field(default_factory=list)
    paused_at: int | None = None
    remaining: int | None = None
    paused_total: int | None = None
    stopped_at: int | None = None
    actual_end_at: int | None = None
    outcome: str = ""
    stopped_sequence: int | None = None
    pauses: list[list[str]] = field(default_factory=list)
    parts: dict[str, Any] = field(default_factory=dict)
    deadline_number: int = 1


@dataclass(slots=True)
class Order:
    """The lead department's order."""

    run: int
    body: Body
    dispatched_by: int
    dispatched_at: int
    signed_by: int | None = None
    signed_at: int | None = None
    completed_by: int | None = None
    completed_at: int | None = None
    ended_at: int | None = None
    outcome: str = ""


@dataclass(slots=True)
class Task:
    """A collector sent to the place."""

    run: int
    kind: str
    collector: Person
    assigned_by: int
    assigned_at: int
    due_at: int | None = None
    ended_at: int | None = None
    outcome: str = ""


@dataclass(slots=True)
class Request:
    """Something asked for in the case; ``id`` is given by the loader."""

    id: int
    run: int
    kind: str
    asked_in: str
    asked_by: Person
    asked_at: int
    reason: str
    details: dict[str, Any]
    was_overdue: bool
    department: int | None = None
    due_at: int | None = None
    chain: list[list[str]] = field(default_factory=list)
    status: str = ApprovalRequest.Status.OPEN.value
    approvals: list[dict[str, Any]] = field(default_factory=list)
    decided_by: int | None = None
    decided_at: int | None = None

    @property
    def waits_for(self) -> list[str]:
        """The posts of which one has to agree next."""
        is_open = self.status == ApprovalRequest.Status.OPEN
        return next(iter(self.chain[len(self.approvals) :]), []) if is_open else []


@dataclass(slots=True)
class Event:
    """One step, with what people wrote in it."""

    run: int
    action: str
    actor: Person | None
    role: str
    old_state: str
    new_state: str
    at: int
    data: dict[str, Any]
    text: dict[str, Any]
    key: str = ""
    stopped: tuple[Clock, ...] = ()
    salt: str = ""
    text_digest: str = ""
    previous_hash: str = ""
    hash: str = ""


def in_utc(moment: int) -> str:
    """Return a moment as the door writes it into JSON."""
    return to_text(moment)[:-1] + "+00:00"


class Life:
    """A case from its report on."""

    def __init__(
        self,
        world: World,
        random: Random,
        *,
        kind: Kind,
        spot: Spot,
        source: str,
        urgency: str,
        reporter: Person,
        reported_at: int,
        description: str,
        request_ids: list[int],
    ) -> None:
        self.world, self.random = world, random
        self.kind, self.spot, self.source, self.urgency = kind, spot, source, urgency
        self.reporter, self.reported_at, self.now = reporter, reported_at, reported_at
        self.description = description
        self.is_self_handled = False
        self.request_ids = request_ids
        self.number = ""
        self.state, self.run = State.REPORTED, 1
        self.desk, self.department = world.city_desk, None
        self.collector: Person | None = None
        self.standard: Standard | None = None
        self.routing_reason = ""
        self.rework_count = 0
        self.review_at: int | None = None
        self.handled_at: int | None = None
        self.ended_at: int | None = None
        self.master: Life | None = None
        self.clocks: list[Clock] = []
        self.stopping: list[Clock] = []  # by the act under way
        self.orders: list[Order] = []
        self.tasks: list[Task] = []
        self.requests: list[Request] = []
        self.events: list[Event] = []

    # ── the table ─────────────────────────────────────────────────────────────────────────────

    def report(self, role: str, key: str) -> None:
        """Begin: the report and its two clocks."""
        data: dict[str, Any] = {
            "source": self.source,
            "type": self.kind.code,
            "component": None,
            "cell": self.spot.cell_code,
            "community": self.spot.community_code,
            "point": [round(self.spot.lon, 7), round(self.spot.lat, 7)],
        }
        if self.is_self_handled:
            data["self_handled"] = True
        self._start(ClockKind.WHOLE)
        self._start(ClockKind.ACCEPT)
        text = {"description": self.description, "address": self.spot.address}
        self._tell("report", self.reporter, role, "", data, text, key)

    def act(
        self,
        action: str,
        actor: Person | None,
        role: str,
        *,
        when: str = "",
        data: dict[str, Any] | None = None,
        text: dict[str, Any] | None = None,
        after: Any = None,
    ) -> None:
        """Walk one row of the table now; ``after`` runs when the clocks have moved."""
        arrow = arrow_of(self.state, action, when)
        old = self.state
        self.state = arrow.target or old
        if self.state in FINAL_STATES:
            self._end(old)
        for step in arrow.clocks:
            if step.verb is Verb.STOP_ALL:
                for clock in self.running():
                    self._stop(clock, step.outcome.value, actor)
            elif step.verb is Verb.STOP:
                self._stop(self.clock(step.kind), step.outcome.value, actor)
            elif step.verb is Verb.START:
                self._start(step.kind)
            elif step.verb is Verb.PAUSE:
                self._pause(self.clock(step.kind))
            else:
                self._resume(self.clock(step.kind))
        if after is not None:
            after()
        data = data or {}
        self._lapse(arrow, old, data)
        self._tell(action, actor, role, old.value, data, text or {})

    def _end(self, old: State) -> None:
        self.ended_at = self.now
        self.collector = None
        self.end_orders(SubOrder.Outcome.ENDED.value)
        if old in (State.CONFIRMING, State.CHECKING):
            self.end_task(FieldTask.Outcome.ENDED.value)

    def _lapse(self, arrow: Arrow, old: State, data: dict[str, Any]) -> None:
        if arrow.target is None or arrow.target is old:
            return
        lapsed = []
        for request in self.requests:
            if request.status == ApprovalRequest.Status.OPEN and request.asked_in == old.value:
                request.status = ApprovalRequest.Status.LAPSED.value
                request.decided_at = self.now
                lapsed.append(request.id)
        if lapsed:
            data["lapsed_requests"] = lapsed

    def _tell(
        self,
        action: str,
        actor: Person | None,
        role: str,
        old_state: str,
        data: dict[str, Any],
        text: dict[str, Any],
        key: str = "",
    ) -> None:
        state = self.state.value
        stopped, self.stopping = tuple(self.stopping), []
        event = Event(
            self.run, action, actor, role, old_state, state, self.now, data, text, key, stopped
        )
        self.events.append(event)

    # ── clocks ────────────────────────────────────────────────────────────────────────────────

    def running(self) -> list[Clock]:
        """Clocks of this run that have not stopped."""
        return [c for c in self.clocks if c.stopped_at is None and c.run == self.run]

    def clock(self, kind: ClockKind | None) -> Clock | None:
        """The clock of a kind that has not stopped."""
        for clock in reversed(self.clocks):
            if clock.kind is kind and clock.stopped_at is None and clock.run == self.run:
                return clock
        return None

    def waits_for(self) -> Clock | None:
        """The clock the case waits for in its state."""
        return self.clock(CLOCK_OF_STATE.get(self.state))

    def rule(self, kind: ClockKind) -> Rule:
        """The limit of a stage of this case."""
        if kind is ClockKind.HANDLE:
            assert self.standard is not None
            return self.standard.rule
        return self.world.rules[kind, self.urgency]

    def _start(self, kind: ClockKind | None) -> None:
        assert kind is not None
        clock = Clock(kind, self.run, self.now)
        if kind is not ClockKind.WHOLE:
            rule = clock.rule = self.rule(kind)
            clock.calendar_version_id = rule.calendar_version_id
            clock.due_at = clock.original_due_at = rule.due(self.now)
            clock.warn_at = rule.warn(self.now)
        if kind is ClockKind.HANDLE and self.department is not None:
            clock.organisation_id = self.department.id
        elif kind is ClockKind.DISPATCH:
            clock.organisation_id = self.desk.id
        elif kind in (ClockKind.CONFIRM, ClockKind.CHECK) and self.collector is not None:
            clock.organisation_id = self.collector.organisation_id
            clock.person_id = self.collector.id
        self.clocks.append(clock)

    def _stop(self, clock: Clock | None, outcome: str, actor: Person | None) -> None:
        if clock is None:
            return
        clock.actual_end_at = self.now if clock.paused_at is None else clock.paused_at
        clock.stopped_at = self.now
        clock.outcome = outcome
        clock.paused_at = clock.remaining = None
        self.stopping.append(clock)
        if clock.person_id is None and actor is not None:
            clock.person_id = actor.id

    def _pause(self, clock: Clock | None) -> None:
        if clock is None or clock.paused_at is not None:
            return
        clock.paused_at = self.now
        if clock.due_at is not None and clock.rule is not None:
            clock.remaining = clock.rule.elapsed(self.now, clock.due_at)

    def _resume(self, clock: Clock | None) -> None:
        if clock is None or clock.paused_at is None or clock.rule is None:
            return
        rule, paused_at = clock.rule, clock.paused_at
        if clock.remaining is not None:
            assert clock.original_due_at is not None
            assert clock.warn_at is not None
            clock.due_at = rule.advance(self.now, clock.remaining)
            rests = [rule.elapsed(paused_at, m) for m in (clock.warn_at, clock.original_due_at)]
            clock.warn_at, clock.original_due_at = (rule.advance(self.now, r) for r in rests)
        clock.paused_total = (clock.paused_total or 0) + rule.elapsed(paused_at, self.now)
        clock.pauses.append([in_utc(paused_at), in_utc(self.now)])
        clock.paused_at = clock.remaining = None

    def _set_whole_deadline(self) -> None:
        clock = self.clock(ClockKind.WHOLE)
        if clock is None:
            return
        moment, limits = self.now, []
        for kind in AFTER_FILING:
            rule = self.rule(kind)
            moment = rule.due(moment)
            clock.calendar_version_id = rule.calendar_version_id
            limits.append(
                {
                    "clock": kind.value,
                    "value": rule.value,
                    "unit": rule.unit,
                    "calendar_version": rule.calendar_version_id,
                    "stage_limit": rule.stage_limit_id,
                    "standard": rule.standard_id,
                }
            )
        clock.parts = {"from": in_utc(self.now), "limits": limits}
        clock.due_at = clock.original_due_at = moment
        clock.warn_at = clock.started_at + (moment - clock.started_at) * 4 // 5

    # ── the acts ──────────────────────────────────────────────────────────────────────────────

    def send_collector(self, action: str, actor: Person, collector: Person) -> None:
        """ask_confirmation, send_check."""
        kind = FieldTask.Kind.CHECK if action == "send_check" else FieldTask.Kind.CONFIRM
        self.collector = collector
        task = Task(self.run, kind.value, collector, actor.id, self.now)
        self.tasks.append(task)

        def set_due() -> None:
            clock = self.waits_for()
            task.due_at = clock.due_at if clock else None

        self.act(action, actor, "ACC", data={"collector": collector.id}, after=set_due)

    def end_task(self, outcome: str) -> None:
        """The collector has answered, or was taken back."""
        for task in self.tasks:
            if task.ended_at is None:
                task.ended_at, task.outcome = self.now, outcome
        self.collector = None

    def answer(self, action: str, outcome: str, note: str = "") -> None:
        """confirm, check_pass, check_fail."""
        collector = self.collector
        if action == "check_fail":
            self.rework_count += 1
        self.end_task(outcome)
        text = {"note": note} if note else {}
        self.act(action, collector, "COL", data={"outcome": outcome}, text=text)

    def file(self, actor: Person) -> None:
        """File under the standard of the type, zone and urgency."""
        standard = self.standard = self.kind.standard(self.spot.zone_grade, self.urgency)
        filed = {
            "id": standard.id,
            "profile": standard.profile,
            "limit": standard.limit,
            "unit": standard.unit,
        }
        data = {"standard": filed}
        self.act("file", actor, "SUP", data=data, after=self._set_whole_deadline)

    def hand_down(self, actor: Person, desk: Body) -> None:
        """Give the case to the district's desk."""
        data = {"changed": {"desk": [self.desk.code, desk.code]}}
        self.desk = desk
        self.act("hand_down", actor, "DSP", data=data)

    def dispatch(self, actor: Person, department: Body, reason: str) -> None:
        """Give the department its order; after a failed check to the same one or another."""
        is_same = self.state is State.REWORK and self.clock(ClockKind.HANDLE) is not None
        if self.state is State.REWORK:
            outcome = SubOrder.Outcome.ENDED if is_same else SubOrder.Outcome.REASSIGNED
            self.end_orders(outcome.value)
        if not is_same:
            self.department, self.routing_reason = department, reason
        self.orders.append(Order(self.run, department, actor.id, self.now))
        when = "same_department" if is_same else ""
        data = {"department": department.code}
        self.act("dispatch", actor, "DSP", when=when, data=data)

    def end_orders(self, outcome: str) -> None:
        """What the department was asked is over."""
        for order in self.orders:
            if order.ended_at is None:
                order.ended_at, order.outcome = self.now, outcome

    def sign(self, actor: Person) -> None:
        """The department has seen its order."""
        self.orders[-1].signed_by, self.orders[-1].signed_at = actor.id, self.now
        self.act("sign", actor, "DEP")

    def complete(self, actor: Person, note: str) -> None:
        """The department says it is done."""
        order = self.orders[-1]
        self.handled_at = order.completed_at = self.now
        order.completed_by = actor.id
        assert self.standard is not None
        data = {"closing_conditions_met": self.standard.condition_count}
        self.act("complete", actor, "DEP", data=data, text={"note": note})

    # ── requests ──────────────────────────────────────────────────────────────────────────────

    def ask(
        self, kind: str, actor: Person, role: str, reason: str, details: dict[str, Any]
    ) -> Request:
        """Ask for something somebody else decides."""
        clock = self.waits_for()
        overdue = clock is not None and clock.due_at is not None and clock.due_at < self.now
        request = Request(
            self.request_ids.pop(),
            self.run,
            kind,
            self.state.value,
            actor,
            self.now,
            reason,
            details,
            overdue,
            self.department.id if self.department else None,
            clock.due_at if clock is not None else None,
            [[post.value for post in step] for step in RULE_OF[RequestKind(kind)].usual_chain],
        )
        self.requests.append(request)
        action = "propose_reopen" if kind == "reopen" else f"request_{kind}"
        data = {"request": {"id": request.id, "kind": kind, **details}}
        self.act(action, actor, role, data=data, text={"reason": reason})
        return request

    def approve(
        self,
        request: Request,
        actor: Person,
        role: str,
        *,
        when: str = "",
        is_last: bool = True,
        after: Any = None,
    ) -> None:
        """Agree to a request; one that is not the last leaves it open."""
        when = when if is_last else "more_approvals_follow"
        at = to_text(self.now)[:-1] + "+00:00"
        request.approvals.append({"post": role, "user": actor.id, "at": at})
        if is_last:
            request.status = ApprovalRequest.Status.APPROVED.value
            request.decided_by, request.decided_at = actor.id, self.now
        action = "reopen" if request.kind == "reopen" else f"approve_{request.kind}"
        data: dict[str, Any] = {"request": {"id": request.id, "kind": request.kind}}
        if not is_last:
            data["request"]["step"] = len(request.approvals)

        def finish() -> None:
            if after is not None:
                after(data)

        self.act(action, actor, role, when=when, data=data, after=finish)

    def approve_extension(self, request: Request, actor: Person) -> None:
        """The deadline is the original one plus what was granted."""

        def extend(data: dict[str, Any]) -> None:
            clock = self.clock(ClockKind.HANDLE)
            assert clock is not None
            assert clock.rule is not None
            assert clock.original_due_at is not None
            given = {"value": request.details["value"], "unit": request.details["unit"]}
            clock.granted.append({**given, "request": request.id})
            clock.deadline_number += 1
            # Granted is the limit once more, in the limit's own unit.
            clock.due_at = clock.rule.due(clock.original_due_at)
            total = clock.rule.elapsed(clock.started_at, clock.due_at)
            clock.warn_at = clock.rule.advance(clock.started_at, total * 4 // 5)
            data["due_at"] = in_utc(clock.due_at)

        self.approve(request, actor, "DSP", after=extend)

    def approve_return(self, request: Request, actor: Person) -> None:
        """Not theirs: the case goes back to the desk."""
        self.end_orders(SubOrder.Outcome.RETURNED.value)
        self.department = None
        self.approve(request, actor, "DSP")

    def reopen(self, request: Request, actor: Person) -> None:
        """A new run begins with rework."""
        self.run += 1
        self.ended_at = self.handled_at = self.collector = None
        self.rework_count = 0
        self.approve(
            request,
            actor,
            "SUP",
            when="was_filed",
            after=lambda data: self._set_whole_deadline(),
        )

    def take_in(self, merged: str, actor: Person, at: int) -> None:
        """Tell in this history that another report was merged into it."""
        index = next((i for i, event in enumerate(self.events) if event.at > at), len(self.events))
        state, run = self.events[index - 1].new_state, self.events[index - 1].run
        event = Event(run, "take_in", actor, "ACC", state, state, at, {"merged": merged}, {})
        self.events.insert(index, event)

    # ── the end ───────────────────────────────────────────────────────────────────────────────

    def chain(self) -> None:
        """Hash the events, each to the one before."""
        previous = ""
        for sequence, event in enumerate(self.events, 1):
            for clock in event.stopped:
                clock.stopped_sequence = sequence
            if event.text:
                event.salt = f"{self.random.getrandbits(128):032x}"
                event.text_digest = text_digest_quick(event.salt, event.text)
            actor = event.actor
            event.previous_hash = previous
            previous = event.hash = chain_hash_quick(
                self.number,
                HashedEvent(
                    sequence,
                    event.run,
                    event.action,
                    actor.id if actor else None,
                    None,
                    event.role,
                    actor.organisation_id if actor else None,
                    event.old_state,
                    event.new_state,
                    to_text(event.at),
                    event.data,
                    event.text_digest,
                    event.key,
                    previous,
                ),
            )

    @property
    def is_open(self) -> bool:
        """Whether the case still waits for something."""
        return self.state not in FINAL_STATES
