"""Tiles over HTTP: with an ETag, so that a browser asks again and gets 304."""

from __future__ import annotations

from hashlib import blake2b

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.http import require_safe

from common import clock
from desks.map.layers import LAYERS, Layer
from grid.selectors import city_bounds
from grid.tiles import NoSuchTile

CONTENT_TYPE = "application/vnd.mapbox-vector-tile"


@login_not_required
@require_safe
def tile(request: HttpRequest, layer: str, z: int, x: int, y: int) -> HttpResponse:
    """Answer a tile of a layer; the base map is open data and may be cached by anyone."""
    source = _layer(layer)
    if not source.is_public and not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    if not source.is_public and not source.is_shown_to(request.user):
        raise Http404
    try:
        content = source.read(request, z, x, y)
    except NoSuchTile as error:
        raise Http404 from error
    etag = f'"{blake2b(content, digest_size=12).hexdigest()}"'
    response = HttpResponse(content, content_type=CONTENT_TYPE)
    response["ETag"] = etag
    scope = {"public": True} if source.is_public else {"private": True}
    patch_cache_control(response, max_age=source.max_age, **scope)
    return get_conditional_response(request, etag=etag, response=response) or response


@login_not_required
@require_safe
def tile_json(request: HttpRequest, layer: str) -> HttpResponse:
    """Describe a layer as TileJSON 3.0, so that other maps can draw it."""
    source = _layer(layer)
    if not source.is_public and not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    if not source.is_public and not source.is_shown_to(request.user):
        raise Http404
    query = f"?{request.GET.urlencode()}" if request.GET and source.filters else ""
    address = request.build_absolute_uri(f"/tiles/{layer}/")
    return JsonResponse(
        {
            "tilejson": "3.0.0",
            "name": layer,
            "scheme": "xyz",
            "tiles": [f"{address}{{z}}/{{x}}/{{y}}.mvt{query}"],
            "minzoom": source.min_zoom,
            "maxzoom": source.max_zoom,
            "bounds": list(city_bounds(timezone.localdate(clock.now()))),
            "attribution": "© OpenStreetMap contributors" if source.is_public else "",
            "vector_layers": [
                {"id": name, "fields": dict(fields)} for name, fields in source.fields.items()
            ],
        }
    )


def _layer(name: str) -> Layer:
    if name not in LAYERS:
        raise Http404
    return LAYERS[name]
