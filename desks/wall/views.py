"""The wall and what it asks for: for people who see the whole city, and screens with a key."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import orjson
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import for_permission
from accounts.models import City
from accounts.roles import SUPERVISE
from cases.views.plates import visitor_of
from common import clock
from common.errors import DomainError
from common.templatetags.ui import is_english
from common.text import whole_number
from common.throttle import Throttle
from desks.wall.access import (
    COOKIE,
    HEADER,
    Watcher,
    key_of,
    watcher_by_key,
    watcher_of_person,
)
from desks.wall.cards import cards_of_case, cards_of_cell
from desks.wall.ground import ground, more_cells
from desks.wall.remote import walls_panel
from desks.wall.scenes import Scene, scenes_in_order
from desks.wall.scope import Scope, scope_of
from desks.wall.services import kiosk_key_seen, wall_direct
from desks.wall.snapshot import EVALUATIONS, SNAPSHOTS, Snapshots
from desks.wall.words import LIGHT_LABELS, TODAY, wall_words

GUESSES = Throttle("walls", limit=60, seconds=600)  # keys that open nothing, of one visitor
GROUND_SECONDS = 60
MOST_CELLS = 400
COOKIE_SECONDS = 400 * 24 * 60 * 60  # as long as browsers keep one
View = Callable[..., HttpResponseBase]


def for_watchers(view: View) -> View:
    """Let people who see the whole city and screens with a key in; tell which of them it is."""

    @login_not_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        key = key_of(request)
        if not key:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            watcher = watcher_of_person(request.user, request.GET.get("wall", ""))
            if watcher is None:
                raise Http404
            return view(request, watcher, *args, **kwargs)
        watcher = screen_of(request, key)
        if watcher is None:
            return refused(request)
        with translation.override(watcher.wall.language):  # type: ignore[union-attr]
            response = view(request, watcher, *args, **kwargs)
            response["Referrer-Policy"] = "same-origin"
            response["X-Robots-Tag"] = "noindex"
            return response

    return guarded


def screen_of(request: HttpRequest, key: str) -> Watcher | None:
    """Return the screen of a key; who tries many that open nothing has to wait."""
    at, visitor = timezone.now(), visitor_of(request)
    GUESSES.check(visitor, at)
    watcher = watcher_by_key(key)
    if watcher is None:
        GUESSES.count(visitor, at)
    return watcher


def refused(request: HttpRequest) -> HttpResponse:
    """Say that a key opens nothing, to its page and to the page's script."""
    if request.headers.get(HEADER):
        return JsonResponse({"code": "key_refused"}, status=404)
    return render(request, "desks/wall/gone.html", status=404)


def scope_asked(request: HttpRequest, watcher: Watcher) -> Scope:
    """Return the part of the city a request is about; 404 outside what the watcher may see."""
    scope = scope_of(request.GET.get("scope", ""), watcher.scope)
    if scope is None:
        raise Http404
    return scope


def scene_settings(scene: Scene) -> dict[str, Any]:
    """Return what the page's script needs of a scene."""
    module = static(scene.module) if scene.module else ""
    return {"key": scene.key, "byDistrict": scene.by_district, "module": module}


@never_cache
@for_watchers
@require_safe
def wall(request: HttpRequest, watcher: Watcher) -> HttpResponse:
    """Show the wall; everything on it comes by ``snapshot``."""
    scenes = scenes_in_order()
    context = {
        "watcher": watcher,
        "city": City.objects.get(pk=watcher.scope.city),
        "scenes": scenes,
        "today": TODAY,
        "lights": LIGHT_LABELS,
        "settings": {
            "scope": watcher.scope.key,
            "wall": watcher.wall.code if watcher.wall else "",
            "seconds": watcher.wall.scene_seconds if watcher.wall else 20,
            "scenes": [scene_settings(scene) for scene in scenes],
            "socket": "/ws/live/",
            "snapshot": reverse("desks:wall-snapshot"),
            "evaluation": reverse("desks:wall-evaluation"),
            "ground": reverse("desks:wall-ground"),
            "cards": reverse("desks:wall-cards"),
            "lists": reverse("cases:list") if watcher.user else "",
            "name": int(is_english()),
        },
        "words": wall_words(),
    }
    response = render(request, "desks/wall/wall.html", context)
    if watcher.key is not None:
        response.set_cookie(
            COOKIE,
            key_of(request),
            max_age=COOKIE_SECONDS,
            path="/ws/",
            secure=request.is_secure(),
            httponly=True,
            samesite="Strict",
        )
    return response


@never_cache
@for_watchers
@require_safe
def snapshot(request: HttpRequest, watcher: Watcher) -> HttpResponse:
    """Answer the figures of the moment and how old they are, in seconds."""
    response = kept(SNAPSHOTS, request, watcher)
    if watcher.key is not None:
        kiosk_key_seen(key=watcher.key, now=timezone.now())
    return response


@never_cache
@for_watchers
@require_safe
def evaluation(request: HttpRequest, watcher: Watcher) -> HttpResponse:
    """Answer what evaluation says of the same part of the city."""
    return kept(EVALUATIONS, request, watcher)


def kept(snapshots: Snapshots, request: HttpRequest, watcher: Watcher) -> HttpResponse:
    """Answer what is kept for the part of the city that was asked for."""
    encoded, age = snapshots.get(scope_asked(request, watcher))
    body = b'{"age":%.3f,"figures":%s}' % (age, encoded)
    return HttpResponse(body, content_type="application/json")


@for_watchers
@require_safe
def wall_ground(request: HttpRequest, watcher: Watcher) -> HttpResponse:
    """Answer districts and lit cells, or, with ``cells`` (ids), the outlines of those."""
    scope = scope_asked(request, watcher)
    asked = request.GET.get("cells", "").split(",")[:MOST_CELLS]
    ids = [number for each in asked if (number := whole_number(each)) is not None]
    drawn = more_cells(scope, ids) if ids else ground(scope, timezone.localdate(clock.now()))
    response = HttpResponse(orjson.dumps(drawn), content_type="application/json")
    patch_cache_control(response, private=True, max_age=GROUND_SECONDS)
    return response


@never_cache
@for_watchers
@require_safe
def cards(request: HttpRequest, watcher: Watcher) -> HttpResponse:
    """Show what a click opens: one case, or the open cases of a cell, trimmed."""
    scope, now = watcher.scope, clock.now()
    cell = whole_number(request.GET.get("cell", ""))
    try:
        if cell is not None:
            found = cards_of_cell(scope, cell, now)
        else:
            found = cards_of_case(scope, request.GET.get("case", ""), now)
    except DomainError as error:
        raise Http404 from error
    context = {"now": now, "cards": found, "links": watcher.user is not None}
    return render(request, "desks/wall/_cards.html", context)


@require_POST
@for_permission(SUPERVISE)
def direct(request: HttpRequest, code: str) -> HttpResponse:
    """Tell a wall what to show; answer the panel as it is now."""
    error = None
    try:
        wall_direct(
            actor=request.user,
            code=code,
            scene=request.POST.get("scene", ""),
            district=request.POST.get("district", ""),
            is_held=request.POST.get("held") == "on",
            now=clock.now(),
        )
    except DomainError as refusal:
        if refusal.status == 404:
            raise Http404 from refusal
        error = refusal
    panel = walls_panel(request.user, timezone.now()) | {"error": error}
    return render(
        request, "desks/wall/_remote.html", {"walls": panel}, status=error.status if error else 200
    )
