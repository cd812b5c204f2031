"""The record of one component: everything about it on one page."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import for_roles
from accounts.models import User
from accounts.roles import Role
from common import clock
from components.models import CaseStandard, Component
from components.register.changes import may_propose
from components.register.history import (
    attribute_rows,
    history_of,
    may_see_people,
    people_of,
)
from components.register.models import ComponentChange
from components.register.panels import panels_of
from components.register.presenters import change_buttons, state_look
from components.selectors import component_get_visible

Kind, State = ComponentChange.Kind, ComponentChange.State
SHOWN_PREDECESSORS = 20


@require_safe
@for_roles(*Role)
def record(request: HttpRequest, code: str) -> HttpResponse:
    """Show what the register says of a component, its history and what other apps know of it."""
    component, now = component_get_visible(user=request.user, code=code), clock.now()
    steps = history_of(component)
    open_change = None
    if may_see_people(request.user):
        open_change = component.change_requests.filter(state=State.OPEN).first()
        people = people_of(steps, open_change.asked_by_id if open_change else None)
        if open_change is not None:
            open_change.asked_by = people[open_change.asked_by_id]
    context: dict[str, Any] = {
        "now": now,
        "component": component,
        "state": state_look(component),
        "place": {"point": component.point, "cell_code": component.cell.code},
        "shape": shape_of(component),
        "attributes": attribute_rows(component),
        "standards": standards_of(component, now),
        "steps": steps,
        "open_change": open_change,
        "predecessors": predecessors_of(component),
        "buttons": buttons_for(request.user, component, open_change),
        "panels": panels_of(component, request.user, now),
    }
    return render(request, "components/record.html", context)


def shape_of(component: Component) -> dict[str, Any] | None:
    """Return the outline of a line or area; a point is its own."""
    geometry = component.geometry
    return None if geometry.geom_type == "Point" else json.loads(geometry.geojson)


def standards_of(component: Component, now: Any) -> list[CaseStandard]:
    """Return the standards in force for cases of its type."""
    standards = CaseStandard.objects.valid_on(timezone.localdate(now))
    return list(standards.filter(type=component.type_id).order_by("profile", "zone_grade", "id"))


def predecessors_of(component: Component) -> list[Component]:
    """Return what stood here before, or was entered twice, by ``component_successor``."""
    rows = component.predecessors.order_by("-retired_date", "-pk")
    return list(rows.only("code", "ending", "retired_date")[:SHOWN_PREDECESSORS])


def buttons_for(
    user: User, component: Component, open_change: ComponentChange | None
) -> list[dict[str, Any]]:
    """Return the changes this person may ask for now."""
    if component.retired_date or open_change or not may_propose(user, component):
        return []
    return change_buttons(component)
