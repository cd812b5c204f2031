"""Ledgers of requests, shares beside caps, suspended cases by age."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import for_roles
from cases.exceptions import ageing
from cases.exceptions.decision import approval_steps, approvers_of, lateness_kept
from cases.exceptions.exports import CONTENT_TYPES, FORMATS, ledger_file
from cases.exceptions.ledger import RELATIONS, Month, ledger_figures, ledger_filter, ledger_of
from cases.exceptions.reasons import reason_names
from cases.exceptions.shares import SHARED, ShareRow, month_shares
from cases.exceptions.views.common import (
    EVERY_DESK,
    LOOK_ON,
    PAGE_SIZE,
    department_choices,
    months_back,
    query_of,
)
from cases.exceptions.words import request_words
from cases.models import ApprovalRequest, Case
from cases.presenters import case_row
from cases.views.actions import refusal
from cases.workflow import REQUEST_LABELS, RequestKind
from common import clock
from common.durations import duration_text
from common.errors import DomainError
from common.paging import cursor_page

MOST_SUSPENDED = 100


@require_safe
@for_roles(*LOOK_ON)
def shares(request: HttpRequest) -> HttpResponse:
    """Show every department's shares of a month beside its caps; each figure opens its ledger."""
    now, error = clock.now(), None
    today = timezone.localdate(now)
    month = Month.of(today)
    try:
        if raw := request.GET.get("month", ""):
            month = Month.parse("month", raw)
    except DomainError as refused:
        error = refusal(refused)
    rows = month_shares(request.user.city_id, month, today)
    context = {
        "now": now,
        "month": month,
        "months": months_back(now),
        "kinds": [(kind.value, REQUEST_LABELS[kind]) for kind in SHARED],
        "rows": [share_row(row, month) for row in rows],
        "error": error,
        "chosen": {"month": month.name},
    }
    return render(request, "cases/exceptions/shares.html", context, status=400 if error else 200)


def share_row(row: ShareRow, month: Month) -> dict[str, Any]:
    """Return a department's shares, each with the address of the requests behind it."""
    query = {"month": month.name, "status": ApprovalRequest.Status.APPROVED.value}
    if row.organisation is not None:
        query["department"] = row.organisation.code
    cells = [
        {
            "share": share,
            "url": f"{reverse('exceptions:ledger', args=[kind])}?{urlencode(query)}",
        }
        for kind, share in row.shares.items()
    ]
    return {"organisation": row.organisation, "dispatched": row.dispatched, "cells": cells}


@require_safe
@for_roles(*EVERY_DESK)
def ledger(request: HttpRequest, kind: str) -> HttpResponse:
    """Show the ledger of a kind of request as its filters stand in the address, or its file."""
    if kind not in [each.value for each in RequestKind]:
        raise Http404
    now, error = clock.now(), None
    rows = ledger_of(request.user, RequestKind(kind))
    try:
        rows = ledger_filter(rows, request.user, request.GET)
        if file_format := request.GET.get("format", ""):
            return ledger_download(rows, kind, file_format)
    except DomainError as refused:
        error, rows = refusal(refused), rows.none()
    page = cursor_page(request, rows.select_related(*RELATIONS), size=PAGE_SIZE, field="asked_at")
    context = {
        "now": now,
        "kind": kind,
        "label": REQUEST_LABELS[RequestKind(kind)],
        "kinds": [(each.value, REQUEST_LABELS[each]) for each in RequestKind],
        "figures": ledger_tabs(request, rows),
        "rows": ledger_rows(page.rows),
        "reasons": reason_names(kind),
        "pager": page,
        "error": error,
        "choices": ledger_choices(request, kind, now),
        "formats": [(name, label, query_of(request, format=name)) for name, label, _t in FORMATS],
        "chosen": request.GET,
    }
    return render(request, "cases/exceptions/ledger.html", context, status=400 if error else 200)


def ledger_download(rows: QuerySet[ApprovalRequest], kind: str, file_format: str) -> HttpResponse:
    """Return the rows as a file to keep."""
    content = ledger_file(rows, kind, file_format)
    answer = HttpResponse(content, content_type=CONTENT_TYPES[file_format])
    answer["Content-Disposition"] = f'attachment; filename="ledger-{kind}.{file_format}"'
    return answer


def ledger_tabs(
    request: HttpRequest, rows: QuerySet[ApprovalRequest]
) -> list[tuple[str, Any, int, bool]]:
    """Return the figures of a ledger; each opens the rows it counts."""
    counts = ledger_figures(rows)
    status, late = request.GET.get("status", ""), request.GET.get("late", "")
    tabs = [
        (query_of(request, status="", late=""), _("All"), counts["all"], not status and not late)
    ]
    for value, label in ApprovalRequest.Status.choices:
        tabs.append(
            (query_of(request, status=value, late=""), label, counts[value], status == value)
        )
    late_label = _("Late when asked or granted")
    tabs.append(
        (query_of(request, late="yes", status=""), late_label, counts["late"], late == "yes")
    )
    return tabs


def ledger_choices(request: HttpRequest, kind: str, now: datetime) -> list[tuple[str, str, Any]]:
    """Return the filters of a ledger: parameter, label, values with their words."""
    nobody = [("none", _("no department yet"))]
    return [
        ("month", _("Month"), months_back(now)),
        ("department", _("Department"), [*department_choices(request.user), *nobody]),
        ("status", _("Status"), ApprovalRequest.Status.choices),
        ("reason", _("Reason"), [*reason_names(kind).items(), ("none", _("no reason named"))]),
    ]


def ledger_rows(rows: list[ApprovalRequest]) -> list[dict[str, Any]]:
    """Return requests as the ledger shows them."""
    people = approvers_of(rows)
    return [
        {
            "request": row,
            "case": row.case,
            "label": request_words(row),
            "steps": approval_steps(row, people) if row.approvals else [],
            "late": lateness_kept(row),
        }
        for row in rows
    ]


@require_safe
@for_roles(*EVERY_DESK)
def suspended(request: HttpRequest) -> HttpResponse:
    """List the suspended cases by age, the oldest first."""
    now, error = clock.now(), None
    rows = ageing.suspended_cases(request.user)
    try:
        rows = ageing.of_department(rows, request.GET)
        kept = ageing.of_age(rows, request.GET, now)
    except DomainError as refused:
        error, kept = refusal(refused), rows.none()
    counts = ageing.age_counts(rows, now)
    cases = list(kept.select_related("type", "department", "district", "street")[:MOST_SUSPENDED])
    held_by = ApprovalRequest.objects.in_bulk([case.suspension_id for case in cases])
    reasons = reason_names(RequestKind.SUSPENSION.value)
    chosen = request.GET.get("age", "")
    context = {
        "now": now,
        "tabs": [
            (query_of(request, age=""), _("All"), counts["all"], not chosen),
            *(
                (query_of(request, age=key), label, counts[key], chosen == key)
                for key, label, *_bounds in ageing.AGES
            ),
        ],
        "rows": [
            suspended_row(case, held_by.get(case.suspension_id), reasons, now) for case in cases
        ],
        "rest": 0 if error else counts[chosen or "all"] - len(cases),
        "choices": [("department", _("Department"), department_choices(request.user))],
        "chosen": request.GET,
        "error": error,
    }
    return render(request, "cases/exceptions/suspended.html", context, status=400 if error else 200)


def suspended_row(
    case: Case, held_by: ApprovalRequest | None, reasons: Mapping[str, str], now: datetime
) -> dict[str, Any]:
    """Return a suspended case with its age, its reason, and whether it was late when suspended."""
    return case_row(case, now) | {
        "age": duration_text(now - case.suspended_at),
        "reason": reasons.get(held_by.reason_code, "") if held_by else "",
        "words": held_by.reason if held_by else "",
        "late": lateness_kept(held_by) if held_by else "",
        "is_late_only_when_granted": bool(held_by and held_by.is_late_only_when_decided),
    }
