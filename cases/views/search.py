"""The search box of the header: what is typed there may mean cases, components or places."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cases.search.groups import search_offers
from common import clock


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Return what the text may mean, in groups, as the options of the search box."""
    now = clock.now()
    offers = search_offers(text=request.GET.get("q", ""), user=request.user, now=now)
    return render(request, "cases/_search_options.html", {"offers": offers, "now": now})
