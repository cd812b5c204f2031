"""Pages that show several apps together: the shift supervisor's overview and its panels.

The page holds what is worked on; panels at its side are fragments of their own, loaded after it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from accounts.access import for_roles
from accounts.models import User
from accounts.roles import Role
from cases.bulk.views import bulk_bar
from cases.exceptions.ledger import Month
from cases.exceptions.panel import exceptions_panel
from cases.exceptions.shares import Share, month_shares
from cases.exceptions.words import request_words
from cases.models import ApprovalRequest, Case
from cases.presenters import action_link, case_row
from cases.queues import Queue, decision_actions, posts_of, supervision_queues
from cases.workflow import OPEN_STATES, State, arrows_from
from common import clock
from desks.shifts.selectors import last_handovers, open_points
from desks.supervision import (
    SHORT_LIST,
    acts,
    first_of_each,
    queue_table,
    state_counts,
    today_figures,
)
from desks.wall.remote import walls_panel
from desks.watch.panel import system_panel

LOOKERS = (Role.SHIFT_SUPERVISOR, Role.LEADER)


@require_safe
@for_roles(*LOOKERS)
def supervision(request: HttpRequest) -> HttpResponse:
    """Show every queue with its people and its most urgent case, the work to do, what is late."""
    now, user = clock.now(), request.user
    queues = supervision_queues(now)
    counts = state_counts(user, now)
    begun = first_of_each(user, now, counts)
    table = queue_table(user, now, counts, begun[""])
    context = {
        "now": now,
        "queues": table,
        "open_count": sum(row["count"] for row in table),
        "lists": [work_list(request, queue, begun[queue.key], table, now) for queue in queues],
        "open_query": urlencode({"state": ",".join(OPEN_STATES)}),
        "watch": (State.ACCEPTED, State.CHECKED),
        "bulk": bulk_bar(request, "file", "close", "urge", "order_supervision"),
        "panels": list(PANELS),
        "acts": acts(user),
    }
    return render(request, "desks/supervision.html", context)


# ── panels ────────────────────────────────────────────────────────────────────────────────────


@require_safe
@for_roles(*LOOKERS)
def panel(request: HttpRequest, name: str) -> HttpResponse:
    """Return one panel of the page as a fragment."""
    if name not in PANELS:
        raise Http404
    template, context_of = PANELS[name]
    now = clock.now()
    return render(request, template, {"now": now} | context_of(request, now))


def decisions_panel(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """Return what waits for the reader's decision, with what they must know: the oldest of it."""
    waiting = waiting_requests(request.user)
    rows = decision_rows(request, waiting, now)
    count = len(rows) if len(rows) < SHORT_LIST else waiting.count()
    return {"requests": rows, "count": count, "more": count - len(rows)}


def exceptions_context(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """Return what of exceptions waits."""
    return {"exceptions": exceptions_panel(request.user, now)}


def system_context(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """Return the watch of the system itself."""
    return {"system": system_panel(now)}


def shift_context(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """Return who has the shift, the hand-over that waits, and the points that are open."""
    handovers = last_handovers(request.user, 1)
    last = handovers[0] if handovers else None
    return {"points": open_points(request.user), "last": last, "acts": acts(request.user)}


def today_context(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """Return what the day brought so far, beside yesterday by this hour."""
    return today_figures(request.user, now)


def walls_context(request: HttpRequest, _now: datetime) -> dict[str, Any]:
    """Return the remote control of the walls."""
    return {"walls": walls_panel(request.user, timezone.now())}


PANELS = {
    "today": ("desks/_today.html", today_context),
    "decisions": ("desks/_decisions.html", decisions_panel),
    "shift": ("desks/_shift.html", shift_context),
    "exceptions": ("cases/exceptions/_supervision_panel.html", exceptions_context),
    "system": ("desks/_system.html", system_context),
    "walls": ("desks/wall/_remote.html", walls_context),
}


# ── the page's parts ──────────────────────────────────────────────────────────────────────────


def work_list(
    request: HttpRequest,
    queue: Queue,
    cases: list[Case],
    table: list[dict[str, Any]],
    now: datetime,
) -> dict[str, Any]:
    """Return the beginning of a list with the button of what is done there.

    Its length is that of the table: the same figure twice on a page is one figure.
    """
    action = queue.action if acts(request.user) else ""
    rows = [
        case_row(case, now) | {"button": work_button(case, action, request.path)} for case in cases
    ]
    states = queue.filter.get("state")
    length = sum(
        row["count"] if states else row["late" if queue.key == "late" else "near"]
        for row in table
        if states in (None, row["state"])
    )
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


def waiting_requests(user: User) -> QuerySet[ApprovalRequest]:
    """Return the requests that wait for somebody's decision."""
    return ApprovalRequest.objects.filter(
        status=ApprovalRequest.Status.OPEN,
        waits_for__has_any_keys=posts_of(user.roles),
        case__in=Case.objects.visible_to(user),
    )


def decision_rows(
    request: HttpRequest, waiting: QuerySet[ApprovalRequest], now: datetime
) -> list[dict[str, Any]]:
    """Return the first of the requests that wait for the reader's decision, oldest first.

    Beside each: whether the case is late, the how many-th of its kind it is, and the department's
    share this month beside its cap.
    """
    related = waiting.select_related("case__type", "asked_by", "organisation")
    asked = list(related.order_by("asked_at", "pk")[:SHORT_LIST])
    shares = department_shares(request.user, now) if asked else {}
    return [
        {
            "request": each,
            "label": request_words(each),
            "case": each.case,
            "buttons": decision_buttons(each, reverse("desks:supervision")),
            "is_late": each.due_at is not None and each.due_at < now,
            "ordinal": each.ordinal,
            "share": shares.get(each.department_id, {}).get(each.kind),
            "ledger_url": reverse("exceptions:ledger", args=[each.kind]),
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


def department_shares(user: User, now: datetime) -> dict[int | None, dict[str, Share]]:
    """Return each department's shares of the present month, by kind of request: four queries."""
    today = timezone.localdate(now)
    if user.city_id is None:
        return {}
    rows = month_shares(user.city_id, Month.of(today), today)
    return {row.organisation.pk if row.organisation else None: row.shares for row in rows}
