"""The collector's pages: what to confirm and to check, and a report of their own. For a phone."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import for_roles
from accounts.idempotency import run_once
from accounts.roles import Role
from cases.forms import ReportForm
from cases.intake import sources_of
from cases.models import FieldTask
from cases.presenters import action_buttons, case_row, photo_groups, thumbnails_of
from cases.selectors import actions_for, case_get_visible, open_case_of
from cases.services import case_report
from cases.views.actions import chosen_photos, refusal
from cases.workflow import State
from common import clock
from common.errors import DomainError
from components.models import Component
from components.selectors import NotThere, component_get

KINDS = {
    FieldTask.Kind.CONFIRM: (pgettext_lazy("task", "Confirm"), "search"),
    FieldTask.Kind.CHECK: (pgettext_lazy("task", "Check"), "eye"),
}


@require_safe
@for_roles(Role.COLLECTOR)
def tasks(request: HttpRequest) -> HttpResponse:
    """List the open tasks of the reader, the most urgent first."""
    now = clock.now()
    open_tasks = list(
        FieldTask.objects.filter(collector=request.user, ended_at__isnull=True)
        .select_related("case__type", "case__reporter")
        .order_by("due_at", "pk")
    )
    thumbnails = thumbnails_of(task.case_id for task in open_tasks)
    rows = [
        {
            **case_row(task.case, now),
            "thumbnails": thumbnails.get(task.case_id, []),
            "kind": task.kind,
            "kind_label": KINDS[task.kind][0],
            "icon": KINDS[task.kind][1],
            "url": reverse("cases:task", args=[task.case.number]),
        }
        for task in open_tasks
    ]
    wanted = request.GET.get("kind", "")
    tabs = [("", _("All"), len(rows), not wanted)] + [
        (kind.value, label, sum(row["kind"] == kind for row in rows), kind == wanted)
        for kind, (label, _icon) in KINDS.items()
    ]
    shown = [row for row in rows if not wanted or row["kind"] == wanted]
    context = {
        "now": now,
        "tabs": tabs,
        "rows": shown,
        "report_url": reverse("cases:report"),
        "watch": (State.CONFIRMING, State.CHECKING),
    }
    return render(request, "cases/tasks.html", context)


@require_safe
@for_roles(Role.COLLECTOR)
def task(request: HttpRequest, number: str) -> HttpResponse:
    """Show one task: what was reported, what was done, and the answers that are possible."""
    case, now = case_get_visible(user=request.user, number=number), clock.now()
    back = reverse("cases:tasks")
    actions = action_buttons(case, actions_for(case, request.user, now), back)
    context = {
        "now": now,
        "case": case,
        "row": case_row(case, now),
        "photos": photo_groups(case),
        "actions": actions,
    }
    return render(request, "cases/task.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.COLLECTOR)
def report(request: HttpRequest) -> HttpResponse:
    """Take a collector's report."""
    return report_page(request, "cases/report.html", reverse("cases:tasks"))


def report_page(request: HttpRequest, template: str, back: str) -> HttpResponse:
    """Show the form of a report, or send it; a refusal keeps what was typed."""
    sources = [(source.value, source.label) for source in sources_of(request.user)]
    now = clock.now()
    error = None
    known = known_component(request)
    initial = {"key": str(uuid4()), "source": sources[0][0], **report_of(known)}
    form = ReportForm(request.POST or None, initial=initial)
    form.fields["source"].choices = sources
    if request.method == "POST" and form.is_valid():
        try:
            number = send_report(request, form.cleaned_data, now)
        except DomainError as refused:
            error = refusal(refused)
        else:
            messages.success(request, _("Reported: %(number)s.") % {"number": number})
            return redirect(back)
    context: dict[str, Any] = {
        "now": now,
        "form": form,
        "error": error,
        "sources": sources,
        "chosen": chosen_photos(request),
        "type_words": request.POST.get("search", str(known.type) if known else ""),
        "back": back,
        "known": known,
        "known_case": open_case_of(known) if known else None,
    }
    refused = request.method == "POST"
    return render(request, template, context, status=400 if refused else 200)


def known_component(request: HttpRequest) -> Component | None:
    """Return the component in use a report is about, as a scanned plate names it in the address."""
    code = request.POST.get("component") or request.GET.get("component")
    if not code:
        return None
    try:
        component = component_get(code)
    except NotThere:
        return None
    return component if component.retired_date is None else None


def report_of(component: Component | None) -> dict[str, Any]:
    """Return what a component tells of a report about it: type, place, its own code."""
    if component is None:
        return {}
    return {
        "component": component.code,
        "type": component.type.code,
        "longitude": round(component.point.x, 7),
        "latitude": round(component.point.y, 7),
        "address": component.address,
    }


def send_report(request: HttpRequest, data: dict[str, Any], now: Any) -> str:
    """Send a report through the door once, and return the case's number."""
    sent = {
        "source": data["source"],
        "type_code": data["type"] or None,
        "component_code": data["component"] or None,
        "description": data["description"],
        "address": data["address"],
        "lon": data["longitude"],
        "lat": data["latitude"],
        "urgency": data["urgency"],
        "reporter_name": data["reporter_name"],
        "reporter_phone": data["reporter_phone"],
        "photo_ids": data["photos"],
    }

    def act() -> tuple[int, str]:
        case = case_report(actor=request.user, now=now, idempotency_key=data["key"], **sent)
        return 201, case.number

    _status, number, _stored = run_once(
        user=request.user, key=data["key"], operation="page:report", body=sent, now=now, act=act
    )
    return number
