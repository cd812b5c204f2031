"""Quality deductions: booked by the centre with a reason, withdrawn until they are issued."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from cases.models import Case
from common.money import MOST_FEN
from common.text import clean_text
from evaluation.contracts.models import ContractLot, QualityDeduction
from evaluation.contracts.statements import (
    DRAWERS,
    not_the_contractor,
    refusal,
    role_required,
)
from evaluation.contracts.told import days_held

BOOKERS = DRAWERS
MAX_REASON = 500


@transaction.atomic
def deduction_book(
    *,
    actor: User,
    key: UUID,
    lot_id: int,
    day: date,
    kind: str,
    amount_fen: int,
    reason: str,
    now: datetime,
    case_number: str = "",
) -> QualityDeduction:
    """Book a deduction on a lot; sent twice with one ``key`` it is booked once.

    Raise DomainError: ``role_refused`` and ``same_person`` 403; ``not_found`` 404 for a lot that
    is not there; ``invalid`` 400 for a day that is to come or not the lot's, a kind, an amount or
    a case that is none; ``missing_field`` 400 without a reason.
    """
    role_required(actor, BOOKERS)
    lots = ContractLot.objects.select_for_update(of=("self",)).select_related("contract")
    lot = lots.filter(pk=lot_id).first()
    if lot is None:
        raise refusal("not_found", _("There is no such lot."), 404)
    not_the_contractor(actor, lot.contract)
    booked = QualityDeduction.objects.filter(key=key).first()
    if booked is not None:
        return booked
    if not _is_held(lot, day) or day > timezone.localdate(now):
        raise refusal("invalid", _("The lot is not held on this day."), 400)
    if kind not in QualityDeduction.Kind.values:
        raise refusal("invalid", _("Say what was wrong."), 400)
    if not 0 < amount_fen <= MOST_FEN:
        raise refusal("invalid", _("An amount must be above zero."), 400)
    reason = clean_text(reason)[:MAX_REASON]
    if not reason:
        raise refusal("missing_field", _("A deduction needs its reasons."), 400)
    return QualityDeduction.objects.create(
        key=key,
        lot=lot,
        day=day,
        kind=kind,
        amount_fen=amount_fen,
        reason=reason,
        case=_case(actor, case_number),
        booked_by=actor,
        booked_at=now,
    )


@transaction.atomic
def deduction_withdraw(*, actor: User, deduction_id: int, now: datetime) -> QualityDeduction:
    """Take back what no issued statement has; later the contractor appeals instead.

    Raise DomainError: ``role_refused`` 403, ``not_found`` 404, ``not_possible`` 409 when it was
    issued, ``stale_version`` 409 when it was withdrawn already.
    """
    role_required(actor, BOOKERS)
    rows = QualityDeduction.objects.select_for_update(of=("self",))
    deduction = rows.select_related("lot__contract").filter(pk=deduction_id).first()
    if deduction is None:
        raise refusal("not_found", _("There is no such deduction."), 404)
    not_the_contractor(actor, deduction.lot.contract)
    if deduction.withdrawn_at is not None:
        raise refusal("stale_version", _("It was withdrawn already."), 409)
    if deduction.statement_id is not None:
        raise refusal("not_possible", _("It stands in a statement that was issued."), 409)
    deduction.withdrawn_by, deduction.withdrawn_at = actor, now
    deduction.save(update_fields=["withdrawn_by", "withdrawn_at"])
    return deduction


def _is_held(lot: ContractLot, day: date) -> bool:
    contract = lot.contract
    spans = [(lot.valid_from, lot.valid_to), (contract.valid_from, contract.valid_to)]
    held = days_held(spans, day, date.max)
    return held is not None and held[0] == day


def _case(actor: User, number: str) -> Case | None:
    number = clean_text(number)
    if not number:
        return None
    case = Case.objects.visible_to(actor, from_case=True).filter(number=number).first()
    if case is None:
        raise refusal("invalid", _("There is no case with this number."), 400)
    return case
