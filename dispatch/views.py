"""The dispatch desk (city and district alike) and the department's inbox: a list and a pane."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.access import for_roles
from accounts.models import User
from accounts.roles import Role
from cases.case_page import request_rows
from cases.choices import deadline_of, departments_for
from cases.models import ApprovalRequest, Case
from cases.presenters import action_buttons, case_row, photo_groups
from cases.queues import (
    PAGE_SIZE,
    Queue,
    dispatch_queues,
    inbox_queues,
    queue_cases,
    queue_lengths,
)
from cases.selectors import actions_for, case_get_visible
from cases.workflow import State
from common import clock
from dispatch.selectors import last_ten_like, nobody_queue, returned_by, suggest_department

BATCHED = ("filed", "nobody")  # the queues from which several may be given out at once
MOST_URGENT = ("due_at", "reported_at", "pk")


@require_safe
@for_roles(Role.DISPATCHER)
def dispatch(request: HttpRequest) -> HttpResponse:
    """Show what waits for the reader's desk; the case chosen with a suggested department."""
    now = clock.now()
    queues = dispatch_queues(request.user)
    queues.insert(1, nobody_queue(request.user))
    context = desk_context(request, queues, now)
    context["may_choose"] = context["queue"].key in BATCHED
    context["watch"] = (State.FILED, State.REWORK)
    case = context.get("case")
    if case is not None:
        context |= dispatch_context(case, context["actions"], request.user, now)
    return render(request, "dispatch/dispatch.html", context)


@require_safe
@for_roles(Role.DEPARTMENT_CLERK, Role.DEPARTMENT_HEAD, Role.PROXY_SQUAD)
def inbox(request: HttpRequest) -> HttpResponse:
    """Show what waits for the reader's department; the case chosen with what closes it."""
    now = clock.now()
    context = desk_context(request, inbox_queues(request.user, now), now)
    context["watch"] = (State.DISPATCHED,)
    return render(request, "dispatch/inbox.html", context)


def desk_context(request: HttpRequest, queues: Sequence[Queue], now: datetime) -> dict[str, Any]:
    """Return queues, rows and the case chosen, for a desk of list and pane."""
    lengths = queue_lengths(request.user, queues)
    chosen = next((q for q in queues if q.key == request.GET.get("queue")), queues[0])
    cases = list(queue_cases(request.user, chosen, order=MOST_URGENT)[:PAGE_SIZE])
    back = f"{request.path}?{urlencode({'queue': chosen.key})}"
    context = {
        "now": now,
        "tabs": [(queue, lengths[queue.key], queue is chosen) for queue in queues],
        "queue": chosen,
        "rows": [case_row(case, now) for case in cases],
        "rest": max(lengths[chosen.key] - len(cases), 0),
        "back": back,
        "is_chosen": bool(request.GET.get("case")),
    }
    number = request.GET.get("case") or (cases[0].number if cases else "")
    return context | (pane_context(request, number, back, now) if number else {})


def pane_context(request: HttpRequest, number: str, back: str, now: datetime) -> dict[str, Any]:
    """Return what the pane shows of the case chosen."""
    case = case_get_visible(user=request.user, number=number)
    requests = ApprovalRequest.objects.filter(case=case).select_related("asked_by", "decided_by")
    options = actions_for(case, request.user, now)
    return {
        "case": case,
        "row": case_row(case, now),
        "photos": photo_groups(case),
        "requests": request_rows(requests),
        "actions": action_buttons(case, options, back),
        "failed_check": last_failed_check(case),
    }


def last_failed_check(case: Case) -> dict[str, Any] | None:
    """Return who found the work wanting and what they wrote, while it is being done again."""
    if not case.rework_count:
        return None
    event = (
        case.events.filter(action="check_fail", run=case.run)
        .select_related("actor", "text")
        .order_by("-sequence")
        .first()
    )
    if event is None:
        return None
    text = getattr(event, "text", None)
    note = (text.content or {}).get("note", "") if text else ""
    return {"person": event.actor, "at": event.at, "note": note}


def dispatch_context(
    case: Case, actions: list[dict[str, Any]], reader: User, now: datetime
) -> dict[str, Any]:
    """Return what giving a case out needs: departments, the one suggested and why, the deadline."""
    main = next((action for action in actions if action["action"] == "dispatch"), None)
    if main is None:
        return {}
    actions.remove(main)
    suggestion = suggest_department(case, now)
    chosen = case.department or suggestion.organisation
    return {
        "main": main,
        "suggestion": suggestion,
        "departments": departments_for(case),
        "chosen_department": chosen,
        "earlier": last_ten_like(case, reader),
        "returned": returned_by(case),
        "due_preview": deadline_of(case, case.standard, now) if case.standard else None,
    }
