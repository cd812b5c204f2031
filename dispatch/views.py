"""The dispatch desk (city and district alike) and the department's inbox: a list and a pane."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.access import for_roles
from accounts.models import User
from accounts.roles import Role
from cases.bulk.views import bulk_bar
from cases.case_page import clock_chip_of, request_rows
from cases.choices import cooperating_options, deadline_of, departments_for
from cases.models import Case
from cases.order_rows import order_rows
from cases.parts import parts_of
from cases.presenters import action_buttons, case_row, photo_groups
from cases.queues import (
    Desk,
    Narrow,
    Queue,
    dispatch_queues,
    inbox_queues,
)
from cases.selectors import actions_for, case_get_visible
from cases.situation import Situation
from cases.workflow import State
from common import clock
from common.paging import place_asked_for
from dispatch.desk_filters import choices_in, filter_of, narrowed
from dispatch.links.selectors import answered_links
from dispatch.links.views import link_panel
from dispatch.selectors import (
    last_ten_like,
    nobody_queue,
    part_clocks,
    returned_by,
    suggest_department,
)

# What may be done to several cases of a queue at once, the usual act first.
DISPATCH_ACTS = {
    "filed": ("dispatch", "hand_down"),
    "nobody": ("dispatch", "hand_down"),
    "rework": ("dispatch",),
    "dispatched": ("urge",),
}
INBOX_ACTS = {
    "dispatched": ("sign", "assign"),
    "open": ("sign", "assign", "request_extension"),
    "handling": ("assign", "request_extension"),
    "near": ("assign", "request_extension"),
    "late": ("assign",),
    "rework": ("sign", "assign"),
}
MOST_URGENT = ("due_at", "reported_at", "pk")


def desk_queues(user: User, _now: datetime) -> list[Queue]:
    """Return the tabs of the dispatch desk."""
    queues = dispatch_queues(user)
    queues.insert(1, nobody_queue())
    return queues


def inbox_tabs(user: User, now: datetime) -> list[Queue]:
    """Return the tabs of the inbox."""
    queues = inbox_queues(user, now)
    answers = Queue("answers", _("Contractor answered"), answered_links(user), is_quiet=True)
    return [*queues, replace(answers, cases=queues[0].cases)]


DISPATCH_DESK = Desk(desk_queues, order=MOST_URGENT)
INBOX = Desk(inbox_tabs, order=MOST_URGENT)


@require_safe
@for_roles(Role.DISPATCHER)
def dispatch(request: HttpRequest) -> HttpResponse:
    """Show what waits for the reader's desk; the case chosen with a suggested department."""
    now = clock.now()
    queue = chosen_queue(request, DISPATCH_DESK)
    context = desk_context(request, DISPATCH_DESK, queue, now) | {
        "bulk": bulk_bar(request, *DISPATCH_ACTS.get(queue.key, ())),
        "show_department": True,
        "watch": (State.FILED, State.REWORK),
    }
    if (case := context.get("case")) is not None:
        context |= dispatch_context(case, context["actions"], request.user, now)
    return render(request, part_of(request, "dispatch"), context)


@require_safe
@for_roles(Role.DEPARTMENT_CLERK, Role.DEPARTMENT_HEAD, Role.PROXY_SQUAD)
def inbox(request: HttpRequest) -> HttpResponse:
    """Show what waits for the reader's department; the case chosen with what closes it."""
    now = clock.now()
    queue = chosen_queue(request, INBOX)
    context = desk_context(request, INBOX, queue, now) | {
        "bulk": bulk_bar(request, *INBOX_ACTS.get(queue.key, ())),
        "show_department": False,
        "watch": (State.DISPATCHED,),
    }
    if queue.key == "parts" and "rows" in context:
        show_part_clocks(request.user, context["rows"], now)
    if "situation" in context:
        context["link_panel"] = link_panel(context["situation"])
        taken = {button["action"] for button in context["actions"]}
        context["may_complete"] = "complete" in taken
    return remember_density(request, render(request, part_of(request, "inbox"), context))


def part_of(request: HttpRequest, desk: str) -> str:
    """Return the template of a desk, or of the part of it that its page fetches by itself."""
    parts = {
        "filters": "dispatch/_filter_choices.html",
        "rows": "dispatch/_further_rows.html",
        "pane": f"dispatch/_{desk}_pane.html",
    }
    return parts.get(request.GET.get("part", ""), f"dispatch/{desk}.html")


DENSITIES = ("full", "line")


def remember_density(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Keep the reader's choice between full rows and one line a row."""
    if request.GET.get("density") in DENSITIES:
        response.set_cookie(
            "density", request.GET["density"], max_age=365 * 24 * 3600, samesite="Lax"
        )
    return response


def density_of(request: HttpRequest) -> str:
    """Return how dense the reader wants lists: what is asked for now, else what was chosen."""
    chosen = request.GET.get("density") or request.COOKIES.get("density")
    return chosen if chosen in DENSITIES else DENSITIES[0]


def show_part_clocks(user: User, rows: list[dict[str, Any]], now: datetime) -> None:
    """Show in the queue of co-operating parts the clock of the part, not the lead's: one query."""
    clocks = part_clocks(user, [row["case"] for row in rows])
    for row in rows:
        if (clock_ := clocks.get(row["case"].pk)) is not None:
            row["clock"], row["due_at"] = clock_chip_of(clock_, now), clock_.due_at


def chosen_queue(request: HttpRequest, desk: Desk) -> Queue:
    """Return the queue an address names, else the first."""
    queues = desk.queues(request.user)
    return next((each for each in queues if each.key == request.GET.get("queue")), queues[0])


def desk_context(request: HttpRequest, desk: Desk, queue: Queue, now: datetime) -> dict[str, Any]:
    """Return what a desk of list and pane shows, or the part of it that is asked for.

    The page comes with its list; further rows, what its filters may be set to and the first case
    it then fetches by itself.
    """
    part, number = request.GET.get("part"), request.GET.get("case", "")
    kept = filter_of(request.GET)
    query = urlencode({"queue": queue.key, **kept.dict()})
    back = f"{request.path}?{query}"
    context = {
        "now": now,
        "queue": queue,
        "chosen": request.GET,
        "kept": kept.urlencode(),
        "filters_query": query,
        "back": back,
    }
    if part == "filters":
        queue = desk.queue(request.user, queue.key, now)
        return context | {"choices": choices_in(request.user, queue, request.GET)}
    if part == "pane":
        return context | pane_context(request, number, back, now)
    narrow = narrowed(request.user, kept, now) if kept else None
    context |= rows_context(request, desk, queue.key, narrow, now)
    if part == "rows":
        return context
    lengths = desk.lengths(request.user, now, narrow)
    context["tabs"] = [
        (each, lengths[each.key], each is queue)
        for each in desk.queues(request.user)
        if lengths[each.key] or each is queue or not each.is_quiet
    ]
    if number:
        context |= {"is_chosen": True, **pane_context(request, number, back, now)}
        return context | {"open_number": context["case"].number}
    first = context["rows"][0]["number"] if context["rows"] else ""
    return context | {"late_number": first, "open_number": first}


def rows_context(
    request: HttpRequest, desk: Desk, key: str, narrow: Narrow | None, now: datetime
) -> dict[str, Any]:
    """Return the rows of a queue from the place asked for on, and where the next ones begin."""
    goes_on, start = request.GET.get("part") == "rows", place_asked_for(request)
    stretch = desk.stretch(request.user, key, now, start=start, narrow=narrow, goes_on=goes_on)
    return {
        "rows": [case_row(case, now) for case in stretch.cases],
        "stretch": stretch,
        "density": density_of(request),
    }


def pane_context(request: HttpRequest, number: str, back: str, now: datetime) -> dict[str, Any]:
    """Return what the pane shows of the case chosen."""
    case = case_get_visible(user=request.user, number=number)
    situation = Situation(case, request.user, now)
    options = actions_for(case, request.user, now, situation)
    return {
        "case": case,
        "row": case_row(case, now),
        "photos": photo_groups(case),
        "requests": request_rows(parts_of(case).requests),
        "actions": action_buttons(case, options, back),
        "failed_check": last_failed_check(case),
        "situation": situation,
        "sub_orders": order_rows(case, situation.open_orders, parts_of(case).clocks, now)
        if case.department_id
        else [],
    }


def last_failed_check(case: Case) -> dict[str, Any] | None:
    """Return who found the work wanting and what they wrote, while it is being done again."""
    if not case.rework_count:
        return None
    event = (
        case.events.filter(action="check_fail", run=case.run)
        .select_related("actor", "text")
        .order_by("-sequence")
        .first()
    )
    if event is None:
        return None
    text = getattr(event, "text", None)
    note = (text.content or {}).get("note", "") if text else ""
    return {"person": event.actor, "at": event.at, "note": note}


def dispatch_context(
    case: Case, actions: list[dict[str, Any]], reader: User, now: datetime
) -> dict[str, Any]:
    """Return what giving a case out needs: departments, the one suggested and why, the deadline."""
    main = next((action for action in actions if action["action"] == "dispatch"), None)
    if main is None:
        return {}
    actions.remove(main)
    departments = list(departments_for(case))
    suggestion = suggest_department(case, now, departments)
    chosen = case.department or suggestion.organisation
    helpers = [
        {"organisation": helper.code, "mandatory": is_mandatory, "task": task}
        for helper, is_mandatory, task in suggestion.helpers
    ]
    return {
        "main": main,
        "suggestion": suggestion,
        "departments": departments,
        "cooperating": cooperating_options(case, helpers, departments=departments),
        "has_helpers": bool(helpers),
        "chosen_department": chosen,
        "earlier": last_ten_like(case, reader),
        "returned": returned_by(case),
        "due_preview": deadline_of(case, case.standard, now) if case.standard else None,
    }
