"""Contracts with their lots, terms and statements."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.db.models import Count, Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import for_roles
from common import clock
from evaluation.contracts.models import READERS, CollectionContract, ContractLot, ContractStatement
from evaluation.contracts.pages import statement_name
from evaluation.contracts.statements import DRAWERS, statement_draw
from evaluation.contracts.views.reading import day_read
from evaluation.contracts.words import terms_text
from evaluation.periods import Period, PeriodKind

MOST = 100


@require_safe
@for_roles(*READERS)
def contracts(request: HttpRequest) -> HttpResponse:
    """Show the contracts with their lots and terms, and their latest statements."""
    today = timezone.localdate(clock.now())
    statements = ContractStatement.objects.visible_to(request.user).with_due()
    lots = ContractLot.objects.annotate(beat_count=Count("beats", distinct=True))
    rows = (
        CollectionContract.objects.visible_to(request.user)
        .select_related("contractor")
        .prefetch_related(
            Prefetch("lots", lots.prefetch_related("terms").order_by("code")),
            Prefetch("statements", statements.defer("content"), to_attr="seen"),
        )
    )
    found = [
        {
            "contract": row,
            "lots": [{"lot": lot, "terms": _terms_of(lot, today)} for lot in row.lots.all()],
            "statements": [_statement_row(each) for each in row.seen[:6]],
        }
        for row in rows[:MOST]
    ]
    context = {
        "rows": found,
        "draws": bool(request.user.roles & DRAWERS),
        "day": Period.of(PeriodKind.MONTH, today).previous.first,
        "now": clock.now(),
    }
    return render(request, "evaluation/contracts/contracts.html", context)


def _terms_of(lot: ContractLot, today: date) -> list[tuple[str, str]]:
    held = [each for each in lot.terms.all() if each.valid_from <= today] or list(lot.terms.all())
    return terms_text(held[0].agreed().told()) if held else []


def _statement_row(statement: ContractStatement) -> dict[str, Any]:
    return {
        "statement": statement,
        "name": statement_name(statement),
        "due_fen": statement.total_fen + statement.countered,
        "is_final": statement.state == statement.State.AGREED,
    }


@require_POST
@for_roles(*DRAWERS)
def statement_new(request: HttpRequest, contract_id: int) -> HttpResponse:
    """Draw up a month's statement, or a supplement."""
    drawn = statement_draw(
        actor=request.user,
        contract_id=contract_id,
        day=day_read(request),
        reason=request.POST.get("reason", ""),
        now=clock.now(),
    )
    messages.success(request, _("The draft is drawn up. Look at its lines, then issue it."))
    return redirect("evaluation:statement", drawn.pk)
