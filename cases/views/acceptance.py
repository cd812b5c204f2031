"""The acceptor's desk: is this a case, which type, where, whose? And the hotline's entry."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import for_roles
from accounts.roles import Role
from cases.case_page import timeline
from cases.choices import standard_options
from cases.models import Case, FieldTask
from cases.presenters import action_button, case_row, map_point, photo_groups
from cases.queues import PAGE_SIZE, acceptance_queues, queue_cases, queue_lengths
from cases.selectors import actions_for, case_get_visible, case_timeline, duplicates_near
from cases.workflow import State
from common import clock
from common.templatetags.ui import named
from components.models import CaseType, TypeKind
from components.selectors import components_nearest, types_search

MAIN_ACTIONS = (
    "accept",
    "judge_valid",
    "ask_confirmation",
    "merge",
    "refuse",
    "send_check",
    "skip_check",
)
WATCHED = (State.REPORTED, State.HANDLED)
OPTION_COUNT = 12
NEAREST_COUNT = 3
NEAR_COUNT, NEAR_M = 20, 30


@require_safe
@for_roles(Role.ACCEPTOR)
def acceptance(request: HttpRequest) -> HttpResponse:
    """Show the queues, and the report chosen or the oldest of the queue."""
    now = clock.now()
    queues = acceptance_queues()
    lengths = queue_lengths(request.user, queues)
    chosen = next((q for q in queues if q.key == request.GET.get("queue")), queues[0])
    cases = list(queue_cases(request.user, chosen, order=("reported_at", "pk"), limit=PAGE_SIZE))
    case = chosen_case(request, cases)
    context = {
        "now": now,
        "tabs": [(queue, lengths[queue.key], queue is chosen) for queue in queues],
        "queue": chosen,
        "rows": [case_row(each, now) for each in cases],
        "rest": max(lengths[chosen.key] - len(cases), 0),
        "back": f"{request.path}?queue={chosen.key}",
        "watch": WATCHED,
        **(report_context(request, case, chosen.key, now) if case else {}),
    }
    return render(request, "cases/acceptance.html", context)


def chosen_case(request: HttpRequest, cases: list[Case]) -> Case | None:
    """Return the case of the address, else the first of the queue."""
    number = request.GET.get("case") or (cases[0].number if cases else "")
    return case_get_visible(user=request.user, number=number) if number else None


def report_context(request: HttpRequest, case: Case, queue: str, now: datetime) -> dict[str, Any]:
    """Return what the middle and the map show of one report."""
    back = f"/acceptance/?queue={queue}"
    options = {option.action: option for option in actions_for(case, request.user, now)}
    buttons = {
        name: action_button(case, options[name], back) for name in MAIN_ACTIONS if name in options
    }
    near = [case_row(each, now) for each in duplicates_near(case, request.user)]
    return {
        "case": case,
        "row": case_row(case, now),
        "photos": photo_groups(case),
        "accept": buttons.pop("accept", None),
        "merge": buttons.get("merge"),
        "actions": list(buttons.values()),
        "duplicates": near,
        "map_points": [map_point(row) for row in near],
        "confirmed": last_confirmation(case),
        "events": [] if "accept" in options else timeline(case_timeline(case)),
        **type_context(case, case.type, now),
    }


def last_confirmation(case: Case) -> FieldTask | None:
    """Return what a collector last found on site in this run, before filing."""
    answered = case.field_tasks.filter(
        run=case.run, kind=FieldTask.Kind.CONFIRM, ended_at__isnull=False
    )
    return answered.select_related("collector").order_by("-ended_at").first()


def type_context(case: Case, case_type: CaseType | None, now: datetime) -> dict[str, Any]:
    """Return what depends on the type: nearest components, standards with their deadlines."""
    code = case_type.code if case_type else None
    is_event = case_type is not None and case_type.kind == TypeKind.EVENT
    place = case.point.x, case.point.y
    return {
        "case_type": case_type,
        "type_words": f"{case_type.code[1:]} {named(case_type)}" if case_type else "",
        "nearest": []
        if is_event
        else components_nearest(*place, type_code=code, limit=NEAREST_COUNT),
        "standards": standard_options(case, case_type, now),
    }


@require_safe
@for_roles(Role.ACCEPTOR)
def acceptance_details(request: HttpRequest, number: str) -> HttpResponse:
    """Return what depends on the type chosen, as a fragment."""
    case, now = case_get_visible(user=request.user, number=number), clock.now()
    code = request.GET.get("type", "")
    case_type = CaseType.objects.valid_on(timezone.localdate(now)).filter(code=code).first()
    context = {"case": case, "now": now, **type_context(case, case_type, now)}
    return render(request, "cases/_type_details.html", context)


@require_safe
def type_options(request: HttpRequest) -> HttpResponse:
    """Return the types whose name, pinyin, initials, alias or code fit, as options.

    For a report, what stands near on the ground comes first.
    """
    text = request.GET.get("search", "").strip()[:60]
    found = types_search(text, timezone.localdate(clock.now()), limit=OPTION_COUNT)
    number = request.GET.get("near", "")
    near = types_near(case_get_visible(user=request.user, number=number)) if number else Counter()
    found.sort(key=lambda each: -near[each.code])
    options = [type_option(each, text) | {"near": near[each.code]} for each in found]
    return render(request, "ui/_type_options.html", {"options": options})


def types_near(case: Case) -> Counter[str]:
    """Return how many components of each type stand within a few steps of the report."""
    nearest = components_nearest(case.point.x, case.point.y, limit=NEAR_COUNT)
    return Counter(each.type.code for each in nearest if each.away_m <= NEAR_M)


def type_option(case_type: CaseType, text: str) -> dict[str, Any]:
    """Return one option, with the part of its name that was typed set apart."""
    name = named(case_type)
    at = name.lower().find(text.lower())
    parts = [(name, False)]
    if at >= 0:
        end = at + len(text)
        parts = [(name[:at], False), (name[at:end], True), (name[end:], False)]
    return {
        "code": case_type.code,
        "label": f"{case_type.code[1:]} {name}",
        "parts": parts,
        "initials": case_type.initials,
    }
