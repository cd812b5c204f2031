"""Options for fields in which an address, or a street or community, is typed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from common import clock
from grid.area_search import areas_search
from grid.geocoding.reading import MAX_LENGTH
from grid.geocoding.selectors import address_search

OPTION_COUNT = 8
AREA_COUNT = 40  # a street has up to thirty communities
AREA_LENGTH = 60


@require_safe
def place_options(request: HttpRequest) -> HttpResponse:
    """Return the places that an address being typed may mean, as options of its field."""
    text = request.GET.get("address", "").strip()[:MAX_LENGTH]
    found = address_search(text, on=timezone.localdate(clock.now()), limit=OPTION_COUNT)
    return render(request, "ui/_place_options.html", {"places": found, "text": text})


@require_safe
def area_options(request: HttpRequest) -> HttpResponse:
    """Return the streets and communities that a text may mean, of a district if one is chosen."""
    text = request.GET.get("search", "").replace("\0", "").strip()[:AREA_LENGTH]
    district = request.GET.get("district", "")[:12].replace("\0", "")
    today, city_id = timezone.localdate(clock.now()), request.user.city_id
    found = areas_search(text, city_id=city_id, on=today, district=district)
    context = {
        "areas": found[:AREA_COUNT],
        "rest": max(len(found) - AREA_COUNT, 0),
        "asked": bool(text or district),
    }
    return render(request, "ui/_area_options.html", context)
