"""Overdue cases to be urged, orders and instructions, repeat spots, cycles of returns."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import for_roles
from accounts.roles import Role
from cases.bulk.views import bulk_bar
from cases.exceptions import orders as order_lists
from cases.exceptions import repeats as repeat_spots
from cases.exceptions.cycles import cycle_see
from cases.exceptions.urging import URGED_IN, overdue_cases
from cases.exceptions.views.common import (
    EVERY_DESK,
    PAGE_SIZE,
    SUPERVISE,
    department_choices,
    query_of,
)
from cases.models import RepeatSpot
from cases.presenters import action_link, case_row
from cases.views.actions import refusal
from cases.workflow import STATE_LABELS
from common import clock
from common.errors import DomainError
from common.paging import cursor_page
from common.templatetags.ui import named

MOST_OVERDUE = 100
MOST_TEXT = 2000


@require_safe
@for_roles(*SUPERVISE, Role.DISPATCHER)
def overdue(request: HttpRequest) -> HttpResponse:
    """List what is overdue (or due soon), the longest first, to be urged one by one or together."""
    now, error = clock.now(), None
    try:
        rows = overdue_cases(request.user, request.GET, now)
        count = rows.order_by().count()
        cases = list(rows[:MOST_OVERDUE])
    except DomainError as refused:
        error, cases, count = refusal(refused), [], 0
    context = {
        "now": now,
        "rows": [
            case_row(case, now)
            | {
                "urged_at": case.urged_at,
                "button": action_link(case, "urge", request.get_full_path()) | {"asks": False},
            }
            for case in cases
        ],
        "bulk": bulk_bar(request, "urge", "order_supervision"),
        "count": count,
        "rest": count - len(cases),
        "choices": [
            ("light", _("Light"), [("red", _("overdue")), ("yellow", _("due soon"))]),
            ("state", _("State"), [(each, STATE_LABELS[each]) for each in dict.fromkeys(URGED_IN)]),
            ("department", _("Department"), department_choices(request.user)),
        ],
        "chosen": request.GET,
        "error": error,
    }
    return render(request, "cases/exceptions/overdue.html", context, status=400 if error else 200)


@require_safe
@for_roles(*EVERY_DESK)
def orders(request: HttpRequest, kind: str) -> HttpResponse:
    """List supervision orders or leader's instructions by what they wait for."""
    if kind not in order_lists.MODELS:
        raise Http404
    now, error = clock.now(), None
    tab = request.GET.get("tab", "waiting")
    if tab not in dict(order_lists.TABS):
        raise Http404
    try:
        rows = order_lists.orders_of(request.user, kind, request.GET)
    except DomainError as refused:
        error, rows = refusal(refused), order_lists.MODELS[kind].objects.none()
    counts = order_lists.order_counts(rows, now)
    page = cursor_page(
        request, order_lists.order_rows(rows, tab, now), size=PAGE_SIZE, field="given_at"
    )
    rate = "rate_supervision" if kind == "orders" else "rate_instruction"
    may_rate = bool(set(SUPERVISE if kind == "orders" else [Role.LEADER]) & request.user.roles)
    context = {
        "now": now,
        "kind": kind,
        "tabs": [
            (query_of(request, tab=key), label, counts[key], key == tab)
            for key, label in order_lists.TABS
        ],
        "rows": [order_row(row, now, rate if may_rate else "", request) for row in page.rows],
        "pager": page,
        "choices": [("department", _("Department"), department_choices(request.user))],
        "chosen": request.GET,
        "error": error,
    }
    return render(request, "cases/exceptions/orders.html", context, status=400 if error else 200)


def order_row(row: Any, now: datetime, rate: str, request: HttpRequest) -> dict[str, Any]:
    """Return an order with how late its reply is, and the button that rates it."""
    can_rate = rate and row.replied_at and not row.rated_at
    return {
        "order": row,
        "late": order_lists.reply_lateness(row, now),
        "button": action_link(row.case, rate, request.get_full_path()) if can_rate else None,
    }


@require_safe
@for_roles(*SUPERVISE)
def repeats(request: HttpRequest) -> HttpResponse:
    """Show the repeat spots of a status; proposals can be ordered or dismissed."""
    return repeats_page(request)


def repeats_page(
    request: HttpRequest, error: Any = None, about: int = 0, status: int = 200
) -> HttpResponse:
    """Render the spots, with what went wrong and what was typed about one of them."""
    now, chosen = clock.now(), request.GET.get("status", RepeatSpot.Status.PROPOSED.value)
    if chosen not in RepeatSpot.Status.values:
        raise Http404
    spots = repeat_spots.spots_of(request.user, chosen).order_by("-found_at", "-pk")
    page = cursor_page(request, spots, size=PAGE_SIZE, field="found_at")
    context = {
        "now": now,
        "tabs": [(value, label, value == chosen) for value, label in RepeatSpot.Status.choices],
        "rows": [spot_row(spot, about, request) for spot in page.rows],
        "pager": page,
        "error": error,
        "is_proposed": chosen == RepeatSpot.Status.PROPOSED,
    }
    return render(request, "cases/exceptions/repeats.html", context, status=status)


def spot_row(spot: Any, about: int, request: HttpRequest) -> dict[str, Any]:
    """Return a spot with its cases, where an order would be given, and a text to begin with."""
    members = list(spot.members.all())
    case = repeat_spots.case_for_order(members)
    days = spot.rule.within_days
    text = _(
        "%(count)s cases of “%(type)s” here within %(days)s days."
        " Find the cause, see to it for good, and report."
    ) % {
        "count": spot.case_count,
        "type": named(spot.type or spot.rule.type_class),
        "days": days,
    }
    typed = request.POST if spot.pk == about else {}
    return {
        "spot": spot,
        "cases": [member.case for member in members],
        "case": case,
        "text": typed.get("text", text),
        "reply_due": typed.get("reply_due", ""),
        "reason": typed.get("reason", ""),
        "is_open": spot.pk == about,
    }


@require_POST
@for_roles(*SUPERVISE)
def repeat_decide(request: HttpRequest, spot_id: int, decision: str) -> HttpResponse:
    """Turn a proposal into a supervision order, or dismiss it with a reason."""
    given: dict[str, Any] = {"spot_id": spot_id, "actor": request.user, "now": clock.now()}
    try:
        if decision == "order":
            text, due = request.POST.get("text", ""), request.POST.get("reply_due", "")
            order = repeat_spots.spot_order(**given, text=text, reply_due=due)
            said = _("Supervision order %(number)s was given.") % {"number": order.number}
        elif decision == "dismiss":
            repeat_spots.spot_dismiss(**given, reason=request.POST.get("reason", "")[:MOST_TEXT])
            said = _("The proposal was dismissed.")
        else:
            raise Http404
    except DomainError as refused:
        if refused.status == 404:
            raise Http404 from refused
        return repeats_page(request, refusal(refused), spot_id, refused.status)
    messages.success(request, said)
    return redirect("exceptions:repeats")


@require_POST
@for_roles(Role.SHIFT_SUPERVISOR)
def cycle_seen(request: HttpRequest, cycle_id: int) -> HttpResponse:
    """Note that the supervisor has seen a cycle of returns."""
    try:
        cycle = cycle_see(cycle_id=cycle_id, actor=request.user, now=clock.now())
    except DomainError as refused:
        raise Http404 from refused
    messages.success(request, _("%(number)s: seen.") % {"number": cycle.case.number})
    return redirect("desks:supervision")
