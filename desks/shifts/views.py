"""The page of the shift log: write, tick, hand over, receive."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import for_roles
from accounts.idempotency import run_once
from accounts.roles import Role
from cases.views.actions import refusal, sent_body
from common import clock
from common.errors import DomainError
from desks.shifts.selectors import last_handovers, log_entries, open_points, queue_figures
from desks.shifts.services import entry_add, point_close, shift_hand_over, shift_receive

LOOKERS = (Role.SHIFT_SUPERVISOR, Role.LEADER)


@require_safe
@for_roles(*LOOKERS)
def shift(request: HttpRequest) -> HttpResponse:
    """Show the log of the last day, the open points, and the hand-overs."""
    return shift_page(request)


def shift_page(request: HttpRequest, refused: DomainError | None = None) -> HttpResponse:
    """Render the page, with what went wrong and what was typed."""
    now, user = clock.now(), request.user
    handovers, figures = last_handovers(user), queue_figures(user, now)
    last = handovers[0] if handovers else None
    context: dict[str, Any] = {
        "now": now,
        "error": refusal(refused) if refused else None,
        "typed": request.POST if refused else {},
        "key": str(uuid4()),
        "entries": log_entries(user, now),
        "points": open_points(user),
        "last": last,
        "handovers": handovers,
        "acts": Role.SHIFT_SUPERVISOR in user.roles,
        "may_hand_over": last is None or last.received_at is not None,
        "open_count": sum(count for count, _late in figures.values()),
        "late_count": sum(late for _count, late in figures.values()),
    }
    return render(request, "desks/shift.html", context, status=refused.status if refused else 200)


@require_POST
@for_roles(*LOOKERS)
def write_entry(request: HttpRequest) -> HttpResponse:
    """Write into the log, once however often the form is sent."""
    now = clock.now()

    def act() -> tuple[int, str]:
        entry = entry_add(
            actor=request.user,
            text=request.POST.get("text", ""),
            number=request.POST.get("case", ""),
            is_point=request.POST.get("is_point") == "on",
            now=now,
        )
        return 200, str(entry.pk)

    try:
        run_once(
            user=request.user,
            key=request.POST.get("key", ""),
            operation="page:shift-entry",
            body=sent_body(request),
            now=now,
            act=act,
        )
    except DomainError as refused:
        return shift_page(request, refused)
    return redirect("desks:shift")


@require_POST
@for_roles(*LOOKERS)
def close_point(request: HttpRequest, entry_id: int) -> HttpResponse:
    """Tick a point."""
    point_close(actor=request.user, entry_id=entry_id, now=clock.now())
    return redirect("desks:supervision")


@require_POST
@for_roles(*LOOKERS)
def hand_over(request: HttpRequest) -> HttpResponse:
    """Hand the shift to the next."""
    try:
        shift_hand_over(actor=request.user, note=request.POST.get("note", ""), now=clock.now())
    except DomainError as refused:
        return shift_page(request, refused)
    messages.success(request, _("The shift waits for the next supervisor to receive it."))
    return redirect("desks:shift")


@require_POST
@for_roles(*LOOKERS)
def receive(request: HttpRequest, handover_id: int) -> HttpResponse:
    """Receive a shift."""
    try:
        shift_receive(actor=request.user, handover_id=handover_id, now=clock.now())
    except DomainError as refused:
        return shift_page(request, refused)
    messages.success(request, _("The shift is yours."))
    return redirect("desks:supervision")
