"""What the acceptor's desk shows: the queue with who is at work, one report with its meaning."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse

from accounts.models import User
from cases.acceptor.duplicates import duplicates_of
from cases.acceptor.expected import expected_of
from cases.acceptor.holds import Hold, holds_of
from cases.acceptor.photos import report_photos
from cases.case_page import timeline
from cases.choices import standard_options
from cases.models import Case, FieldTask
from cases.presenters import action_button, case_row, map_point
from cases.selectors import actions_for, case_timeline
from common.templatetags.ui import named
from components.models import CaseType, Component, TypeKind
from components.selectors import components_nearest

MAIN_ACTIONS = (
    "accept",
    "judge_valid",
    "ask_confirmation",
    "merge",
    "refuse",
    "send_check",
    "skip_check",
)
NEAREST_COUNT = 3
DRAWN_COUNT = 30  # components drawn on the map beside the three


def queue_rows(
    cases: Sequence[Case], user: User, now: datetime
) -> tuple[list[dict[str, Any]], dict[int, Hold]]:
    """Return the rows of a queue and who else has which of its reports open: one query."""
    holds = holds_of([case.pk for case in cases], now)
    taken = {pk: hold for pk, hold in holds.items() if not hold.is_of(user)}
    rows = [case_row(case, now) | {"hold": taken.get(case.pk)} for case in cases]
    return rows, taken


def report_context(user: User, case: Case, queue: str, now: datetime) -> dict[str, Any]:
    """Return what the page shows of one report; what its type means is asked for beside it."""
    back = f"{reverse('cases:acceptance')}?queue={queue}"
    options = {option.action: option for option in actions_for(case, user, now)}
    buttons = {
        name: action_button(case, options[name], back) for name in MAIN_ACTIONS if name in options
    }
    return {
        "case": case,
        "row": case_row(case, now),
        "photos": report_photos(case),
        "accept": buttons.pop("accept", None),
        "actions": list(buttons.values()),
        "events": [] if "accept" in options else timeline(case_timeline(case)),
        "case_type": case.type,
        "type_words": f"{case.type.code[1:]} {named(case.type)}" if case.type else "",
    }


def last_confirmation(case: Case) -> FieldTask | None:
    """Return what a collector last found on site in this run, before filing."""
    answered = case.field_tasks.filter(
        run=case.run, kind=FieldTask.Kind.CONFIRM, outcome__in=FieldTask.FOUND
    )
    return answered.select_related("collector").order_by("-ended_at").first()


def type_context(
    user: User,
    case: Case,
    case_type: CaseType | None,
    component: Component | None,
    now: datetime,
) -> dict[str, Any]:
    """Return what depends on type and component: the nearest, standards, what follows."""
    is_event = case_type is not None and case_type.kind == TypeKind.EVENT
    code = case_type.code if case_type else None
    place = case.point.x, case.point.y
    nearest = [] if is_event else components_nearest(*place, code, limit=NEAREST_COUNT)
    return {
        "case_type": case_type,
        "confirmed": last_confirmation(case),
        "drawn": [thing_point(each) for each in _things_near(case)],
        "nearest": nearest,
        "nearest_points": [thing_point(each) for each in nearest],
        "standards": standard_options(case, case_type, now),
        **what_follows(user, case, case_type, component, now),
    }


def what_follows(
    user: User,
    case: Case,
    case_type: CaseType | None,
    component: Component | None,
    now: datetime,
) -> dict[str, Any]:
    """Return what accepting as this type would mean: possible duplicates, who would get it."""
    found = duplicates_of(case, user=user, now=now, case_type=case_type, component=component)
    alike = [case_row(other, now) for other in found]
    return {
        "duplicates": alike,
        "map_points": [map_point(row) for row in alike],
        "expected": expected_of(case, now=now, case_type=case_type, component=component),
    }


def thing_point(component: Component) -> dict[str, Any]:
    """Return a component as a dot on the map."""
    return {
        "lon": component.point.x,
        "lat": component.point.y,
        "code": component.code,
        "label": f"{named(component.type)} {component.code[-6:]}",
    }


def _things_near(case: Case) -> list[Component]:
    return components_nearest(case.point.x, case.point.y, limit=DRAWN_COUNT)
