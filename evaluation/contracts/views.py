"""Pages of collection contracts: contracts, statements and their lists, appeals, deductions."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.db.models import Count, Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import for_roles
from cases.models import Case
from common import clock
from common.errors import DomainError
from common.money import NotMoney, fen_of
from evaluation.contracts.amounts import LineKind
from evaluation.contracts.appeals import line_appeal, line_appeal_decide, line_appeal_reverse
from evaluation.contracts.deductions import BOOKERS, deduction_book, deduction_withdraw
from evaluation.contracts.models import (
    READERS,
    CollectionContract,
    ContractLot,
    ContractStatement,
    QualityDeduction,
)
from evaluation.contracts.pages import OF, StatementPage, statement_name
from evaluation.contracts.printed import statement_pdf
from evaluation.contracts.quantities import BEHIND, BEHIND_OF
from evaluation.contracts.statements import (
    AGREERS,
    DRAWERS,
    ISSUERS,
    role_required,
    statement_agree,
    statement_compute,
    statement_draw,
    statement_issue,
)
from evaluation.contracts.words import NAMES, terms_text
from evaluation.pages.lists import Listing
from evaluation.periods import Period, PeriodKind
from evaluation.services.appeals import DECIDERS

PAGE = 50
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
        day=_day(request),
        reason=request.POST.get("reason", ""),
        now=clock.now(),
    )
    messages.success(request, _("The draft is drawn up. Look at its lines, then issue it."))
    return redirect("evaluation:statement", drawn.pk)


def _day(request: HttpRequest) -> date:
    raw = request.POST.get("day", "")
    try:
        day = parse_date(f"{raw}-01" if raw.count("-") == 1 else raw)
    except ValueError:
        day = None
    if day is None:
        raise DomainError("invalid", _("Say which day."))
    return day


def _visible(request: HttpRequest, statement_id: int) -> ContractStatement:
    rows = ContractStatement.objects.visible_to(request.user).select_related(
        "contract__contractor", "computed_by", "issued_by", "agreed_by"
    )
    return get_object_or_404(rows, pk=statement_id)


@require_safe
@for_roles(*READERS)
def statement(request: HttpRequest, statement_id: int) -> HttpResponse:
    """Show a statement: its lines with formulas and lists, appeals, what comes next."""
    now = clock.now()
    page = StatementPage(_visible(request, statement_id), request.user, now)
    context = {"page": page, "statement": page.statement, "now": now}
    return render(request, "evaluation/contracts/statement.html", context)


@require_safe
@for_roles(*READERS)
def statement_print(request: HttpRequest, statement_id: int) -> HttpResponse:
    """Return the statement as a page to print and sign."""
    now = clock.now()
    page = StatementPage(_visible(request, statement_id), request.user, now)
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
    page = StatementPage(_visible(request, statement_id), request.user, now)
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
        opens = _opens(request, [row.case_id for row in rows if row.case_id])
        context |= {
            "deductions": [(row, row.case_id in opens) for row in rows],
            "count": len(rows),
        }
        return render(request, "evaluation/contracts/cases.html", context)
    quantity = (BEHIND_OF if side == OF else BEHIND).get(line.kind)
    if quantity is None:
        raise Http404
    found = Listing(page.told.counted(lot, page.statement).lists(quantity, now))
    number = _page_number(request)
    entries = found.rows((number - 1) * PAGE, PAGE)
    opens = _opens(request, [row.case_id for row in entries])
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


def _page_number(request: HttpRequest) -> int:
    page = request.GET.get("page", "1")
    return max(int(page), 1) if page.isascii() and page.isdigit() and len(page) < 7 else 1


def _page_url(key: str, side: str, number: int) -> str:
    from_side = f"&side={side}" if side == OF else ""
    return f"?line={key}{from_side}&page={number}"


def _opens(request: HttpRequest, cases: list[int]) -> set[int]:
    """Return which of some cases the reader may open."""
    visible = Case.objects.visible_to(request.user).filter(pk__in=cases)
    return set(visible.values_list("pk", flat=True))


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
    if not raw.removeprefix("-").isascii() or not raw.removeprefix("-").isdigit() or len(raw) > 18:
        _visible(request, statement_id)
        raise DomainError("invalid", _("Say to which amount you agree."))
    statement_agree(
        actor=request.user, statement_id=statement_id, due_fen=int(raw), now=clock.now()
    )
    messages.success(request, _("Agreed. The statement is final."))
    return redirect("evaluation:statement", statement_id)


# ── appeals on lines ──────────────────────────────────────────────────────────────────────────


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*AGREERS)
def appeal_new(request: HttpRequest, statement_id: int) -> HttpResponse:
    """Appeal on a line of the own statement."""
    now = clock.now()
    page = StatementPage(_visible(request, statement_id), request.user, now)
    key = request.GET.get("line", "")
    row = next((each for lot in page.lots for each in lot.rows if each.key == key), None)
    row = row or next((each for each in page.settled if each.key == key), None)
    if row is None:
        raise Http404
    error, status = None, 200
    if request.method == "POST":
        try:
            line_appeal(
                actor=request.user,
                statement_id=statement_id,
                line=key,
                reason=request.POST.get("reason", ""),
                now=now,
            )
        except DomainError as refused:
            error, status = {"message": refused.message}, refused.status
        else:
            messages.success(request, _("Your appeal waits for a decision of the centre."))
            return redirect("evaluation:statement", statement_id)
    context = {
        "page": page,
        "row": row,
        "error": error,
        "typed": request.POST.get("reason", ""),
        "now": now,
    }
    return render(request, "evaluation/contracts/appeal.html", context, status=status)


@require_POST
@for_roles(*DECIDERS)
def appeal_answer(request: HttpRequest, line_appeal_id: int, answer: str) -> HttpResponse:
    """Uphold, reject or reverse an appeal on a line."""
    now = clock.now()
    if answer == "reverse":
        found = line_appeal_reverse(actor=request.user, appeal_id=line_appeal_id, now=now)
    elif answer in ("uphold", "reject"):
        found = line_appeal_decide(
            actor=request.user,
            appeal_id=line_appeal_id,
            uphold=answer == "uphold",
            answer=request.POST.get("answer", ""),
            granted_fen=_fen(request.POST.get("granted", "")) if answer == "uphold" else 0,
            now=now,
        )
    else:
        raise Http404
    messages.success(request, _("The decision is kept; the amount due follows it."))
    return redirect("evaluation:statement", found.statement_id)


def _fen(raw: str) -> int:
    """Return an amount in fen; nothing written is nothing granted."""
    if not raw.strip():
        return 0
    try:
        return fen_of(raw)
    except NotMoney as error:
        raise DomainError("invalid", error.sentence) from error


# ── deductions ────────────────────────────────────────────────────────────────────────────────


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
    opens = _opens(request, [row.case_id for row in shown if row.case_id])
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
        day=_day(request),
        kind=request.POST.get("kind", ""),
        amount_fen=_fen(request.POST.get("amount", "")),
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
