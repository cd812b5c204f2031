"""The works that wait for a step, and the forms about one."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import for_roles
from accounts.roles import VIEW_FUNDS, Role, may
from cases.choices import squads_for
from cases.selectors import case_get_visible
from common import clock
from common.paging import cursor_page
from dispatch.funds.actions import WORK_ACTIONS
from dispatch.funds.forms import QuoteForm
from dispatch.funds.panel import proxy_panel
from dispatch.funds.presenters import tabs
from dispatch.funds.selectors import (
    holds_desk,
    work_file,
    work_get_visible,
    work_queues,
    works_in_queue,
)
from dispatch.funds.services.quotes import quote_offer
from dispatch.funds.views.form_page import FormPage
from dispatch.funds.views.overview import SEERS, queue_rows

PAGE_SIZE = 50
POSTS = ("GET", "HEAD", "POST")


@require_safe
@for_roles(*SEERS, Role.PROXY_SQUAD)
def works(request: HttpRequest) -> HttpResponse:
    """List the works that wait for a step, by queues."""
    key = request.GET.get("queue", "open")
    if key not in work_queues():
        raise Http404
    rows = works_in_queue(request.user, key)
    page = cursor_page(request, rows, size=PAGE_SIZE, field="opened_at")
    context = {
        "now": clock.now(),
        "tabs": tabs(request.user, "funds:works"),
        "queues": queue_rows(request),
        "key": key,
        "rows": page.rows,
        "pager": page,
        "may_see_funds": may(request.user.roles, VIEW_FUNDS),
    }
    return render(request, "dispatch/funds/works.html", context)


@require_safe
def case_panel(request: HttpRequest, number: str) -> HttpResponse:
    """Return what a case's page says of proxy work, as it fetches it; nothing if there is none."""
    case = case_get_visible(user=request.user, number=number)
    panel = proxy_panel(case, request.user, clock.now())
    return render(request, "dispatch/funds/_panel.html", {"case": case, "panel": panel})


@require_http_methods(POSTS)
@for_roles(*SEERS, Role.PROXY_SQUAD)
def act(request: HttpRequest, work_id: int, action: str) -> HttpResponse:
    """Ask what an action on a work needs, or do it."""
    work = work_get_visible(user=request.user, work_id=work_id)
    chosen = WORK_ACTIONS.get(action)
    if chosen is None:
        raise Http404
    page = FormPage(
        request,
        label=chosen.label,
        icon=chosen.icon,
        subject=work.case.number,
        default_back=reverse("cases:detail", args=[work.case.number]),
        form=chosen.form,
        run=lambda data, now: chosen.run(request.user, work, data, now),
        choices=chosen.choices(work_file(work)),
        is_danger=chosen.is_danger,
        consequence=chosen.consequence,
    )
    return page.response()


@require_http_methods(POSTS)
@for_roles(Role.DISPATCHER, Role.PROXY_SQUAD)
def quote(request: HttpRequest, number: str) -> HttpResponse:
    """Ask for a quote, or enter it: a squad its own, the case's desk anybody's."""
    case = case_get_visible(user=request.user, number=number)
    bidders = squads_for(case)
    if not holds_desk(request.user, case):
        path = request.user.organisation.path if request.user.organisation else "-"
        bidders = bidders.filter(path__startswith=path)
    page = FormPage(
        request,
        label=_("Enter a quote"),
        icon="edit",
        subject=number,
        default_back=reverse("cases:detail", args=[number]),
        form=QuoteForm,
        run=lambda data, now: quote_offer(
            actor=request.user,
            case_number=number,
            bidder=data["bidder"],
            amount_fen=data["amount"],
            note=data["note"],
            now=now,
        ),
        choices={"bidders": bidders.select_related("parent")},
    )
    return page.response()
