"""The map: the whole register and every open case on the city's own ground."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import for_roles
from accounts.navigation import DESKS
from cases.presenters import case_row
from cases.queues import open_cases
from common import clock
from common.templatetags.ui import named
from components.models import CaseType, Component, TypeClass, TypeKind
from desks.map.search import map_search

READERS = next(desk.roles for desk in DESKS if desk.url_name == "desks:map")
MAX_SEARCH = 60  # letters, as the field takes
CASES_SHOWN = 5


@require_safe
@for_roles(*READERS)
def city_map(request: HttpRequest) -> HttpResponse:
    """Show the map; what is looked at stands in the address, to be sent to a colleague."""
    classes = TypeClass.objects.filter(kind=TypeKind.COMPONENT).order_by("code")
    on = timezone.localdate(clock.now())
    code = request.GET.get("type", "").replace("\0", "")[:5]
    chosen = CaseType.objects.valid_on(on).filter(code=code).first()
    context: dict[str, Any] = {
        "classes": [{"code": row.code, "name": named(row)} for row in classes],
        "states": Component.State.choices,
        "type": chosen,
    }
    return render(request, "desks/map.html", context)


@require_safe
@for_roles(*READERS)
def search(request: HttpRequest) -> HttpResponse:
    """Return the options for what was typed into the search box."""
    text = request.GET.get("search", "")[:MAX_SEARCH]
    found = map_search(text, user=request.user, on=timezone.localdate(clock.now()))
    return render(request, "desks/_map_found.html", {"found": found, "asked": bool(text.strip())})


@require_safe
@for_roles(*READERS)
def component(request: HttpRequest, component_id: int) -> HttpResponse:
    """Return what is told of a component that was clicked, with its open cases."""
    rows = (
        Component.objects.visible_to(request.user)
        .select_related(
            "type__type_class", "competent_body", "owner", "maintainer", "cell", "community"
        )
        .defer("cell__geometry", "community__geometry")
    )
    found = rows.filter(pk=component_id).first()
    if found is None:
        raise Http404
    now = clock.now()
    cases = open_cases(request.user).filter(component=found).select_related("type")
    newest = cases.order_by("-reported_at", "-pk")[:CASES_SHOWN]
    context = {"component": found, "cases": [case_row(case, now) for case in newest]}
    return render(request, "desks/_map_component.html", context)
