"""A statement: its lines, the lists behind them, and the steps it takes."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import for_roles
from common import clock
from common.errors import DomainError
from common.paging import page_number
from common.text import whole_number
from evaluation.contracts.amounts import LineKind
from evaluation.contracts.models import READERS, QualityDeduction
from evaluation.contracts.pages import OF, StatementPage
from evaluation.contracts.printed import statement_pdf
from evaluation.contracts.quantities import BEHIND, BEHIND_OF
from evaluation.contracts.statements import (
    AGREERS,
    DRAWERS,
    ISSUERS,
    statement_agree,
    statement_compute,
    statement_issue,
)
from evaluation.contracts.views.reading import cases_opened, statement_visible
from evaluation.contracts.words import NAMES
from evaluation.pages.lists import Listing

PAGE = 50


@require_safe
@for_roles(*READERS)
def statement(request: HttpRequest, statement_id: int) -> HttpResponse:
    """Show a statement: its lines with formulas and lists, appeals, what comes next."""
    now = clock.now()
    page = StatementPage(statement_visible(request, statement_id), request.user, now)
    context = {"page": page, "statement": page.statement, "now": now}
    return render(request, "evaluation/contracts/statement.html", context)


@require_safe
@for_roles(*READERS)
def statement_print(request: HttpRequest, statement_id: int) -> HttpResponse:
    """Return the statement as a page to print and sign."""
    now = clock.now()
    page = StatementPage(statement_visible(request, statement_id), request.user, now)
    response = HttpResponse(statement_pdf(page), content_type="application/pdf")
    found = page.statement
    name = f"statement-{found.contract_id}-{found.first_date:%Y-%m}-{found.number}.pdf"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_safe
@for_roles(*READERS)
def statement_cases(request: HttpRequest, statement_id: int) -> HttpResponse:
    """Show what a line counted: exactly as many entries as it says."""
    now = clock.now()
    page = StatementPage(statement_visible(request, statement_id), request.user, now)
    key, side = request.GET.get("line", ""), request.GET.get("side", "")
    told = page.told.line(key)
    if told is None or told[0] is None:
        raise Http404
    lot, line = told
    context: dict[str, Any] = {
        "page": page,
        "statement": page.statement,
        "title": NAMES[line.kind],
        "now": now,
    }
    if line.kind is LineKind.QUALITY:
        booked = QualityDeduction.objects.filter(pk__in=lot.deductions)
        rows = list(booked.select_related("case__type").order_by("day", "pk"))
        opens = cases_opened(request, [row.case_id for row in rows if row.case_id])
        context |= {
            "deductions": [(row, row.case_id in opens) for row in rows],
            "count": len(rows),
        }
        return render(request, "evaluation/contracts/cases.html", context)
    quantity = (BEHIND_OF if side == OF else BEHIND).get(line.kind)
    if quantity is None:
        raise Http404
    found = Listing(page.told.counted(lot, page.statement).lists(quantity, now))
    number = page_number(request.GET)
    entries = found.rows((number - 1) * PAGE, PAGE)
    opens = cases_opened(request, [row.case_id for row in entries])
    count = found.count
    context |= {
        "rows": [_entry(row, row.case_id in opens) for row in entries],
        "count": count,
        "timed": line.kind in BEHIND_OF,
        "pager": {
            "previous": _page_url(key, side, number - 1) if number > 1 else "",
            "next": _page_url(key, side, number + 1) if number * PAGE < count else "",
        },
    }
    return render(request, "evaluation/contracts/cases.html", context)


def _page_url(key: str, side: str, number: int) -> str:
    from_side = f"&side={side}" if side == OF else ""
    return f"?line={key}{from_side}&page={number}"


def _entry(row: Any, opens: bool) -> dict[str, Any]:
    due, end = row.planned_end_at, row.actual_end_at
    return {
        "case": row.case,
        "opens": opens,
        "cell": row.cell_code,
        "person": row.person,
        "at": row.happened_at,
        "due": due,
        "end": end,
        "over": end - due if due and end and end > due else None,
    }


@require_POST
@for_roles(*DRAWERS)
def statement_anew(request: HttpRequest, statement_id: int) -> HttpResponse:
    """Compute a draft anew."""
    statement_compute(actor=request.user, statement_id=statement_id, now=clock.now())
    messages.success(request, _("Computed with what is known now."))
    return redirect("evaluation:statement", statement_id)


@require_POST
@for_roles(*ISSUERS)
def statement_out(request: HttpRequest, statement_id: int) -> HttpResponse:
    """Issue what was seen."""
    statement_issue(
        actor=request.user,
        statement_id=statement_id,
        sha256=request.POST.get("sha256", ""),
        now=clock.now(),
    )
    messages.success(request, _("Issued. The contractor sees it now and agrees or appeals."))
    return redirect("evaluation:statement", statement_id)


@require_POST
@for_roles(*AGREERS)
def statement_yes(request: HttpRequest, statement_id: int) -> HttpResponse:
    """Agree to the amount seen."""
    raw = request.POST.get("due", "")
    amount = whole_number(raw.removeprefix("-"), 17)
    if amount is None:
        statement_visible(request, statement_id)
        raise DomainError("invalid", _("Say to which amount you agree."))
    due = -amount if raw.startswith("-") else amount
    statement_agree(actor=request.user, statement_id=statement_id, due_fen=due, now=clock.now())
    messages.success(request, _("Agreed. The statement is final."))
    return redirect("evaluation:statement", statement_id)
