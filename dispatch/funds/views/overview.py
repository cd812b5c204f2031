"""The overview of the funds, and the queues of works."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import for_roles
from accounts.roles import ALLOCATE_FUNDS, ROLES, VIEW_FUNDS, Role, may
from common import clock
from dispatch.funds.models import Fund
from dispatch.funds.presenters import (
    QUEUE_LABELS,
    bar,
    month_rows,
    tabs,
)
from dispatch.funds.selectors import (
    MONTHS,
    funds_overview,
    work_queue_lengths,
    years_of,
)

TOTALS = ("budget", "allocated", "committed", "paid", "recovered", "free")
SEERS = tuple(role for role in Role if VIEW_FUNDS in ROLES[role].permissions)


def chosen_year(request: HttpRequest, this_year: int) -> int:
    """Return the year of the address, else the present one."""
    text = request.GET.get("year", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) == 4 else this_year


@require_safe
@for_roles(*SEERS, Role.PROXY_SQUAD)
def overview(request: HttpRequest) -> HttpResponse:
    """Show every fund's year: budget, committed, paid, free, and by month."""
    if not may(request.user.roles, VIEW_FUNDS):
        return redirect("funds:works")
    now = clock.now()
    this_year = timezone.localdate(now).year
    year = chosen_year(request, this_year)
    rows = funds_overview(request.user, year)
    years = years_of(Fund.objects.visible_to(request.user))
    context = {
        "now": now,
        "tabs": tabs(request.user, "funds:overview"),
        "year": year,
        "years": sorted({*years, this_year, year}, reverse=True),
        "rows": [(row, bar(row)) for row in rows],
        "total": {name: sum(getattr(row, name) for row in rows) for name in TOTALS},
        "months": MONTHS,
        "month_rows": month_rows(rows),
        "queues": queue_rows(request),
        "may_allocate": may(request.user.roles, ALLOCATE_FUNDS),
    }
    return render(request, "dispatch/funds/overview.html", context)


def queue_rows(request: HttpRequest) -> list[tuple[str, Any, int]]:
    """Return the queues of works with their lengths: one query."""
    lengths = work_queue_lengths(request.user)
    return [(key, label, lengths[key]) for key, label in QUEUE_LABELS.items()]
