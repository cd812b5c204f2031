"""The case page's data: stages, clocks, history, requests, as plain values for the fragments.

Times used are counted as each clock counts them: working minutes, or natural ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from accounts.models import Organisation, User
from cases.deadlines.words import bodies_told, step_lines
from cases.exceptions.words import POST_NAMES, posts_words, request_words
from cases.models import (
    ApprovalRequest,
    Case,
    CaseClock,
    CaseEvent,
    FieldTask,
    SupervisionOrder,
)
from cases.presenters import look_of
from cases.services.clocks import ClockBook
from cases.time_limits import Unit, elapsed, light
from cases.workflow import (
    ACTION_LABELS,
    CLOCK_LABELS,
    ClockKind,
    ClockOutcome,
    State,
)
from common.durations import duration_text, limit_text
from common.prepared import Prepared, Slot
from common.templatetags.ui import named
from common.text import list_words
from components.models import Profile

# (label, the clocks of the stage; the last of them to stop ends it)
STAGES = (
    (pgettext_lazy("stage", "Report"), ()),
    (pgettext_lazy("stage", "Accept"), (ClockKind.ACCEPT, ClockKind.CONFIRM)),
    (pgettext_lazy("stage", "File"), (ClockKind.FILE,)),
    (pgettext_lazy("stage", "Dispatch"), (ClockKind.DISPATCH,)),
    (pgettext_lazy("stage", "Handle"), (ClockKind.HANDLE,)),
    (pgettext_lazy("stage", "Check"), (ClockKind.SEND_CHECK, ClockKind.CHECK)),
    (pgettext_lazy("stage", "Close"), (ClockKind.CLOSE,)),
)
HANDLE_STAGE = 4


_CLOCKS = Prepared(
    CaseClock.objects.filter(case=Slot("case"), run=Slot("run"))
    .select_related("organisation", "person", "sub_order")
    .order_by("pk")
)


def clocks_of_run(case: Case) -> list[CaseClock]:
    """Return the clocks of the case's current run, oldest first: one query."""
    clocks = _CLOCKS(case=case.pk, run=case.run)
    for each in clocks:
        each.case = case
    return clocks


def used_time(clock: CaseClock, now: datetime) -> timedelta:
    """Return the time a clock has counted, pauses left out."""
    end = clock.actual_end_at or clock.paused_at or now
    if clock.calendar_version_id is None or not clock.limit_unit:
        return end - clock.started_at
    is_working = Unit(clock.limit_unit).is_working
    total = elapsed(ClockBook.calendar_of(clock), is_working, clock.started_at, end)
    return total - (clock.paused_total or timedelta())


def clock_chip_of(clock: CaseClock, now: datetime) -> dict[str, Any]:
    """Return a clock's chip: running, stopped in time or late, or paused."""
    chip: dict[str, Any] = {"label": CLOCK_LABELS[ClockKind(clock.kind)], "due_at": clock.due_at}
    if clock.stopped_at is not None:
        return chip | stopped_chip(clock)
    if clock.paused_at is not None:
        return chip | {"light": "paused", "text": _("stopped")}
    if clock.due_at is None:
        return chip | {"light": "none", "text": _("running")}
    return chip | {
        "light": str(light(now, clock.warn_at or clock.due_at, clock.due_at)),
        "warn_at": clock.warn_at or clock.due_at,
        "started_at": clock.started_at,
        "seconds_left": (clock.due_at - now).total_seconds(),
    }


def stopped_chip(clock: CaseClock) -> dict[str, str]:
    """Return how a stopped clock ended: in time, late by how much, or without counting."""
    if clock.outcome != ClockOutcome.DONE:
        return {"light": "none", "text": str(clock.get_outcome_display())}
    if clock.due_at is None or clock.actual_end_at <= clock.due_at:
        return {"light": "kept", "text": _("in time")}
    late = duration_text(clock.actual_end_at - clock.due_at)
    return {"light": "late", "text": _("%(duration)s late") % {"duration": late}}


def clock_rows(clocks: Iterable[CaseClock], now: datetime) -> list[dict[str, Any]]:
    """Return the table of clocks."""
    return [
        {
            "label": CLOCK_LABELS[ClockKind(clock.kind)],
            **charged_to(clock),
            "used": used_time(clock, now),
            "limit": limit_text(clock.limit_value, clock.limit_unit) if clock.limit_value else "",
            "chip": clock_chip_of(clock, now),
            "url": reverse("cases:clock", args=[clock.case.number, clock.pk]),
        }
        for clock in clocks
    ]


def charged_to(clock: CaseClock) -> dict[str, Any]:
    """Return whom a clock is charged to: the city, the department that handles, or a person."""
    if clock.kind == ClockKind.WHOLE:
        return {}
    if clock.kind == ClockKind.HANDLE or clock.person is None:
        return {"organisation": clock.organisation}
    return {"charged_to": clock.person}


def stages(case: Case, clocks: list[CaseClock], now: datetime) -> list[dict[str, Any]]:
    """Return the seven stages with what was planned and what came."""
    current = current_stage(case)
    return [stage(index, case, clocks, current, now) for index in range(len(STAGES))]


def current_stage(case: Case) -> int | None:
    """Return the stage the case stands in; None once it has ended."""
    if not case.is_open:
        return None
    if case.state == State.SUSPENDED:
        return HANDLE_STAGE
    kinds = [index for index, (_label, kinds) in enumerate(STAGES) if case.clock_kind in kinds]
    return kinds[0] if kinds else None


def stage(
    index: int, case: Case, clocks: list[CaseClock], current: int | None, now: datetime
) -> dict[str, Any]:
    """Return one stage: done, current or ahead, with its times and whoever it was charged to."""
    label, kinds = STAGES[index]
    view: dict[str, Any] = {"label": label, "progress": progress(index, case, clocks, current)}
    if index == HANDLE_STAGE and case.rework_count:
        view["rework_count"] = case.rework_count
    if index == 0:
        return view | {"at": case.reported_at, "person": case.reporter}
    own = [each for each in clocks if each.kind in kinds and each.sub_order_id is None]
    if not own or view["progress"] == "ahead":
        return view
    clock = own[-1]
    view |= {"person": clock.person, "organisation": clock.organisation, "planned_at": clock.due_at}
    if clock.person is not None and index != HANDLE_STAGE:
        view["organisation"] = None
    if clock.original_due_at and clock.original_due_at != clock.due_at:
        view["first_planned_at"] = clock.original_due_at
    if view["progress"] == "current":
        return view | {"clock": clock_chip_of(clock, now)}
    ended_at = clock.actual_end_at or clock.paused_at
    return view | {"at": ended_at, "used": used_time(clock, now)}


def progress(index: int, case: Case, clocks: list[CaseClock], current: int | None) -> str:
    """Tell whether a stage is done, current or ahead."""
    if current is not None:
        return "done" if index < current else "current" if index == current else "ahead"
    kinds = STAGES[index][1]
    was_done = any(c.kind in kinds and c.outcome == ClockOutcome.DONE for c in clocks)
    return "done" if index == 0 or was_done else "ahead"


def timeline(events: Iterable[CaseEvent], people: Iterable[User] = ()) -> list[dict[str, Any]]:
    """Return the history, newest first, as people read it: at most two queries for names.

    ``people`` are some whom the reader of the page knows already, beside those who acted.
    """
    newest_first = sorted(events, key=lambda event: event.sequence, reverse=True)
    acting = {event.organisation for event in newest_first if event.organisation is not None}
    known = {event.actor for event in newest_first if event.actor is not None}.union(people)
    lines = decided(newest_first, acting, known)
    return [
        {
            "at": event.at,
            "label": ACTION_LABELS[event.action],
            "icon": look_of(event.action).icon,
            "person": event.actor or _("System"),
            "principal": event.principal,
            "role": POST_NAMES.get(event.role, ""),
            "details": lines[event.pk],
            "note": written_words(event),
            "hash": event.hash,
        }
        for event in newest_first
    ]


def decided(
    events: Sequence[CaseEvent],
    bodies: Iterable[Organisation] = (),
    people: Iterable[User] = (),
) -> dict[int, list[str]]:
    """Return what each step decided and whom it told, in words, by the step's id."""
    steps = [event.data for event in events]
    cases = {event.case_id for event in events}
    named_bodies = bodies_named(steps, bodies_told(events), bodies, cases)
    names: dict[str | int, str] = {body.code: named(body) for body in named_bodies}
    names |= people_named(steps, people)
    told = {body.pk: named(body) for body in named_bodies}
    return {event.pk: [*details(event.data, names), *step_lines(event, told)] for event in events}


def desk_of(data: dict[str, Any]) -> str | None:
    """Return the code of the desk a step gave the case to."""
    return data.get("changed", {}).get("desk", (None, None))[1]


def bodies_in(data: dict[str, Any]) -> list[str]:
    """Return the codes of the organisations a step mentions, whoever it gave something to first."""
    to = (data.get("department"), desk_of(data), data.get("squad"), data.get("organisation"))
    return [code for code in (*to, *data.get("cooperating", ())) if isinstance(code, str)]


def people_in(data: dict[str, Any]) -> list[int]:
    """Return the ids of the people a step mentions."""
    return [pk for pk in (data.get("collector"), data.get("person")) if isinstance(pk, int)]


def bodies_named(
    steps: list[dict[str, Any]], told: set[int], known: Iterable[Organisation], cases: set[int]
) -> list[Organisation]:
    """Return the organisations that steps mention or told: a query for those not ``known``.

    A code is one of the city of the ``cases``: another city may have a body of the same code.
    """
    found = list(known)
    codes = {code for data in steps for code in (*bodies_in(data), *data.get("departments", ()))}
    codes -= {body.code for body in found}
    ids = told - {body.pk for body in found}
    if codes or ids:
        cities = Case.objects.filter(pk__in=cases).order_by().values("city")
        found += Organisation.objects.filter(Q(code__in=codes, city__in=cities) | Q(pk__in=ids))
    return found


def people_named(steps: list[dict[str, Any]], known: Iterable[User]) -> dict[int, str]:
    """Return the names of the people that steps mention: a query for those not ``known``."""
    names = {person.pk: str(person) for person in known}
    if ids := {pk for data in steps for pk in people_in(data)} - names.keys():
        names |= {person.pk: str(person) for person in User.objects.filter(pk__in=ids)}
    return names


def details(data: dict[str, Any], names: dict[str | int, str]) -> list[str]:
    """Return what a step decided, in words: to whom, under which standard, what was found."""
    to = next((names[key] for key in (*people_in(data), *bodies_in(data)) if key in names), "")
    lines = [f"→ {to}"] if to else []
    if way := data.get("departments"):
        lines.append(" → ".join(names.get(code, code) for code in way))
    if rating := data.get("rating"):
        lines.append(str(SupervisionOrder.Rating(rating).label))
    if helpers := [names[code] for code in data.get("cooperating", ()) if code in names]:
        lines.append(_("with %(names)s") % {"names": list_words(helpers)})
    if standard := data.get("standard"):
        limit = limit_text(Decimal(standard["limit"]), standard["unit"])
        lines.append(f"{Profile(standard['profile']).label} · {limit}")
    if outcome := data.get("outcome"):
        lines.append(str(FieldTask.Outcome(outcome).label))
    if answer := data.get("answer"):
        lines.append(_("done") if answer == "done" else _("cannot be done"))
    return lines


def written_words(event: CaseEvent) -> str:
    """Return what the person wrote in a step; a note of it once erased."""
    text = getattr(event, "text", None)
    if text is None:
        return ""
    if text.content is None:
        return _("The text of this step was erased.")
    names = ("description", "note", "reason", "reply", "text", "phone_confirmation")
    return "\n".join(str(text.content[name]) for name in names if text.content.get(name))


def request_rows(requests: Iterable[ApprovalRequest]) -> list[dict[str, Any]]:
    """Return the requests of a case, newest first, with who agreed and whose turn it is."""
    return [
        {
            "label": request_words(request),
            "person": request.asked_by,
            "at": request.asked_at,
            "reason": request.reason,
            "status": request.get_status_display(),
            "is_open": request.status == ApprovalRequest.Status.OPEN,
            "is_late": request.was_overdue or request.was_decided_overdue,
            "waits_for": posts_words(request.waits_for),
            "decided_by": request.decided_by,
            "decided_at": request.decided_at,
            "decision_note": request.decision_note,
        }
        for request in sorted(requests, key=lambda request: request.pk, reverse=True)
    ]
