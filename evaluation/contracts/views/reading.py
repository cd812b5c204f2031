"""What addresses and forms of contracts name, read in one place."""

from __future__ import annotations

from datetime import date

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from cases.models import Case
from common.errors import DomainError
from common.money import NotMoney, fen_of
from evaluation.contracts.models import ContractStatement


def day_read(request: HttpRequest) -> date:
    """Return the day, or the first of the month, that a form names."""
    raw = request.POST.get("day", "")
    try:
        day = parse_date(f"{raw}-01" if raw.count("-") == 1 else raw)
    except ValueError:
        day = None
    if day is None:
        raise DomainError("invalid", _("Say which day."))
    return day


def statement_visible(request: HttpRequest, statement_id: int) -> ContractStatement:
    """Return a statement that the reader may see; 404 otherwise."""
    rows = ContractStatement.objects.visible_to(request.user).select_related(
        "contract__contractor", "computed_by", "issued_by", "agreed_by"
    )
    return get_object_or_404(rows, pk=statement_id)


def cases_opened(request: HttpRequest, cases: list[int]) -> set[int]:
    """Return which of some cases the reader may open."""
    visible = Case.objects.visible_to(request.user, from_case=True).filter(pk__in=cases)
    return set(visible.values_list("pk", flat=True))


def fen_read(raw: str) -> int:
    """Return an amount in fen; nothing written is nothing granted."""
    if not raw.strip():
        return 0
    try:
        return fen_of(raw)
    except NotMoney as error:
        raise DomainError("invalid", error.sentence) from error
