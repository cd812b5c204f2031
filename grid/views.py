"""Tiles over HTTP, with an ETag, so that a browser asks again and gets 304; places for a field."""

from __future__ import annotations

from hashlib import blake2b

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.http import require_safe

from common import clock
from grid import tiles
from grid.geocoding.reading import MAX_LENGTH
from grid.geocoding.selectors import address_search

CONTENT_TYPE = "application/vnd.mapbox-vector-tile"
BASE_SECONDS = 24 * 60 * 60  # the base map changes with a new pack
OPTION_COUNT = 8
GRID_SECONDS = 5 * 60  # a new gridding shows after at most this long


@login_not_required
def base_tile(request: HttpRequest, z: int, x: int, y: int) -> HttpResponse:
    """Answer a tile of the base map; it is open data and may be cached by anyone."""
    try:
        tile = tiles.base_tile(z, x, y)
    except tiles.NoSuchTile as error:
        raise Http404 from error
    return _answer(request, tile, public=True, max_age=BASE_SECONDS)


def grid_tile(request: HttpRequest, z: int, x: int, y: int) -> HttpResponse:
    """Answer a tile of areas and cells as they hold today."""
    try:
        tile = tiles.grid_tile(z, x, y, on=timezone.localdate(clock.now()))
    except tiles.NoSuchTile as error:
        raise Http404 from error
    return _answer(request, tile, private=True, max_age=GRID_SECONDS)


@require_safe
def place_options(request: HttpRequest) -> HttpResponse:
    """Return the places that an address being typed may mean, as options of its field."""
    text = request.GET.get("address", "").strip()[:MAX_LENGTH]
    found = address_search(text, on=timezone.localdate(clock.now()), limit=OPTION_COUNT)
    return render(request, "ui/_place_options.html", {"places": found, "text": text})


def _answer(request: HttpRequest, tile: bytes, **cache: object) -> HttpResponse:
    etag = f'"{blake2b(tile, digest_size=12).hexdigest()}"'
    response = HttpResponse(tile, content_type=CONTENT_TYPE)
    response["ETag"] = etag
    patch_cache_control(response, **cache)
    return get_conditional_response(request, etag=etag, response=response) or response
