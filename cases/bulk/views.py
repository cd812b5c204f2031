"""The pages of an act on several cases: what is asked, and what came of each row.

Any list offers it: boxes named ``case`` and ``cases/bulk/_bar.html``. The form is an address of its
own; what came of it is another, so that a reload sends nothing again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from cases.bulk.forms import common_form, row_form
from cases.bulk.kinds import KINDS, BulkKind
from cases.bulk.services import MOST, Line, cases_act
from cases.case_page import decided
from cases.models import BulkAct, Case, CaseEvent
from cases.presenters import case_row, look_of
from cases.views.actions import refusal, safe_address, sent_body
from cases.workflow import ACTION_LABELS
from common import clock
from common.errors import DomainError
from common.text import whole_number

MOST_ASKED = 50  # rows that ask something each
NEVER = 0  # a version no case has: a row that does not say what was seen is refused as stale


def kind_of(request: HttpRequest, action: str) -> BulkKind:
    """Return the kind of act, for somebody whose roles may take it; else 404 or 403."""
    kind = KINDS.get(action)
    if kind is None:
        raise Http404
    if not kind.is_for(request.user):
        raise PermissionDenied
    return kind


def cases_chosen(request: HttpRequest, sent: QueryDict, kind: BulkKind) -> tuple[list[Case], int]:
    """Return the chosen cases that the person sees, the most urgent first: one query.

    And how many are too many for one act: they stay where they were chosen.
    """
    wanted = [number for number in dict.fromkeys(sent.getlist("case")) if number.isdecimal()]
    most = MOST_ASKED if kind.each else MOST
    rows = Case.objects.visible_to(request.user, from_case=True).filter(number__in=wanted[:most])
    if kind.offered is not None:
        rows = rows.filter(kind.offered(request.user))
    related = ("type", "department", "desk", "district", "street", "standard")
    cases = list(rows.select_related(*related).order_by("due_at", "pk"))
    return cases, max(len(wanted) - most, 0)


@require_http_methods(["GET", "HEAD", "POST"])
def bulk_act(request: HttpRequest, action: str) -> HttpResponse:
    """Ask what an act on the chosen cases needs, or take it and go to what came of it."""
    kind = kind_of(request, action)
    sent = request.POST if request.method == "POST" else request.GET
    back = safe_address(request, sent.get("next", ""), request.user.home)
    (cases, left), now = cases_chosen(request, sent, kind), clock.now()
    error, status, data = None, 200, None
    if request.method == "POST":
        key, data = sent.get("key", ""), request.POST
        if not 0 < len(key) <= 60 or "\x00" in key:
            raise Http404
        try:
            act = cases_act(
                action=action,
                lines=sent_lines(request, kind, cases),
                actor=request.user,
                now=now,
                key=key,
                sent=sent_body(request),
            )
            address = reverse("bulk:results", args=[act.pk])
            return redirect(f"{address}?{urlencode({'next': back})}")
        except DomainError as refused:
            error, status = refusal(refused), refused.status
    context: dict[str, Any] = {
        "now": now,
        "kind": kind,
        "label": ACTION_LABELS[action],
        "look": look_of(action),
        "key": str(uuid4()),
        "rows": [
            case_row(case, now)
            | {
                "form": row_form(kind, case, request.user, now, data) if kind.each else None,
                "doubt": kind.doubt(case),
            }
            for case in cases
        ],
        "form": common_form(kind, cases[0], request.user, now, data) if cases else None,
        "left": left,
        "back": back,
        "error": error,
    }
    return render(request, "cases/bulk/ask.html", context, status=status)


def sent_lines(request: HttpRequest, kind: BulkKind, cases: list[Case]) -> list[Line]:
    """Return a line a case: the version its row showed, what was said for all and in the row.

    What the person does not see is a line too: the door says that there is no such case.
    """
    now, found = clock.now(), {case.number: case for case in cases}
    common = (
        common_form(kind, cases[0], request.user, now, request.POST).door_fields() if cases else {}
    )
    lines = []
    for number in dict.fromkeys(request.POST.getlist("case")):
        if not number.isdecimal() or len(number) > 20:
            continue
        case, fields = found.get(number), dict(common)
        if case is not None and kind.each:
            fields |= row_form(kind, case, request.user, now, request.POST).door_fields()
        version = whole_number(request.POST.get(f"version-{number}", ""), 9)
        lines.append(Line(number, NEVER if version is None else version, fields))
    return lines


@require_safe
def bulk_results(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what came of each row of one's own act."""
    act = BulkAct.objects.filter(pk=pk, actor=request.user).first()
    if act is None:
        raise Http404
    now = clock.now()
    rows = result_rows(request.user, act, now)
    context = {
        "now": now,
        "act": act,
        "label": ACTION_LABELS[act.action],
        "rows": sorted(rows, key=lambda row: row["done"]),  # what was refused is to be looked at
        "back": safe_address(request, request.GET.get("next", ""), request.user.home),
    }
    return render(request, "cases/bulk/results.html", context)


def result_rows(user: User, act: BulkAct, now: datetime) -> list[dict[str, Any]]:
    """Return each row's result beside its case as it is now and what the act decided in it.

    A case that the person sees no longer (it went to another desk) has its number alone.
    """
    numbers = [result["number"] for result in act.results]
    cases = (
        Case.objects.visible_to(user, from_case=True)
        .filter(number__in=numbers)
        .select_related("type")
    )
    shown = {case.number: case_row(case, now) for case in cases}
    keys = [f"{act.key}:{number}" for number in shown]
    steps = CaseEvent.objects.filter(case__in=cases.order_by(), idempotency_key__in=keys)
    lines = decided(list(steps))
    details = {step.idempotency_key: lines[step.pk] for step in steps}
    return [
        result
        | shown.get(result["number"], {})
        | {"details": details.get(f"{act.key}:{result['number']}", [])}
        for result in act.results
    ]


def bulk_bar(request: HttpRequest, *actions: str) -> dict[str, Any]:
    """Return what ``cases/bulk/_bar.html`` needs: the acts of these that the person may take."""
    kinds = [KINDS[action] for action in actions if KINDS[action].is_for(request.user)]
    return {
        "next": request.get_full_path(),
        "buttons": [
            {
                "url": reverse("bulk:act", args=[kind.action]),
                "label": ACTION_LABELS[kind.action],
                "icon": look_of(kind.action).icon,
                "is_danger": look_of(kind.action).is_danger,
            }
            for kind in kinds
        ],
        "hint": _("Each case is an act of its own: one that is refused keeps none back."),
    }
