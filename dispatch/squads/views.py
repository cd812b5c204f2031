"""Pages of the squads: all of them, and one with its roster."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import for_roles
from accounts.roles import Role
from cases.models import SubOrder
from common import clock
from dispatch.funds.presenters import tabs
from dispatch.funds.views.overview import SEERS
from dispatch.squads.presenters import days_of
from dispatch.squads.selectors import LOOKED_BACK, squad_row, squad_rows

RECENT = 20


@require_safe
@for_roles(*SEERS, Role.PROXY_SQUAD)
def squad_list(request: HttpRequest) -> HttpResponse:
    """Show every squad: who is on duty, holes of the roster, reaction time."""
    now = clock.now()
    context = {
        "now": now,
        "tabs": tabs(request.user, "squads:list"),
        "rows": squad_rows(request.user, now),
        "days": LOOKED_BACK.days,
    }
    return render(request, "dispatch/squads/list.html", context)


@require_safe
@for_roles(*SEERS, Role.PROXY_SQUAD)
def squad_detail(request: HttpRequest, code: str) -> HttpResponse:
    """Show a squad's roster of the next week and its last orders."""
    now = clock.now()
    row = squad_row(request.user, code, now)
    orders = SubOrder.objects.filter(organisation=row.organisation, is_lead=True)
    context = {
        "now": now,
        "tabs": tabs(request.user, "squads:list"),
        "row": row,
        "days": days_of(row, now),
        "day_count": LOOKED_BACK.days,
        "orders": orders.select_related("case__type").order_by("-dispatched_at")[:RECENT],
    }
    return render(request, "dispatch/squads/detail.html", context)
