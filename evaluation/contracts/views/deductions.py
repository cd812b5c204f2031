"""Quality deductions."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import for_roles
from common import clock
from common.errors import DomainError
from evaluation.contracts.deductions import BOOKERS, deduction_book, deduction_withdraw
from evaluation.contracts.models import READERS, ContractLot, QualityDeduction
from evaluation.contracts.statements import role_required
from evaluation.contracts.views.reading import cases_opened, day_read, fen_read

MOST = 100


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*READERS)
def deductions(request: HttpRequest) -> HttpResponse:
    """Show quality deductions; the centre books them."""
    now = clock.now()
    books = bool(request.user.roles & BOOKERS)
    error, status = None, 200
    if request.method == "POST":
        try:
            _book(request)
        except DomainError as refused:
            if refused.status in (403, 404):
                raise
            error, status = {"message": refused.message}, refused.status
        else:
            messages.success(request, _("The deduction is booked."))
            return redirect("evaluation:deductions")
    rows = QualityDeduction.objects.visible_to(request.user).select_related(
        "lot__contract__contractor", "case__type", "booked_by", "statement"
    )
    shown = list(rows[:MOST])
    opens = cases_opened(request, [row.case_id for row in shown if row.case_id])
    context = {
        "rows": [(row, row.case_id in opens) for row in shown],
        "books": books,
        "lots": ContractLot.objects.valid_on(timezone.localdate(now)).select_related("contract")
        if books
        else [],
        "kinds": QualityDeduction.Kind.choices,
        "key": uuid4(),
        "today": timezone.localdate(now),
        "typed": request.POST if error else {},
        "error": error,
        "now": now,
    }
    return render(request, "evaluation/contracts/deductions.html", context, status=status)


def _book(request: HttpRequest) -> None:
    role_required(request.user, BOOKERS)
    try:
        key, lot = UUID(request.POST.get("key", "")), int(request.POST.get("lot", ""))
    except ValueError as error:
        raise DomainError("invalid", _("Say which lot it is about.")) from error
    deduction_book(
        actor=request.user,
        key=key,
        lot_id=lot,
        day=day_read(request),
        kind=request.POST.get("kind", ""),
        amount_fen=fen_read(request.POST.get("amount", "")),
        reason=request.POST.get("reason", ""),
        case_number=request.POST.get("case", ""),
        now=clock.now(),
    )


@require_POST
@for_roles(*BOOKERS)
def deduction_back(request: HttpRequest, deduction_id: int) -> HttpResponse:
    """Take a deduction back."""
    deduction_withdraw(actor=request.user, deduction_id=deduction_id, now=clock.now())
    messages.success(request, _("The deduction is withdrawn."))
    return redirect("evaluation:deductions")
