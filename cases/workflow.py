"""The life of a case as one table: who may move it where, with what, and which clocks run.

Everything that depends on the workflow is derived from ``ARROWS``: the door (``case_act``),
buttons, refusals, the API's enums, the permission matrix and the diagram in docs/workflow.md. A row
names its guards and effects; they are functions of the same name in ``cases.guards`` and
``cases.services.effects``, so no rule of the workflow lives outside this table.

Pure: no queries, no clock, no HTTP. How long a stage may take stands in ``cases.time_limits``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.roles import Role


class State(StrEnum):
    """What the case waits for."""

    REPORTED = "reported"
    CONFIRMING = "confirming"
    ACCEPTED = "accepted"
    FILED = "filed"
    DISPATCHED = "dispatched"
    HANDLING = "handling"
    SUSPENDED = "suspended"
    HANDLED = "handled"
    CHECKING = "checking"
    REWORK = "rework"
    CHECKED = "checked"
    CLOSED = "closed"
    REFUSED = "refused"
    VOIDED = "voided"
    MERGED = "merged"


STATE_LABELS: dict[str, str | Promise] = {
    State.REPORTED.value: _("To accept"),
    State.CONFIRMING.value: _("To confirm"),
    State.ACCEPTED.value: _("To file"),
    State.FILED.value: _("To dispatch"),
    State.DISPATCHED.value: _("To sign"),
    State.HANDLING.value: _("In handling"),
    State.SUSPENDED.value: _("Suspended"),
    State.HANDLED.value: _("To send for check"),
    State.CHECKING.value: _("To check"),
    State.REWORK.value: _("Rework"),
    State.CHECKED.value: _("To close"),
    State.CLOSED.value: _("Closed"),
    State.REFUSED.value: _("Refused"),
    State.VOIDED.value: _("Voided"),
    State.MERGED.value: _("Merged"),
}

FINAL_STATES = frozenset({State.CLOSED, State.REFUSED, State.VOIDED, State.MERGED})
OPEN_STATES = tuple(state for state in State if state not in FINAL_STATES)


class Post(StrEnum):
    """Who somebody is *to this case*: a role, and where it matters a tie to the case."""

    COL = "COL"  # the collector who has the open field task
    ACC = "ACC"  # an acceptor
    SUP = "SUP"  # a shift supervisor
    DSP = "DSP"  # a dispatcher of the desk that holds the case
    DEP = "DEP"  # clerk or head of the lead department, or of a body below it
    COO = "COO"  # the same of a co-operating department
    PXY = "PXY"  # the proxy squad that leads
    LDR = "LDR"  # a leader of the centre
    SYS = "SYS"  # the system itself


POST_ROLES: dict[Post, frozenset[Role]] = {
    Post.COL: frozenset({Role.COLLECTOR}),
    Post.ACC: frozenset({Role.ACCEPTOR}),
    Post.SUP: frozenset({Role.SHIFT_SUPERVISOR}),
    Post.DSP: frozenset({Role.DISPATCHER}),
    Post.DEP: frozenset({Role.DEPARTMENT_CLERK, Role.DEPARTMENT_HEAD}),
    Post.COO: frozenset({Role.DEPARTMENT_CLERK, Role.DEPARTMENT_HEAD, Role.PROXY_SQUAD}),
    Post.PXY: frozenset({Role.PROXY_SQUAD}),
    Post.LDR: frozenset({Role.LEADER}),
    Post.SYS: frozenset(),
}


class ClockKind(StrEnum):
    """What is measured, and whom it is charged to (docs/rules/clocks.md)."""

    WHOLE = "whole"
    ACCEPT = "accept"
    CONFIRM = "confirm"
    FILE = "file"
    DISPATCH = "dispatch"
    HANDLE = "handle"
    SEND_CHECK = "send_check"
    CHECK = "check"
    CLOSE = "close"

    @classmethod
    def choices(cls) -> list[tuple[str, str | Promise]]:
        """Return value and label pairs for model fields."""
        return [(kind.value, CLOCK_LABELS[kind]) for kind in cls]


CLOCK_LABELS: dict[ClockKind, str | Promise] = {
    ClockKind.WHOLE: _("Whole case"),
    ClockKind.ACCEPT: _("Accepting"),
    ClockKind.CONFIRM: _("Confirming"),
    ClockKind.FILE: _("Filing"),
    ClockKind.DISPATCH: _("Dispatching"),
    ClockKind.HANDLE: _("Handling"),
    ClockKind.SEND_CHECK: _("Sending for check"),
    ClockKind.CHECK: _("Checking"),
    ClockKind.CLOSE: _("Closing"),
}


class ClockOutcome(StrEnum):
    """How a stopped clock ended; evaluation counts each where its rule says."""

    DONE = "done"
    ANNULLED = "annulled"
    REASSIGNED = "reassigned"
    RECALLED = "recalled"
    PROXIED = "proxied"
    UNSOLVED = "unsolved"
    ENDED = "ended"

    @classmethod
    def choices(cls) -> list[tuple[str, str | Promise]]:
        """Return value and label pairs for model fields."""
        labels = {
            cls.DONE: _("Done"),
            cls.ANNULLED: _("Annulled"),
            cls.REASSIGNED: _("Reassigned"),
            cls.RECALLED: pgettext_lazy("clock", "Recalled"),
            cls.PROXIED: _("Proxied"),
            cls.UNSOLVED: _("Unsolved"),
            cls.ENDED: _("Ended with the case"),
        }
        return [(outcome.value, labels[outcome]) for outcome in cls]


class Verb(StrEnum):
    """What an arrow does to a clock."""

    START = "start"
    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"
    STOP_ALL = "stop_all"


@dataclass(frozen=True, slots=True)
class ClockStep:
    """One thing an arrow does to the clocks of the current run, in the order of the row."""

    verb: Verb
    kind: ClockKind | None = None
    outcome: ClockOutcome = ClockOutcome.DONE


def start(kind: ClockKind) -> ClockStep:
    """▶"""
    return ClockStep(Verb.START, kind)


def stop(kind: ClockKind, outcome: ClockOutcome = ClockOutcome.DONE) -> ClockStep:
    """■"""
    return ClockStep(Verb.STOP, kind, outcome)


def pause(kind: ClockKind) -> ClockStep:
    """‖"""
    return ClockStep(Verb.PAUSE, kind)


def resume(kind: ClockKind) -> ClockStep:
    """Let a paused clock run on with the rest it kept."""
    return ClockStep(Verb.RESUME, kind)


STOP_ALL = ClockStep(Verb.STOP_ALL, None, ClockOutcome.ENDED)


class RequestKind(StrEnum):
    """What may be asked in a case and is decided by somebody else."""

    RETURN = "return"
    EXTENSION = "extension"
    SUSPENSION = "suspension"
    UNSOLVED_CLOSE = "unsolved_close"
    VOID = "void"
    PROXY = "proxy"
    REOPEN = "reopen"


REQUEST_LABELS: dict[RequestKind, str | Promise] = {
    RequestKind.RETURN: pgettext_lazy("request", "Return"),
    RequestKind.EXTENSION: _("Extension"),
    RequestKind.SUSPENSION: _("Suspension"),
    RequestKind.UNSOLVED_CLOSE: _("Close unsolved"),
    RequestKind.VOID: pgettext_lazy("request", "Void"),
    RequestKind.PROXY: _("Proxy rectification"),
    RequestKind.REOPEN: pgettext_lazy("request", "Reopen"),
}


STATES: tuple[str, ...] = tuple(state.value for state in State)
REQUEST_KINDS: tuple[str, ...] = tuple(kind.value for kind in RequestKind)


class Asks(StrEnum):
    """What an arrow does to a request."""

    ASK = "request"
    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Arrow:
    """One row of the table.

    ``source`` None is the report; ``target`` None leaves the state as it is. ``when`` names a
    condition (``cases.guards.CONDITIONS``) that chooses between rows of one action in one state.
    ``requires`` are fields that must be sent unless the case already has them; ``optional`` may be.
    ``possible`` are guards answered 409 ``not_possible``; ``persons`` are pairs that must differ,
    answered 403 ``same_person``. ``effects`` run before the clocks. A ``notice`` only tells
    somebody something: the case keeps its version, so that nobody's page goes stale. An inner row
    is walked by a service that writes more than the case (a link, a switch); nobody asks for it by
    name.
    """

    action: str
    source: State | None
    target: State | None
    posts: tuple[Post, ...]
    requires: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    clocks: tuple[ClockStep, ...] = ()
    when: str = ""
    possible: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    request: tuple[Asks, RequestKind] | None = None
    notice: bool = False
    is_inner: bool = False

    @property
    def leaves(self) -> bool:
        """Whether the case waits for something else afterwards."""
        return self.target is not None and self.target is not self.source


def _each(
    sources: Iterable[State], action: str, target: State | None, *posts: Post, **row: Any
) -> list[Arrow]:
    """Write the same row for several states."""
    return [Arrow(action, source, target, posts, **row) for source in sources]


S, P, K, O = State, Post, ClockKind, ClockOutcome  # noqa: E741  short names keep the table readable

IDENTIFY = ("type", "address")
CORRECT = ("type", "component", "location", "address", "description", "urgency")
STANDARD = ("standard", "profile", "urgency")
FILING = ("file_under_standard", "set_whole_deadline")
AT_WORK = (S.DISPATCHED, S.HANDLING)
DEPARTMENTS = (P.DEP, P.PXY, P.COO)
UNDER_WAY = (S.DISPATCHED, S.HANDLING, S.SUSPENDED, S.HANDLED, S.CHECKING, S.REWORK, S.CHECKED)
UNTIL_CLOSED = (*UNDER_WAY, S.CLOSED)
WITH_DEPARTMENT = (S.DISPATCHED, S.HANDLING)
WITH_OTHERS = (
    S.REPORTED,
    S.CONFIRMING,
    S.ACCEPTED,
    S.FILED,
    S.HANDLED,
    S.CHECKING,
    S.REWORK,
    S.CHECKED,
)
NOT_THE_HANDLER = ("handler_person_differs", "handler_organisation_differs")

# fmt: off
_CASE_ARROWS: list[Arrow] = [
    # ── report ────────────────────────────────────────────────────────────────────────────────
    Arrow("report", None, S.REPORTED, (), clocks=(start(K.WHOLE), start(K.ACCEPT))),
    # ── reported: the acceptor ────────────────────────────────────────────────────────────────
    Arrow(
        "accept", S.REPORTED, S.ACCEPTED, (P.ACC,), requires=IDENTIFY, optional=CORRECT,
        effects=("correct",), clocks=(stop(K.ACCEPT), start(K.FILE)),
    ),
    Arrow(
        "accept", S.REPORTED, S.FILED, (P.ACC,), when="filing_directly",
        requires=(*IDENTIFY, *STANDARD), optional=(*CORRECT, "direct_filing"),
        possible=("direct_filing_is_allowed",), effects=("correct", *FILING, "choose_desk"),
        clocks=(stop(K.ACCEPT), start(K.DISPATCH)),
    ),
    Arrow(
        "ask_confirmation", S.REPORTED, S.CONFIRMING, (P.ACC,), requires=("collector",),
        effects=("send_collector",), clocks=(pause(K.ACCEPT), start(K.CONFIRM)),
    ),
    Arrow(
        "dispatch_urgent", S.REPORTED, S.DISPATCHED, (P.DSP,),
        requires=("type", "department", "reason", "phone_confirmation"),
        optional=("cooperating", "component", "address"),
        effects=("correct", "make_urgent", "order_department"),
        clocks=(start(K.FILE), start(K.HANDLE)),
    ),
    Arrow(
        "judge_valid", S.REPORTED, S.CHECKED, (P.ACC,), requires=IDENTIFY, optional=CORRECT,
        possible=("was_self_handled", "type_may_be_self_handled"), effects=("correct",),
        clocks=(stop(K.ACCEPT), start(K.CLOSE)),
    ),
    Arrow(
        "refuse", S.REPORTED, S.REFUSED, (P.ACC,), requires=("reason_code",), optional=("reply",),
        effects=("answer_reporter",), clocks=(STOP_ALL,),
    ),
    # ── confirming: the collector on site, before filing ──────────────────────────────────────
    Arrow(
        "confirm", S.CONFIRMING, S.REPORTED, (P.COL,), requires=("outcome", "photos"),
        effects=("end_field_task",), clocks=(stop(K.CONFIRM), resume(K.ACCEPT)),
    ),
    Arrow(
        "reassign", S.CONFIRMING, S.CONFIRMING, (P.ACC,), requires=("collector",),
        effects=("replace_collector",), clocks=(stop(K.CONFIRM, O.REASSIGNED), start(K.CONFIRM)),
    ),
    Arrow(
        "recall", S.CONFIRMING, S.REPORTED, (P.ACC, P.SYS), possible=("system_only_when_overdue",),
        effects=("recall_collector",), clocks=(stop(K.CONFIRM, O.RECALLED), resume(K.ACCEPT)),
    ),
    # ── accepted: the shift supervisor ────────────────────────────────────────────────────────
    Arrow(
        "file", S.ACCEPTED, S.FILED, (P.SUP,), requires=STANDARD,
        optional=("type", "component", "address"),
        effects=("correct", *FILING, "choose_desk"), clocks=(stop(K.FILE), start(K.DISPATCH)),
    ),
    Arrow(
        "send_back", S.ACCEPTED, S.REPORTED, (P.SUP,), requires=("reason",),
        clocks=(stop(K.FILE), start(K.ACCEPT)),
    ),
    Arrow(
        "refuse", S.ACCEPTED, S.REFUSED, (P.SUP,), requires=("reason_code",), optional=("reply",),
        effects=("answer_reporter",), clocks=(STOP_ALL,),
    ),
    # ── filed: the dispatcher of the desk that holds the case ─────────────────────────────────
    Arrow(
        "dispatch", S.FILED, S.DISPATCHED, (P.DSP, P.SYS), requires=("department", "reason"),
        optional=("cooperating",), possible=("system_only_by_a_rule",),
        effects=("order_department",),
        clocks=(stop(K.DISPATCH), start(K.HANDLE)),
    ),
    Arrow(
        "hand_down", S.FILED, S.FILED, (P.DSP,), requires=("desk",), possible=("desk_lies_below",),
        effects=("change_desk",), clocks=(stop(K.DISPATCH), start(K.DISPATCH)),
    ),
    Arrow(
        "hand_up", S.FILED, S.FILED, (P.DSP,), requires=("reason",),
        possible=("desk_has_one_above",), effects=("desk_above",),
        clocks=(stop(K.DISPATCH), start(K.DISPATCH)),
    ),
    Arrow(
        "send_back", S.FILED, S.ACCEPTED, (P.SUP,), requires=("reason",),
        possible=("filing_is_complete",), clocks=(stop(K.DISPATCH), start(K.FILE)),
    ),
    # ── dispatched, handling: the department ──────────────────────────────────────────────────
    Arrow("sign", S.DISPATCHED, S.HANDLING, (P.DEP, P.PXY), effects=("sign_order",)),
    *_each(
        (S.DISPATCHED, S.HANDLING), "recall", S.FILED, P.DSP, requires=("reason",),
        effects=("recall_orders",), clocks=(stop(K.HANDLE, O.ANNULLED), start(K.DISPATCH)),
    ),
    Arrow(
        "complete", S.HANDLING, S.HANDLED, (P.DEP, P.PXY),
        requires=("photos", "note", "closing_answers"), possible=("mandatory_orders_done",),
        effects=("complete_order",), clocks=(pause(K.HANDLE), start(K.SEND_CHECK)),
    ),
    *_each(AT_WORK, "sign_sub_order", None, P.COO, effects=("sign_own_order",)),
    *_each(
        AT_WORK, "complete_sub_order", None, P.COO, requires=("note",), optional=("photos",),
        effects=("complete_own_order",),
    ),
    # ── inside a department: a squad or a person gets the order, nobody's clock changes ───────
    *_each(
        AT_WORK, "assign", None, *DEPARTMENTS, requires=("assignee",), optional=("note",),
        effects=("assign_order",),
    ),
    *_each(
        AT_WORK, "take_back", None, *DEPARTMENTS, optional=("note",),
        possible=("order_is_assigned",), effects=("take_order_back",),
    ),
    # ── a contractor without an account gets the order by a link (docs/rules/links.md) ────────
    *_each(
        AT_WORK, "send_link", None, *DEPARTMENTS, requires=("link",), optional=("note",),
        effects=("note_link",), is_inner=True,
    ),
    *_each(
        AT_WORK, "revoke_link", None, *DEPARTMENTS, requires=("link",), effects=("note_link",),
        is_inner=True,
    ),
    *_each(
        AT_WORK, "answer_link", None, P.SYS, requires=("link", "answer", "note"),
        optional=("photos",), effects=("note_link",), is_inner=True,
    ),
    *_each(
        AT_WORK, "reopen_link", None, *DEPARTMENTS, requires=("link", "reason"),
        effects=("note_link",), is_inner=True,
    ),
    # ── co-operation: the desk adds, takes away, or insists on one department's part ──────────
    *_each(
        AT_WORK, "add_sub_orders", None, P.DSP, requires=("cooperating",),
        effects=("add_sub_orders",),
    ),
    *_each(
        AT_WORK, "decline_sub_order", None, P.COO, requires=("reason",),
        possible=("part_not_declined",), effects=("decline_own_order",),
    ),
    *_each(
        AT_WORK, "keep_sub_order", None, P.DSP, requires=("sub_order", "reason"),
        possible=("part_declined",), effects=("keep_sub_order",),
    ),
    *_each(
        AT_WORK, "recall_sub_order", None, P.DSP, requires=("sub_order", "reason"),
        possible=("part_under_way",), effects=("recall_sub_order",),
    ),
    # ── suspended ─────────────────────────────────────────────────────────────────────────────
    Arrow(
        "resume", S.SUSPENDED, S.HANDLING, (P.DSP, P.SYS), possible=("system_only_at_review_date",),
        effects=("clear_review",), clocks=(resume(K.HANDLE),),
    ),
    # ── handled, checking: somebody else looks on site ────────────────────────────────────────
    Arrow(
        "send_check", S.HANDLED, S.CHECKING, (P.ACC,), requires=("collector",),
        effects=("send_checker",), clocks=(stop(K.SEND_CHECK), start(K.CHECK)),
    ),
    Arrow(
        "skip_check", S.HANDLED, S.CHECKED, (P.ACC,), requires=("reason",),
        possible=("check_may_be_skipped",), persons=NOT_THE_HANDLER,
        clocks=(stop(K.SEND_CHECK), stop(K.HANDLE), start(K.CLOSE)),
    ),
    Arrow(
        "check_pass", S.CHECKING, S.CHECKED, (P.COL,), requires=("photos",),
        persons=NOT_THE_HANDLER, effects=("end_field_task",),
        clocks=(stop(K.CHECK), stop(K.HANDLE), start(K.CLOSE)),
    ),
    Arrow(
        "check_fail", S.CHECKING, S.REWORK, (P.COL,), requires=("photos", "note"),
        persons=NOT_THE_HANDLER, effects=("end_field_task", "count_rework"),
        clocks=(stop(K.CHECK), start(K.DISPATCH)),
    ),
    Arrow(
        "reassign", S.CHECKING, S.CHECKING, (P.ACC,), requires=("collector",),
        effects=("replace_checker",), clocks=(stop(K.CHECK, O.REASSIGNED), start(K.CHECK)),
    ),
    Arrow(
        "recall", S.CHECKING, S.HANDLED, (P.ACC, P.SYS), possible=("system_only_when_overdue",),
        effects=("recall_collector",), clocks=(stop(K.CHECK, O.RECALLED), start(K.SEND_CHECK)),
    ),
    # ── rework: the same department goes on, another starts afresh ────────────────────────────
    Arrow(
        "dispatch", S.REWORK, S.DISPATCHED, (P.DSP,), when="same_department",
        optional=("department", "reason"), effects=("order_again",),
        clocks=(stop(K.DISPATCH), resume(K.HANDLE)),
    ),
    Arrow(
        "dispatch", S.REWORK, S.DISPATCHED, (P.DSP,), requires=("department", "reason"),
        optional=("cooperating",), effects=("reassign_department",),
        clocks=(stop(K.DISPATCH), stop(K.HANDLE, O.REASSIGNED), start(K.HANDLE)),
    ),
    # ── checked: the shift supervisor closes ──────────────────────────────────────────────────
    Arrow(
        "close", S.CHECKED, S.CLOSED, (P.SUP,), possible=("filing_is_complete",),
        persons=NOT_THE_HANDLER, clocks=(stop(K.CLOSE), stop(K.WHOLE)),
    ),
    Arrow(
        "send_back", S.CHECKED, S.HANDLED, (P.SUP,), when="was_dispatched", requires=("reason",),
        clocks=(stop(K.CLOSE), start(K.SEND_CHECK)),
    ),
    Arrow(
        "send_back", S.CHECKED, S.REPORTED, (P.SUP,), requires=("reason",),
        clocks=(stop(K.CLOSE), start(K.ACCEPT)),
    ),
    # ── final states ──────────────────────────────────────────────────────────────────────────
    Arrow(
        "appeal", S.REFUSED, S.REPORTED, (P.SUP,), requires=("reason",), effects=("new_run",),
        clocks=(start(K.WHOLE), start(K.ACCEPT)),
    ),
    Arrow(
        "appeal", S.VOIDED, S.REPORTED, (P.SUP,), requires=("reason",), effects=("new_run",),
        clocks=(start(K.WHOLE), start(K.ACCEPT)),
    ),
    Arrow(
        "unmerge", S.MERGED, S.REPORTED, (P.SUP,), requires=("reason",),
        effects=("new_run", "leave_master"), clocks=(start(K.WHOLE), start(K.ACCEPT)),
    ),
    *_each(
        (S.REPORTED, S.CONFIRMING, S.ACCEPTED, S.FILED, S.DISPATCHED, S.HANDLING), "merge",
        S.MERGED, P.ACC, P.DSP, requires=("master",), effects=("join_master",), clocks=(STOP_ALL,),
    ),
    # ── a desk is switched on or off: what is open there moves (docs/rules/desks.md) ─────────
    *_each(
        (S.FILED, S.REWORK), "move_desk", None, P.SYS, requires=("desk",), optional=("switch",),
        possible=("desk_differs",), effects=("change_desk",),
        clocks=(stop(K.DISPATCH, O.REASSIGNED), start(K.DISPATCH)), is_inner=True,
    ),
    *_each(
        tuple(state for state in OPEN_STATES if state not in (S.FILED, S.REWORK)), "move_desk",
        None, P.SYS, requires=("desk",), optional=("switch",), possible=("desk_differs",),
        effects=("change_desk",), is_inner=True,
    ),
    # ── beside the main line: the state stays ─────────────────────────────────────────────────
    *_each(
        (S.FILED, *UNDER_WAY), "complete_filing", None, P.SUP, requires=STANDARD,
        optional=("type", "component", "address"), possible=("filing_is_open",),
        effects=("correct", *FILING, "filing_completed"), clocks=(stop(K.ACCEPT), stop(K.FILE)),
    ),
    # A spot that comes back is put under supervision though its cases are closed.
    *_each(
        (S.FILED, *UNTIL_CLOSED), "order_supervision", None, P.SUP, P.LDR,
        requires=("text", "reply_due"), effects=("order_supervision",),
    ),
    *_each(
        UNTIL_CLOSED, "reply_supervision", None, P.DEP, P.PXY, requires=("order", "reply"),
        possible=("supervision_waits",), effects=("reply_supervision",),
    ),
    *_each(
        (S.FILED, *UNTIL_CLOSED), "rate_supervision", None, P.SUP, P.LDR,
        requires=("order", "rating"), optional=("note",), possible=("supervision_is_unrated",),
        effects=("rate_supervision",),
    ),
    *_each(
        OPEN_STATES, "instruct", None, P.LDR, requires=("text",), optional=("reply_due",),
        effects=("instruct",),
    ),
    *_each(
        OPEN_STATES, "reply_instruction", None, P.SUP, P.DSP, P.DEP, P.PXY,
        requires=("order", "reply"), possible=("instruction_waits",),
        effects=("reply_instruction",),
    ),
    *_each(
        (*OPEN_STATES, S.CLOSED), "rate_instruction", None, P.LDR, requires=("order", "rating"),
        optional=("note",), possible=("instruction_is_unrated",), effects=("rate_instruction",),
    ),
    *_each(
        WITH_DEPARTMENT, "urge", None, P.SUP, P.LDR, P.DSP, optional=("note",), notice=True,
        possible=("time_runs_out", "was_not_urged_lately"), effects=("urge",),
    ),
    *_each(
        WITH_OTHERS, "urge", None, P.SUP, P.LDR, optional=("note",), notice=True,
        possible=("time_runs_out", "was_not_urged_lately"), effects=("urge",),
    ),
]


@dataclass(frozen=True, slots=True)
class Approval:
    """What the last approval of a request does, and the posts that may ever be asked to agree."""

    posts: tuple[Post, ...]
    target: State | None = None
    when: str = ""
    possible: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    clocks: tuple[ClockStep, ...] = ()


Step = tuple[Post, ...]  # one approval; its posts stand for each other


@dataclass(frozen=True, slots=True)
class RequestRule:
    """Where a request may be asked, by whom, with what, and what its approval does.

    Which posts agree, after whom, is chosen when it is asked: by the city's ``ApprovalChain`` for
    its size and number, among the posts of ``approvals``; ``chain`` is for a city that set none.
    """

    kind: RequestKind
    sources: tuple[State, ...]
    asked_by: tuple[Post, ...]
    requires: tuple[str, ...]
    approvals: tuple[Approval, ...]
    optional: tuple[str, ...] = ()
    chain: tuple[Step, ...] = ()

    @property
    def deciders(self) -> Step:
        """The posts that may ever be asked to agree."""
        return tuple(dict.fromkeys(post for step in self.approvals for post in step.posts))

    @property
    def usual_chain(self) -> tuple[Step, ...]:
        """Who agrees, step after step, where the city has set nothing else."""
        return self.chain or (self.deciders,)


NOT_THE_ASKER = ("asker_differs",)
AGREED_ONCE = ("approver_differs",)

REQUEST_RULES: tuple[RequestRule, ...] = (
    RequestRule(
        RequestKind.RETURN,
        (S.DISPATCHED, S.HANDLING),
        (P.DEP,),
        requires=("reason",),
        optional=("reason_code", "photos"),
        approvals=(
            Approval(
                (P.DSP, P.SUP), S.FILED, persons=(*NOT_THE_ASKER, *NOT_THE_HANDLER),
                effects=("return_orders",), clocks=(stop(K.HANDLE, O.ANNULLED), start(K.DISPATCH)),
            ),
        ),
        chain=((P.DSP,),),
    ),
    RequestRule(
        RequestKind.EXTENSION,
        (S.DISPATCHED, S.HANDLING),
        (P.DEP,),
        requires=("reason", "extension_value", "extension_unit"),
        optional=("reason_code", "photos"),
        approvals=(
            Approval(
                (P.DSP, P.SUP, P.LDR), persons=(*NOT_THE_ASKER, *NOT_THE_HANDLER),
                effects=("extend_deadline",),
            ),
        ),
        chain=((P.DSP, P.LDR),),
    ),
    RequestRule(
        RequestKind.SUSPENSION,
        (S.HANDLING,),
        (P.DEP,),
        requires=("reason", "review_at"),
        optional=("reason_code", "expected_at", "photos"),
        approvals=(
            Approval(
                (P.DSP, P.SUP, P.LDR), S.SUSPENDED, persons=(*NOT_THE_ASKER, *NOT_THE_HANDLER),
                effects=("set_review",), clocks=(pause(K.HANDLE),),
            ),
        ),
        chain=((P.DSP,), (P.LDR,)),
    ),
    RequestRule(
        RequestKind.UNSOLVED_CLOSE,
        (S.SUSPENDED,),
        (P.DSP,),
        requires=("reason",),
        optional=("reason_code", "photos"),
        approvals=(
            Approval(
                (P.LDR,), S.CHECKED, persons=(*NOT_THE_ASKER, *NOT_THE_HANDLER),
                effects=("clear_review",), clocks=(stop(K.HANDLE, O.UNSOLVED), start(K.CLOSE)),
            ),
        ),
    ),
    RequestRule(
        RequestKind.VOID,
        (S.FILED, S.DISPATCHED, S.HANDLING, S.SUSPENDED, S.HANDLED, S.CHECKING, S.REWORK),
        (P.DSP,),
        requires=("reason",),
        optional=("reason_code", "photos"),
        approvals=(
            Approval(
                (P.SUP, P.LDR), S.VOIDED, persons=(*NOT_THE_ASKER, *NOT_THE_HANDLER),
                clocks=(STOP_ALL,),
            ),
        ),
        chain=((P.SUP,),),
    ),
    RequestRule(
        RequestKind.PROXY,
        (S.FILED, S.DISPATCHED, S.HANDLING),
        (P.DSP, P.DEP),
        requires=("reason_code", "reason", "squad", "estimate"),
        optional=("photos",),
        approvals=(
            Approval(
                (P.LDR,), S.DISPATCHED, persons=(*NOT_THE_ASKER, *NOT_THE_HANDLER),
                effects=("order_squad",),
                clocks=(stop(K.DISPATCH), stop(K.HANDLE, O.PROXIED), start(K.HANDLE)),
            ),
        ),
    ),
    RequestRule(
        RequestKind.REOPEN,
        (S.CLOSED,),
        (P.ACC,),
        requires=("reason",),
        optional=("photos",),
        approvals=(
            Approval(
                (P.SUP,), S.REWORK, when="was_filed", persons=(*NOT_THE_ASKER, *NOT_THE_HANDLER),
                effects=("new_run", "set_whole_deadline"),
                clocks=(start(K.WHOLE), start(K.DISPATCH)),
            ),
            Approval(
                (P.SUP,), S.REPORTED, persons=(*NOT_THE_ASKER, *NOT_THE_HANDLER),
                effects=("new_run",), clocks=(start(K.WHOLE), start(K.ACCEPT)),
            ),
        ),
    ),
)
# fmt: on

# Call-back (回访) speaks of proposing and reopening; it is the same request as the others.
_ASK_NAME = {RequestKind.REOPEN: "propose_reopen"}
_APPROVE_NAME = {RequestKind.REOPEN: "reopen"}


def _request_arrows(rule: RequestRule) -> list[Arrow]:
    """Write the rows for asking, approving, rejecting and withdrawing one kind of request."""
    ask = _ASK_NAME.get(rule.kind, f"request_{rule.kind}")
    approve = _APPROVE_NAME.get(rule.kind, f"approve_{rule.kind}")
    rows: list[Arrow] = []
    pairs = tuple(dict.fromkeys(name for step in rule.approvals for name in step.persons))
    for source in rule.sources:
        rows.append(
            Arrow(
                ask,
                source,
                None,
                rule.asked_by,
                requires=rule.requires,
                optional=rule.optional,
                possible=("no_such_request_open",),
                effects=("open_request",),
                request=(Asks.ASK, rule.kind),
            )
        )
        rows.append(
            Arrow(
                approve,
                source,
                None,
                rule.deciders,
                requires=("request",),
                optional=("note",),
                when="more_approvals_follow",
                possible=("request_is_open", "turn_has_come"),
                persons=(*pairs, *AGREED_ONCE),
                effects=("approve_step",),
                request=(Asks.APPROVE, rule.kind),
            )
        )
        rows += [
            Arrow(
                approve,
                source,
                step.target,
                step.posts,
                requires=("request",),
                optional=("note",),
                when=step.when,
                possible=("request_is_open", "turn_has_come", *step.possible),
                persons=(*step.persons, *AGREED_ONCE),
                effects=("approve_request", *step.effects),
                clocks=step.clocks,
                request=(Asks.APPROVE, rule.kind),
            )
            for step in rule.approvals
        ]
        rows.append(
            Arrow(
                f"reject_{rule.kind}",
                source,
                None,
                rule.deciders,
                requires=("request", "reason"),
                possible=("request_is_open", "decides_this_request"),
                persons=NOT_THE_ASKER,
                effects=("reject_request",),
                request=(Asks.REJECT, rule.kind),
            )
        )
        rows.append(
            Arrow(
                f"withdraw_{rule.kind}",
                source,
                None,
                rule.asked_by,
                requires=("request",),
                possible=("request_is_open",),
                effects=("withdraw_request",),
                request=(Asks.WITHDRAW, rule.kind),
            )
        )
    return rows


RULE_OF: dict[RequestKind, RequestRule] = {rule.kind: rule for rule in REQUEST_RULES}

ARROWS: tuple[Arrow, ...] = (
    *_CASE_ARROWS,
    *(arrow for rule in REQUEST_RULES for arrow in _request_arrows(rule)),
)

ACTIONS: tuple[str, ...] = tuple(dict.fromkeys(a.action for a in ARROWS if a.source is not None))
# What is walked by services alone; from outside there is no such action.
INNER_ACTIONS = frozenset(arrow.action for arrow in ARROWS if arrow.is_inner)

_BY_ACTION: dict[str, tuple[Arrow, ...]] = {
    action: tuple(a for a in ARROWS if a.action == action) for action in ACTIONS
}
_BY_STATE: dict[State, tuple[Arrow, ...]] = {
    state: tuple(a for a in ARROWS if a.source is state) for state in State
}

# What the system says about a deadline. No row of the table: nothing changes hands, and the version
# that people have seen stays valid.
DEADLINE_ACTIONS = frozenset({"warn", "breach", "escalate", "recalculate"})
# Everything that stands in a history without having changed the case.
NOTICES = DEADLINE_ACTIONS | {"urge", "return_cycle"}


def arrows_of(action: str) -> tuple[Arrow, ...]:
    """Return the rows of an action in every state; empty when there is no such action."""
    return _BY_ACTION.get(action, ())


def arrows_from(state: State, action: str | None = None) -> tuple[Arrow, ...]:
    """Return the rows that leave or act in ``state``, of one action if given."""
    rows = _BY_STATE[state]
    return rows if action is None else tuple(row for row in rows if row.action == action)


ACTION_LABELS: dict[str, str | Promise] = {
    "report": _("Report"),
    "accept": _("Accept"),
    "ask_confirmation": _("Send to confirm"),
    "dispatch_urgent": _("Dispatch at once"),
    "judge_valid": _("Accept as handled on the spot"),
    "refuse": _("Refuse"),
    "confirm": _("Confirm on site"),
    "reassign": _("Send another collector"),
    "recall": _("Recall"),
    "file": _("File"),
    "send_back": _("Send back"),
    "dispatch": _("Dispatch"),
    "hand_down": _("Hand down"),
    "hand_up": _("Hand up"),
    "sign": _("Sign for it"),
    "complete": _("Complete"),
    "sign_sub_order": _("Sign for the part"),
    "complete_sub_order": _("Complete the part"),
    "assign": _("Assign"),
    "take_back": _("Take back"),
    "send_link": _("Send to a contractor"),
    "revoke_link": _("Revoke the link"),
    "answer_link": _("The contractor answered"),
    "reopen_link": _("Reject the answer"),
    "add_sub_orders": _("Add co-operating departments"),
    "decline_sub_order": _("Say it is not ours"),
    "keep_sub_order": _("Insist on the part"),
    "recall_sub_order": _("Recall a part"),
    "move_desk": _("Moved to another desk"),
    "resume": _("Resume"),
    "send_check": _("Send to check"),
    "skip_check": _("Skip the check"),
    "check_pass": _("Check passed"),
    "check_fail": _("Check failed"),
    "close": _("Close the case"),
    "appeal": _("Take up again"),
    "unmerge": _("Undo the merge"),
    "merge": _("Merge"),
    "take_in": _("Took in a merged case"),
    "complete_filing": _("Complete the filing"),
    "order_supervision": _("Order supervision"),
    "reply_supervision": _("Reply to the supervision order"),
    "instruct": _("Instruct"),
    "reply_instruction": _("Reply to the instruction"),
    "rate_supervision": _("Rate the reply"),
    "rate_instruction": _("Rate the reply to the instruction"),
    "urge": _("Urge"),
    "return_cycle": _("Goes round in circles"),
    "request_return": _("Ask to return it"),
    "approve_return": _("Approve the return"),
    "reject_return": _("Reject the return"),
    "withdraw_return": _("Withdraw the return"),
    "request_extension": _("Ask for an extension"),
    "approve_extension": _("Approve the extension"),
    "reject_extension": _("Reject the extension"),
    "withdraw_extension": _("Withdraw the extension"),
    "request_suspension": _("Ask for suspension"),
    "approve_suspension": _("Approve the suspension"),
    "reject_suspension": _("Reject the suspension"),
    "withdraw_suspension": _("Withdraw the suspension"),
    "request_unsolved_close": _("Ask to close unsolved"),
    "approve_unsolved_close": _("Approve closing unsolved"),
    "reject_unsolved_close": _("Reject closing unsolved"),
    "withdraw_unsolved_close": _("Withdraw closing unsolved"),
    "request_void": _("Ask to void"),
    "approve_void": _("Approve voiding"),
    "reject_void": _("Reject voiding"),
    "withdraw_void": _("Withdraw voiding"),
    "request_proxy": _("Ask for a proxy squad"),
    "approve_proxy": _("Approve the proxy squad"),
    "reject_proxy": _("Reject the proxy squad"),
    "withdraw_proxy": _("Withdraw the proxy squad"),
    "propose_reopen": _("Propose to reopen"),
    "reopen": _("Reopen"),
    "reject_reopen": _("Reject reopening"),
    "withdraw_reopen": _("Withdraw reopening"),
    "warn": pgettext_lazy("deadline", "Warning"),
    "breach": pgettext_lazy("deadline", "Deadline missed"),
    "escalate": pgettext_lazy("deadline", "Escalated"),
    "recalculate": pgettext_lazy("deadline", "Deadline recalculated"),
}
