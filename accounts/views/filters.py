"""The chips of saved filters above a list: a fragment of its own; the list waits for none."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.saved_filters import (
    MOST_COUNTED,
    PAGES,
    FilteredPage,
    canonical,
    counts_of,
    filter_change,
    filter_save,
    filters_of,
)
from common import clock
from common.errors import DomainError


def page_of(key: str) -> FilteredPage:
    """Return the list of a key; 404 for another."""
    if key not in PAGES:
        raise Http404
    return PAGES[key]


@require_http_methods(["GET", "HEAD", "POST"])
def saved_filters(request: HttpRequest, page: str) -> HttpResponse:
    """Show the filters of a list with their counts; a POST keeps the present one."""
    place = page_of(page)
    sent = request.POST if request.method == "POST" else request.GET
    present = QueryDict(sent.get("query", "")[:2000])
    if request.method != "POST":
        return chips(request, place, present)
    try:
        filter_save(
            owner=request.user,
            page=place,
            name=sent.get("name", ""),
            query=present,
            is_shared=sent.get("is_shared") == "on",
            now=clock.now(),
        )
    except DomainError as refused:
        return chips(request, place, present, error=refused)
    return chips(request, place, present)


@require_POST
def saved_filter_change(
    request: HttpRequest, page: str, filter_id: int, change: str
) -> HttpResponse:
    """Delete, share or move up one's own filter."""
    place, present = page_of(page), QueryDict(request.POST.get("query", "")[:2000])
    try:
        filter_change(owner=request.user, filter_id=filter_id, change=change)
    except DomainError as refused:
        if refused.status == 404:
            raise Http404 from refused
        return chips(request, place, present, error=refused)
    return chips(request, place, present)


def chips(
    request: HttpRequest, page: FilteredPage, present: QueryDict, error: DomainError | None = None
) -> HttpResponse:
    """Render the row of chips; the one that is open is marked."""
    rows = filters_of(request.user, page)
    counts = counts_of(request.user, page, rows, clock.now())
    address, open_query = reverse(page.url_name), canonical(present)
    context: dict[str, Any] = {
        "page": page,
        "query": open_query,
        "error": error,
        "rows": [
            {
                "filter": row,
                "url": f"{address}?{row.query}",
                "count": count,
                "text": f"{MOST_COUNTED}+" if count and count > MOST_COUNTED else count,
                "is_open": row.query == open_query,
                "is_own": row.owner_id == request.user.pk,
            }
            for row, count in zip(rows, counts, strict=True)
        ],
    }
    status = error.status if error else 200
    return render(request, "ui/_saved_filters.html", context, status=status)
