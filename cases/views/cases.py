"""The list of cases and the page of one case."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from cases.acceptor.duplicates import duplicates_of
from cases.api.filters import filter_cases, is_narrowed
from cases.bulk.views import bulk_bar
from cases.case_page import (
    clock_rows,
    clocks_of_run,
    request_rows,
    stages,
    timeline,
)
from cases.choices import filter_choices
from cases.exceptions.orders import orders_in_case
from cases.models import Case
from cases.order_rows import order_rows
from cases.panels import panels_of
from cases.parts import parts_of
from cases.presenters import action_buttons, case_row, photo_groups
from cases.selectors import actions_for, case_get_visible, case_timeline
from cases.situation import Situation
from cases.views.actions import refusal
from common import clock
from common.errors import DomainError
from common.paging import cursor_page
from components.register.exports.subjects import SUBJECTS

PAGE_SIZE = 25
ROW_RELATIONS = ("type", "department", "district", "street")
MORE_RELATIONS = {"desk": "desk", "component": "component", "community": "community"}
OUTLINES = ("district__geometry", "street__geometry", "community__geometry")  # no row shows them
# What the list can show beside the number, in this order, and what it shows unless told otherwise.
COLUMNS: dict[str, str | Promise] = {
    "type": _("Type, place"),
    "district": _("District"),
    "community": _("Community"),
    "cell": _("Cell"),
    "component": _("Component"),
    "desk": _("Desk"),
    "department": _("Department"),
    "reported": _("Reported"),
    "due": _("Deadline"),
    "state": _("State"),
    "clock": _("Clock"),
}
USUAL = ("type", "district", "department", "reported", "state", "clock")
BULK_ACTS = ("file", "close", "send_check", "urge", "sign", "refuse", "order_supervision")


@require_safe
def case_list(request: HttpRequest) -> HttpResponse:
    """List the cases a person may see, newest first, by filters that stand in the address."""
    now = clock.now()
    visible = Case.objects.newest_visible_to(request.user, is_narrowed=is_narrowed(request.GET))
    wanted = request.GET.get("q", "").strip()
    if wanted.isdigit() and visible.filter(number=wanted).exists():
        return redirect("cases:detail", wanted)
    error, shown = None, columns_shown(request.GET.getlist("column"))
    columns = shown["columns"]
    try:
        filtered = filter_cases(visible, request.GET, now, user=request.user)
    except DomainError as refused:
        error, filtered = refusal(refused), visible.none()
    related = [*ROW_RELATIONS, *(MORE_RELATIONS[c] for c in columns if c in MORE_RELATIONS)]
    shapes = [name for name in OUTLINES if name.split("__")[0] in related]
    whole = Case.objects.select_related(*related).defer(*shapes)
    page = cursor_page(request, filtered, size=PAGE_SIZE, field="reported_at", shown=whole)
    context = {
        "now": now,
        "rows": [case_row(case, now) for case in page.rows],
        "pager": page,
        "error": error,
        "choices": filter_choices(request.user, timezone.localdate(now)),
        "chosen": request.GET,
        **shown,
        "bulk": bulk_bar(request, *BULK_ACTS),
        "formats": SUBJECTS["cases"].formats if SUBJECTS["cases"].may(request.user) else (),
    }
    template = "cases/_list.html" if request.htmx else "cases/list.html"
    return render(request, template, context, status=400 if error else 200)


def columns_shown(wanted: Iterable[str] = ()) -> dict[str, Any]:
    """Return the columns a list shows, in their order, and all it could; else the usual ones."""
    columns = [name for name in COLUMNS if name in wanted] or list(USUAL)
    labels = [(name, label, name in columns) for name, label in COLUMNS.items()]
    return {"columns": columns, "all_columns": labels}


@require_safe
def case_detail(request: HttpRequest, number: str) -> HttpResponse:
    """Show everything about one case, and exactly the actions the reader may take now."""
    case, now = case_get_visible(user=request.user, number=number), clock.now()
    back = reverse("cases:detail", args=[number])
    events, clocks = case_timeline(case), clocks_of_run(case)
    situation = Situation(case, request.user, now)
    options = actions_for(case, request.user, now, situation)
    actions = action_buttons(case, options, back)
    context = {
        "now": now,
        "case": case,
        "row": case_row(case, now, is_mine=any(action["is_primary"] for action in actions)),
        "actions": actions,
        "photos": photo_groups(case),
        "stages": stages(case, clocks, now),
        "clocks": clock_rows(clocks, now),
        "sub_orders": order_rows(case, situation.open_orders, clocks, now),
        "events": timeline(events, {clock.person for clock in clocks if clock.person}),
        "requests": request_rows(parts_of(case).requests),
        "orders": orders_in_case(case, now),
        "panels": panels_of(case, request.user, now),
    }
    return render(request, "cases/detail.html", context)


@require_safe
def case_similar(request: HttpRequest, number: str) -> HttpResponse:
    """Return the open cases of this type near a case, as its page fetches them."""
    case, now = case_get_visible(user=request.user, number=number), clock.now()
    alike = duplicates_of(case, user=request.user, now=now, case_type=case.type)
    rows = [case_row(each, now) for each in alike]
    return render(request, "cases/_similar.html", {"now": now, "similar": rows})
