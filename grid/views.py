"""Places for a field in which an address is typed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from common import clock
from grid.geocoding.reading import MAX_LENGTH
from grid.geocoding.selectors import address_search

OPTION_COUNT = 8


@require_safe
def place_options(request: HttpRequest) -> HttpResponse:
    """Return the places that an address being typed may mean, as options of its field."""
    text = request.GET.get("address", "").strip()[:MAX_LENGTH]
    found = address_search(text, on=timezone.localdate(clock.now()), limit=OPTION_COUNT)
    return render(request, "ui/_place_options.html", {"places": found, "text": text})
