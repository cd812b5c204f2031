"""The acceptor's desk: is this a case, which type, where, whose? And who has which report open."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import for_roles
from accounts.roles import Role
from cases.acceptor.holds import HELD_FOR, RENEWED_EVERY, hold_release, hold_take, holds_elsewhere
from cases.acceptor.page import queue_rows, report_context, type_context, what_follows
from cases.bulk.views import bulk_bar
from cases.models import Case
from cases.publish import hint_case
from cases.queues import Desk, acceptance_queues
from cases.selectors import case_get_visible
from cases.workflow import State
from common import clock
from common.paging import place_asked_for
from components.models import CaseType, Component

WATCHED = (State.REPORTED, State.HANDLED)
ACCEPTANCE_DESK = Desk(acceptance_queues, order=("reported_at", "pk"), shown=("type",))
LOCK = "lock"  # the hint that somebody opened or left a report


@require_safe
@for_roles(Role.ACCEPTOR)
def acceptance(request: HttpRequest) -> HttpResponse:
    """Show the queues, and the report chosen or the oldest that nobody else has open."""
    now, user = clock.now(), request.user
    queues = ACCEPTANCE_DESK.queues(user)
    chosen = next((q for q in queues if q.key == request.GET.get("queue")), queues[0])
    goes_on, start = request.GET.get("part") == "rows", place_asked_for(request)
    stretch = ACCEPTANCE_DESK.stretch(user, chosen.key, now, start=start, goes_on=goes_on)
    rows, taken = queue_rows(stretch.cases, user, now)
    context: dict[str, Any] = {
        "now": now,
        "queue": chosen,
        "rows": rows,
        "stretch": stretch,
        "back": f"{request.path}?queue={chosen.key}",
        "bulk": bulk_bar(request, *chosen.acts) if rows else {},
    }
    if goes_on:
        return render(request, "cases/_queue_rows.html", context)
    lengths = ACCEPTANCE_DESK.lengths(user, now)
    free = (case.number for case in stretch.cases if case.pk not in taken)
    first = next(free, rows[0]["number"] if rows else "")
    number = request.GET.get("case") or first
    case = case_get_visible(user=user, number=number) if number else None
    context |= {
        "tabs": [(queue, lengths[queue.key], queue is chosen) for queue in queues],
        "watch": WATCHED,
        "renew_seconds": int(RENEWED_EVERY.total_seconds()),
        "hold": taken.get(case.pk) if case else None,
        **(report_context(user, case, chosen.key, now) if case else {}),
    }
    return render(request, "cases/acceptance.html", context)


@require_safe
@for_roles(Role.ACCEPTOR)
def acceptance_details(request: HttpRequest, number: str) -> HttpResponse:
    """Return what depends on type and component chosen, as fragments.

    With ``component`` in the address only what follows from it: the list it was chosen from stays.
    """
    case, now = case_get_visible(user=request.user, number=number), clock.now()
    case_type = _type_named(request.GET.get("type", ""), now)
    component = _component_named(request.GET.get("component", ""), case)
    is_for_component = "component" in request.GET
    if not is_for_component and case_type is not None and case_type.pk == case.type_id:
        component = case.component
    read = what_follows if is_for_component else type_context
    context = {
        "case": case,
        "case_type": case_type,
        "now": now,
        "back": request.GET.get("next", ""),
        "can_merge": True,
        **read(request.user, case, case_type, component, now),
    }
    template = "cases/_follows.html" if is_for_component else "cases/_type_details.html"
    return render(request, template, context)


def _type_named(code: str, now: Any) -> CaseType | None:
    types = CaseType.objects.valid_on(timezone.localdate(now)).select_related("type_class")
    return types.filter(code=code).first() if code and "\0" not in code else None


def _component_named(code: str, case: Case) -> Component | None:
    if not code.isdecimal():
        return None
    return Component.objects.filter(code=code, city=case.city_id).select_related("type").first()


def moment_or_none(text: str) -> datetime | None:
    """Return the moment a page sent back; None for none and for nonsense."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if timezone.is_aware(moment) else None


@require_POST
@for_roles(Role.ACCEPTOR)
def acceptance_hold(request: HttpRequest, number: str) -> HttpResponse:
    """Take a report, renew that, or give it up; say who has this one and the others open."""
    case, now = case_get_visible(user=request.user, number=number), clock.now()
    if request.POST.get("release"):
        until = moment_or_none(request.POST.get("until", ""))
        hold_release(case=case, user=request.user, until=until)
        hint_case(number, LOCK)
        return HttpResponse(status=204)
    hold = hold_take(case=case, user=request.user, now=now)
    if request.POST.get("opened") and hold.is_of(request.user):
        hint_case(number, LOCK, {"by": str(request.user)})
    return JsonResponse(
        {
            "is_mine": hold.is_of(request.user),
            "holder": str(hold.user),
            "until": hold.until.isoformat(),
            "seconds": max(int((hold.until - now).total_seconds()), 0),
            "held_for": int(HELD_FOR.total_seconds()),
            "others": {
                other.number: str(other.user) for other in holds_elsewhere(request.user, now)
            },
        }
    )
