"""What the history of a case says for evaluation: one fact a stopped clock, one an outcome. Pure.

A history is read from its first event on, so that every fact knows type, place, standard and people
as they were at its moment. What a fact says depends on nothing that comes after it: the facts of a
history cut short are the first facts of the whole one. Whom each is charged to, after domain rules:

=================  ============================================================================
accept, file,      who did it, and their body; nobody where the case ended meanwhile
send_check, close
confirm, check     the collector sent, and their body
dispatch           the desk that held the case, and who dispatched
handle             the department or squad, and who said that it was done
whole              nobody: the city
reported,          who reported; effective is the first filing of the case
effective
filed              who filed, the first time in each run
missed             each collector of the beat, of what the public reported and was filed
redispatched       who dispatched to the department before this one
voided             who had filed
returned, …        the department that had the case
=================  ============================================================================

Standards: GB/T 30428.4, CJ/T 292. Not covered: satisfaction, until there are call-backs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from cases.workflow import CLOCK_LABELS, ClockKind, ClockOutcome, State


class FactKind(StrEnum):
    """A clock that stopped, or an outcome."""

    WHOLE = ClockKind.WHOLE.value
    ACCEPT = ClockKind.ACCEPT.value
    CONFIRM = ClockKind.CONFIRM.value
    FILE = ClockKind.FILE.value
    DISPATCH = ClockKind.DISPATCH.value
    HANDLE = ClockKind.HANDLE.value
    SEND_CHECK = ClockKind.SEND_CHECK.value
    CHECK = ClockKind.CHECK.value
    CLOSE = ClockKind.CLOSE.value
    REPORTED = "reported"
    CONFIRM_SENT = "confirm_sent"
    REFUSED = "refused"
    MERGED = "merged"
    FILED = "filed"
    EFFECTIVE = "effective"
    MISSED = "missed"
    REPEATED = "repeated"
    URGENT = "urgent"
    REDISPATCHED = "redispatched"
    RETURNED = "returned"
    EXTENDED = "extended"
    SUSPENDED = "suspended"
    REWORKED = "reworked"
    VOIDED = "voided"
    REOPENED = "reopened"
    SATISFIED = "satisfied"

    @classmethod
    def choices(cls) -> list[tuple[str, str | Promise]]:
        """Return value and label pairs for model fields."""
        return [(kind.value, KIND_LABELS[kind]) for kind in cls]


KIND_LABELS: dict[FactKind, str | Promise] = {
    **{FactKind(kind.value): label for kind, label in CLOCK_LABELS.items()},
    FactKind.REPORTED: pgettext_lazy("fact", "Reported"),
    FactKind.CONFIRM_SENT: pgettext_lazy("fact", "Sent to confirm"),
    FactKind.REFUSED: pgettext_lazy("fact", "Refused"),
    FactKind.MERGED: pgettext_lazy("fact", "Merged"),
    FactKind.FILED: pgettext_lazy("fact", "Filed"),
    FactKind.EFFECTIVE: pgettext_lazy("fact", "Effective report"),
    FactKind.MISSED: pgettext_lazy("fact", "Missed on the beat"),
    FactKind.REPEATED: pgettext_lazy("fact", "Came back at the same place"),
    FactKind.URGENT: pgettext_lazy("fact", "Dispatched at once"),
    FactKind.REDISPATCHED: pgettext_lazy("fact", "Sent to another department afterwards"),
    FactKind.RETURNED: pgettext_lazy("fact", "Returned"),
    FactKind.EXTENDED: pgettext_lazy("fact", "Extended"),
    FactKind.SUSPENDED: pgettext_lazy("fact", "Suspended"),
    FactKind.REWORKED: pgettext_lazy("fact", "Reworked"),
    FactKind.VOIDED: pgettext_lazy("fact", "Voided"),
    FactKind.REOPENED: pgettext_lazy("fact", "Reopened"),
    FactKind.SATISFIED: pgettext_lazy("fact", "Satisfied"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One event of the history."""

    sequence: int
    run: int
    action: str
    actor_id: int | None
    organisation_id: int | None
    new_state: str
    at: datetime
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoryClock:
    """A clock of the case; what is None after ``started_at`` has not happened.

    ``pause_dues``: the beginning of each pause, and when the clock was due as it stood then.
    """

    id: int
    run: int
    kind: str
    is_part: bool
    organisation_id: int | None
    person_id: int | None
    started_at: datetime
    stopped_sequence: int | None = None
    standard_id: int | None = None
    due_at: datetime | None = None
    actual_end_at: datetime | None = None
    outcome: str = ""
    used_seconds: int | None = None
    paused_seconds: int | None = None
    pause_dues: tuple[tuple[datetime, datetime], ...] = ()


@dataclass(slots=True)
class Draft:
    """A fact before codes have become keys."""

    sequence: int
    run: int
    kind: FactKind
    action: str
    at: datetime
    outcome: str = ""
    person_id: int | None = None
    organisation_id: int | None = None
    clock_id: int | None = None
    is_part: bool = False
    started_at: datetime | None = None
    planned_end_at: datetime | None = None
    actual_end_at: datetime | None = None
    used_seconds: int | None = None
    paused_seconds: int | None = None
    source: str = ""
    type_code: str | None = None
    cell_code: str = ""
    placed_at: datetime | None = None
    standard_id: int | None = None

    @property
    def is_late(self) -> bool:
        """Whether it ended after it was due; at the very moment is in time."""
        return (
            self.planned_end_at is not None
            and self.actual_end_at is not None
            and self.actual_end_at > self.planned_end_at
        )


@dataclass(frozen=True, slots=True)
class Charge:
    """Whom a fact is charged to."""

    person_id: int | None = None
    organisation_id: int | None = None


NOBODY = Charge()
BY_WHO_WAS_SENT = frozenset({ClockKind.CONFIRM, ClockKind.CHECK})
DISPATCHES = frozenset({"dispatch", "dispatch_urgent"})


@dataclass(slots=True)
class Known:
    """What the history has told so far."""

    source: str = ""
    type_code: str | None = None
    cell_code: str = ""
    placed_at: datetime | None = None
    standard_id: int | None = None
    run: int = 1
    reporter: Charge = NOBODY
    filer: Charge = NOBODY
    dispatcher: Charge = NOBODY
    department: str = ""
    completer_id: int | None = None
    askers: dict[int, int | None] = field(default_factory=dict)
    asked_confirmation: list[Step] = field(default_factory=list)
    is_filed: bool = False  # in this run
    was_filed: bool = False  # in any run


def drafts_of(steps: Iterable[Step], clocks: Sequence[StoryClock]) -> Iterator[Draft]:
    """Yield the facts of a history in order: of each event its clocks first, then its outcomes."""
    known = Known()
    for step in steps:
        _learn(known, step)
        for draft in (*_of_clocks(known, step, clocks), *_of_outcomes(known, step, clocks)):
            draft.source, draft.type_code = known.source, known.type_code
            draft.cell_code, draft.placed_at = known.cell_code, known.placed_at
            draft.standard_id = draft.standard_id or known.standard_id
            yield draft
        _remember(known, step, clocks)


def _learn(known: Known, step: Step) -> None:
    """Take over what the step says about the case itself."""
    data = step.data
    if step.action == "report":
        known.source, known.type_code = data["source"], data["type"]
        known.cell_code, known.placed_at = data["cell"], step.at
        known.reporter = Charge(step.actor_id, step.organisation_id)
    if step.run != known.run:
        known.run, known.is_filed = step.run, False
        known.completer_id, known.dispatcher, known.department = None, NOBODY, ""
        known.asked_confirmation = []
    changed = data.get("changed", {})
    if "type" in changed:
        known.type_code = changed["type"][1]
    if "cell" in changed:
        known.cell_code, known.placed_at = changed["cell"][1], step.at
    if "standard" in data:
        known.standard_id = data["standard"]["id"]
    if step.action == "complete":
        known.completer_id = step.actor_id
    elif step.action == "ask_confirmation":
        known.asked_confirmation.append(step)


def _remember(known: Known, step: Step, clocks: Sequence[StoryClock]) -> None:
    """Note what later facts are charged by."""
    request = step.data.get("request")
    if request and step.action.startswith(("request_", "propose_")):
        known.askers[request["id"]] = step.actor_id
    if _is_filing(known, step):
        known.is_filed = known.was_filed = True
        known.filer = Charge(step.actor_id, step.organisation_id)
    if step.action in DISPATCHES:
        desk = _stopped(step, clocks, ClockKind.DISPATCH)
        known.department = step.data["department"]
        known.dispatcher = Charge(
            step.actor_id, desk.organisation_id if desk else step.organisation_id
        )
    elif step.action == "approve_proxy" and "department" in step.data:
        known.department, known.dispatcher = "", NOBODY


# ── clocks ────────────────────────────────────────────────────────────────────────────────────


def _stopped(step: Step, clocks: Sequence[StoryClock], kind: ClockKind) -> StoryClock | None:
    return next((c for c in clocks if c.stopped_sequence == step.sequence and c.kind == kind), None)


def _of_clocks(known: Known, step: Step, clocks: Sequence[StoryClock]) -> Iterator[Draft]:
    for clock in clocks:
        if clock.stopped_sequence != step.sequence:
            continue
        charge = _charge(known, step, clock)
        yield Draft(
            sequence=step.sequence,
            run=clock.run,
            kind=FactKind(clock.kind),
            action=step.action,
            at=step.at,
            outcome=clock.outcome,
            person_id=charge.person_id,
            organisation_id=charge.organisation_id,
            clock_id=clock.id,
            is_part=clock.is_part,
            started_at=clock.started_at,
            planned_end_at=clock.due_at,
            actual_end_at=clock.actual_end_at,
            used_seconds=clock.used_seconds,
            paused_seconds=clock.paused_seconds,
            standard_id=clock.standard_id,
        )
        if clock.kind == ClockKind.ACCEPT:
            yield from _confirmations(known, step, clock)


def _charge(known: Known, step: Step, clock: StoryClock) -> Charge:
    is_done = clock.outcome == ClockOutcome.DONE
    if clock.kind == ClockKind.WHOLE:
        return NOBODY
    if clock.kind in BY_WHO_WAS_SENT:
        return Charge(clock.person_id, clock.organisation_id)
    if clock.kind == ClockKind.HANDLE:
        person = (clock.person_id if is_done else None) if clock.is_part else known.completer_id
        return Charge(person, clock.organisation_id)
    if not is_done:
        return Charge(None, clock.organisation_id)
    return Charge(step.actor_id, clock.organisation_id or step.organisation_id)


def _confirmations(known: Known, step: Step, clock: StoryClock) -> Iterator[Draft]:
    """What was sent to confirm while accepting ran; it counts when accepting has ended."""
    for sent in known.asked_confirmation:
        due = next((due for at, due in clock.pause_dues if at == sent.at), None)
        yield Draft(
            sequence=step.sequence,
            run=clock.run,
            kind=FactKind.CONFIRM_SENT,
            action=sent.action,
            at=step.at,
            person_id=sent.actor_id,
            organisation_id=sent.organisation_id,
            clock_id=clock.id,
            started_at=clock.started_at,
            planned_end_at=due,
            actual_end_at=sent.at,
        )
    known.asked_confirmation = []


# ── outcomes ──────────────────────────────────────────────────────────────────────────────────


def _is_filing(known: Known, step: Step) -> bool:
    """Filed is what has a standard by the hand of whoever files; urgent cases when completed."""
    if known.is_filed or "standard" not in step.data:
        return False
    return step.action in ("file", "complete_filing", "accept")


def _of_outcomes(known: Known, step: Step, clocks: Sequence[StoryClock]) -> Iterator[Draft]:
    for kind, charge in _outcomes(known, step, clocks):
        yield Draft(
            sequence=step.sequence,
            run=step.run,
            kind=kind,
            action=step.action,
            at=step.at,
            person_id=charge.person_id,
            organisation_id=charge.organisation_id,
        )


def _outcomes(
    known: Known, step: Step, clocks: Sequence[StoryClock]
) -> Iterator[tuple[FactKind, Charge]]:
    actor = Charge(step.actor_id, step.organisation_id)
    if step.action == "report":
        yield FactKind.REPORTED, actor
    elif step.action == "refuse":
        yield FactKind.REFUSED, actor
    elif step.action == "merge":
        yield FactKind.MERGED, actor
    elif step.action == "reopen" and step.new_state != State.CLOSED:
        yield FactKind.REOPENED, Charge(None, _last_body(step, clocks))
    elif step.action == "approve_void" and step.new_state == State.VOIDED:
        yield FactKind.VOIDED, known.filer
    elif step.action == "check_fail":
        yield FactKind.REWORKED, Charge(known.completer_id, _body(step, clocks))
    elif step.action in DISPATCHES:
        yield from _dispatched(known, step, actor)
    elif step.action in _GRANTED and "step" not in step.data["request"]:
        asker = known.askers.get(step.data["request"]["id"])
        yield _GRANTED[step.action], Charge(asker, _body(step, clocks))
    if _is_filing(known, step):
        yield from _filed(known, step, actor)


_GRANTED = {
    "approve_return": FactKind.RETURNED,
    "approve_extension": FactKind.EXTENDED,
    "approve_suspension": FactKind.SUSPENDED,
}


def _dispatched(known: Known, step: Step, actor: Charge) -> Iterator[tuple[FactKind, Charge]]:
    if step.action == "dispatch_urgent":
        yield FactKind.URGENT, actor
    if known.department and known.department != step.data["department"]:
        yield FactKind.REDISPATCHED, known.dispatcher


def _filed(known: Known, step: Step, actor: Charge) -> Iterator[tuple[FactKind, Charge]]:
    yield FactKind.FILED, actor
    if known.was_filed:
        return
    yield FactKind.EFFECTIVE, known.reporter
    for collector_id, organisation_id in step.data.get("beat", ()):
        yield FactKind.MISSED, Charge(collector_id, organisation_id)


def _handling(step: Step, clocks: Sequence[StoryClock], run: int) -> list[StoryClock]:
    """The lead's clocks of a run that had begun by the step, in order."""
    return [
        clock
        for clock in clocks
        if (clock.kind, clock.run, clock.is_part) == (ClockKind.HANDLE, run, False)
        and clock.started_at <= step.at
    ]


def _body(step: Step, clocks: Sequence[StoryClock]) -> int | None:
    """Return the department that has the case when the step is taken."""
    live = [
        clock
        for clock in _handling(step, clocks, step.run)
        if clock.stopped_sequence is None or clock.stopped_sequence >= step.sequence
    ]
    return live[0].organisation_id if live else None


def _last_body(step: Step, clocks: Sequence[StoryClock]) -> int | None:
    """Return the department that handled the case last, in the run before."""
    before = _handling(step, clocks, step.run - 1)
    return before[-1].organisation_id if before else None
