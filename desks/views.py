"""Pages that show several apps together: the shift supervisor's overview."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from accounts.access import for_roles
from accounts.models import User
from accounts.roles import Role
from cases.exceptions.panel import exceptions_panel
from cases.exceptions.words import request_words
from cases.models import ApprovalRequest, Case
from cases.presenters import action_link, badge, case_row, waiting_clock
from cases.queues import (
    Queue,
    decision_actions,
    late,
    near,
    open_cases,
    posts_of,
    queue_cases,
    queue_lengths,
    supervision_queues,
)
from cases.workflow import OPEN_STATES, State, arrows_from
from common import clock
from desks.wall.remote import walls_panel
from desks.watch.panel import system_panel

SHORT_LIST = 6


@require_safe
@for_roles(Role.SHIFT_SUPERVISOR, Role.LEADER)
def supervision(request: HttpRequest) -> HttpResponse:
    """Show every queue with its most urgent case, the work to do, and what is late."""
    now, user = clock.now(), request.user
    table = queue_table(user, now)
    context = {
        "now": now,
        "reported": reported_figures(user, now),
        "queues": table,
        "open_count": sum(row["count"] for row in table),
        "lists": [work_list(request, queue, now) for queue in supervision_queues(now)],
        "requests": decision_rows(request),
        "exceptions": exceptions_panel(user, now),
        "open_query": urlencode({"state": ",".join(OPEN_STATES)}),
        "watch": (State.ACCEPTED, State.CHECKED),
        "system": system_panel(now),
        "walls": walls_panel(user, timezone.now()),
    }
    return render(request, "desks/supervision.html", context)


def reported_figures(user: User, now: datetime) -> dict[str, int]:
    """Return how many cases were reported today, and yesterday by this hour: one query."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    day = timedelta(days=1)
    recent = Case.objects.visible_to(user).filter(reported_at__gte=midnight - day)
    return recent.aggregate(
        today=Count("pk", filter=Q(reported_at__gte=midnight)),
        yesterday=Count("pk", filter=Q(reported_at__lt=now - day)),
    )


def queue_table(user: User, now: datetime) -> list[dict[str, Any]]:
    """Return each state's length, how many are near and late, and its most urgent case."""
    counted = (
        open_cases(user)
        .values("state")
        .annotate(
            count=Count("pk"),
            near=Count("pk", filter=near(now)),
            late=Count("pk", filter=late(now)),
        )
        .order_by()
    )
    counts = {row["state"]: row for row in counted}
    first = (
        open_cases(user).select_related("type").order_by("state", "due_at", "pk").distinct("state")
    )
    urgent = {case.state: case for case in first}
    mine = {queue.key for queue in supervision_queues(now)} if acts(user) else set()
    return [
        table_row(state.value, counts.get(state.value), urgent.get(state.value), now, mine)
        for state in OPEN_STATES
    ]


def table_row(
    state: str, counts: dict[str, Any] | None, urgent: Case | None, now: datetime, mine: set[str]
) -> dict[str, Any]:
    """Return one row of the table of queues; every number links to its list."""
    counts = counts or {"count": 0, "near": 0, "late": 0}
    address = f"{reverse('cases:list')}?{urlencode({'state': state})}"
    return {
        "badge": badge(Case(state=state), is_mine=state in mine),
        "url": address,
        "count": counts["count"],
        "near": counts["near"],
        "late": counts["late"],
        "shares": shares(counts),
        "urgent": urgent,
        "clock": waiting_clock(urgent, now) if urgent else None,
    }


def shares(counts: dict[str, Any]) -> dict[str, float]:
    """Return the bar's parts in percent: what is near and late begins where the rest ends."""
    total = max(counts["count"], 1)
    late_part = round(100 * counts["late"] / total, 1)
    near_part = round(100 * counts["near"] / total, 1)
    rest = max(100 - late_part - near_part, 0)
    return {"rest": rest, "near": near_part, "late": late_part, "late_from": rest + near_part}


def acts(user: User) -> bool:
    """Tell whether the reader files and closes; a leader only looks on and decides."""
    return Role.SHIFT_SUPERVISOR in user.roles


def work_list(request: HttpRequest, queue: Queue, now: datetime) -> dict[str, Any]:
    """Return the beginning of a list with the button of what is done there."""
    cases = queue_cases(request.user, queue, order=("due_at", "pk"), limit=SHORT_LIST)
    action = queue.action if acts(request.user) else ""
    rows = [
        case_row(case, now) | {"button": work_button(case, action, request.path)} for case in cases
    ]
    length = queue_lengths(request.user, [queue])[queue.key]
    return {"queue": queue, "rows": rows, "count": length, "url": list_address(queue)}


def work_button(case: Case, action: str, back: str) -> dict[str, Any] | None:
    """Return the button of what is done in a list: one click where the action asks nothing."""
    if not action:
        return None
    asks = any(row.requires for row in arrows_from(State(case.state), action))
    return action_link(case, action, back) | {"asks": asks}


def list_address(queue: Queue) -> str:
    """Return the address of the whole list behind a queue."""
    return f"{reverse('cases:list')}?{urlencode(queue.filter)}"


def decision_rows(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the requests that wait for the reader's decision, oldest first."""
    asked = (
        ApprovalRequest.objects.filter(
            status=ApprovalRequest.Status.OPEN,
            waits_for__has_any_keys=posts_of(request.user.roles),
            case__in=Case.objects.visible_to(request.user),
        )
        .select_related("case__type", "asked_by", "organisation")
        .order_by("asked_at", "pk")[:SHORT_LIST]
    )
    return [
        {
            "request": each,
            "label": request_words(each),
            "case": each.case,
            "buttons": decision_buttons(each, request.path),
        }
        for each in asked
    ]


def decision_buttons(asked: ApprovalRequest, back: str) -> list[dict[str, Any]]:
    """Return the two answers to a request, in short words: what is asked stands beside them."""
    words = (pgettext("decision", "Reject"), pgettext("decision", "Approve"))
    return [
        action_link(asked.case, action, back) | {"label": label}
        for action, label in zip(decision_actions(asked.kind), words, strict=True)
    ]
