"""A fund's book: its ledger, the export, and the forms that book."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import for_permission
from accounts.roles import ALLOCATE_FUNDS, BOOK_FUNDS, VIEW_FUNDS, may
from common import clock
from common.paging import cursor_page
from common.spreadsheets import defused
from dispatch.funds.forms import AllocationForm, BudgetForm, ReasonForm, YearForm
from dispatch.funds.models import EntryKind, Fund
from dispatch.funds.presenters import (
    LEDGER_COLUMNS,
    bar,
    entry_row,
    ledger_line,
    tabs,
)
from dispatch.funds.selectors import (
    MONTHS,
    fund_get_visible,
    funds_overview,
    ledger_entries,
    years_of,
)
from dispatch.funds.services.books import budget_allocate, budget_enter, entry_reverse, year_close
from dispatch.funds.views.form_page import FormPage
from dispatch.funds.views.overview import chosen_year

PAGE_SIZE = 50
MOST_EXPORTED = 100_000
POSTS = ("GET", "HEAD", "POST")


def narrowed(request: HttpRequest, fund: Fund) -> tuple[int, Any]:
    """Return the year and the entries of the ledger as the address narrows them."""
    year = chosen_year(request, timezone.localdate(clock.now()).year)
    kind, month = request.GET.get("kind", ""), request.GET.get("month", "")
    rows = ledger_entries(
        fund,
        year=year,
        kind=kind if kind in EntryKind.values else "",
        month=int(month) if month in map(str, MONTHS) else 0,
        number="".join(filter(str.isalnum, request.GET.get("case", "")))[:20],
    )
    return year, rows


@require_safe
@for_permission(VIEW_FUNDS)
def ledger(request: HttpRequest, code: str) -> HttpResponse:
    """Show a fund's book of a year, entry by entry."""
    fund = fund_get_visible(user=request.user, code=code)
    year, rows = narrowed(request, fund)
    page = cursor_page(request, rows, size=PAGE_SIZE, field="at")
    figures = next(row for row in funds_overview(request.user, year) if row.fund == fund)
    this_year = timezone.localdate(clock.now()).year
    context = {
        "now": clock.now(),
        "tabs": tabs(request.user, "funds:overview"),
        "fund": fund,
        "year": year,
        "years": sorted(
            {*years_of(Fund.objects.filter(pk=fund.pk)), this_year, year}, reverse=True
        ),
        "figures": figures,
        "bar": bar(figures),
        "rows": [entry_row(entry, request.user) for entry in page.rows],
        "pager": page,
        "kinds": EntryKind.choices,
        "months": MONTHS,
        "chosen": request.GET,
        "may_allocate": may(request.user.roles, ALLOCATE_FUNDS),
        "back": request.get_full_path(),
    }
    return render(request, "dispatch/funds/ledger.html", context)


class Echo:
    """A file that returns each line instead of keeping it."""

    def write(self, line: str) -> str:
        return line


@require_safe
@for_permission(VIEW_FUNDS)
def export(request: HttpRequest, code: str) -> StreamingHttpResponse:
    """Send exactly what is filtered as CSV, oldest first."""
    fund = fund_get_visible(user=request.user, code=code)
    year, rows = narrowed(request, fund)
    writer = csv.writer(Echo())

    def lines() -> Iterator[str]:
        yield "\ufeff"  # spreadsheets need the mark to see Chinese
        yield writer.writerow([str(label) for label in LEDGER_COLUMNS])
        for entry in rows.order_by("at", "pk")[:MOST_EXPORTED].iterator(chunk_size=500):
            yield writer.writerow([defused(cell) for cell in ledger_line(entry_row(entry))])

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{fund.code}-{year}.csv"'
    return response


BOOK_FORMS = {
    "budget": (_("Enter a budget"), "plus", BudgetForm, budget_enter),
    "allocate": (_("Allocate"), "arrow-right", AllocationForm, budget_allocate),
    "close": (_("Close the year"), "lock", YearForm, year_close),
}


@require_http_methods(POSTS)
@for_permission(ALLOCATE_FUNDS)
def book(request: HttpRequest, code: str, action: str) -> HttpResponse:
    """Ask for a budget, an allocation or the end of a year, or book it."""
    fund = fund_get_visible(user=request.user, code=code)
    if action not in BOOK_FORMS:
        raise Http404
    label, icon, form, service = BOOK_FORMS[action]

    def run(data: dict[str, Any], now: Any) -> Any:
        given = {name: value for name, value in data.items() if name not in ("key", "amount")}
        if "amount" in data:
            given["amount_fen"] = data["amount"]
        return service(actor=request.user, fund_id=fund.pk, now=now, **given)

    page = FormPage(
        request,
        label=label,
        icon=icon,
        subject=str(fund),
        default_back=reverse("funds:ledger", args=[code]),
        form=form,
        run=run,
        initial={"year": chosen_year(request, timezone.localdate(clock.now()).year)},
        is_danger=action == "close",
        consequence=_("A closed year takes no entry any more.") if action == "close" else "",
    )
    return page.response()


@require_http_methods(POSTS)
@for_permission(ALLOCATE_FUNDS, BOOK_FUNDS)
def reverse_entry(request: HttpRequest, code: str, entry_id: int) -> HttpResponse:
    """Ask why an entry is taken back, or take it back."""
    fund = fund_get_visible(user=request.user, code=code)
    page = FormPage(
        request,
        label=_("Take the entry back"),
        icon="arrow-back-up",
        subject=str(fund),
        default_back=reverse("funds:ledger", args=[code]),
        form=ReasonForm,
        run=lambda data, now: entry_reverse(
            actor=request.user, entry_id=entry_id, reason=data["reason"], now=now
        ),
        is_danger=True,
        consequence=_("A second entry with the opposite postings is booked; both stay."),
    )
    return page.response()
