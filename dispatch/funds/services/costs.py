"""Costs: entered by the squad with evidence, approved where above the quote, checked by another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import CHECK_COSTS, Role, may
from cases.errors import invalid, missing_field, not_possible, role_refused, same_person
from cases.fields import own_photos
from cases.models import Photo
from common.money import MOST_FEN
from common.text import clean_text
from dispatch.funds.models import (
    CostEntry,
    CostEvidence,
    CostItem,
    ProxyThreshold,
    ProxyWork,
    Quote,
)
from dispatch.funds.rules import is_overrun, item_amount, threshold_for
from dispatch.funds.selectors import WORK_DONE, holds_desk, is_of_squad
from dispatch.funds.services.books import committed_fen, not_oneself, written
from dispatch.funds.services.works import current_cost, must_be_open, work_lock

MAX_ITEMS = 40
MOST_QUANTITY = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Item:
    """One line as it was sent: quantity with at most three decimals, price in fen."""

    name: str
    quantity: Decimal
    unit: str
    price_fen: int


@transaction.atomic
def cost_enter(
    *,
    actor: User,
    work_id: int,
    items: Sequence[Item],
    photo_ids: Sequence[int],
    note: str,
    now: datetime,
) -> CostEntry:
    """Enter what the work cost, once the squad has completed it.

    The squad enters its own; for a contractor without a log-in the dispatcher of the case's desk.
    Further above the quote than the threshold allows, it waits for the leader first.

    Raises:
        DomainError: ``not_found`` 404, ``role_refused`` 403, ``missing_field``, ``invalid`` 400,
            ``not_possible`` 409.
    """
    work = work_lock(actor, work_id)
    if not is_of_squad(actor, work.squad) and not holds_desk(actor, work.case):
        raise role_refused()
    must_be_open(work)
    if work.case.state not in WORK_DONE:
        raise not_possible(_("Costs are entered once the work is completed."))
    if not Quote.objects.filter(work=work, state=Quote.State.ACCEPTED).exists():
        raise not_possible(_("No quote has been accepted yet."))
    if current_cost(work) is not None:
        raise not_possible(_("A cost was entered already."))
    lines = [_line(item) for item in items]
    if not lines:
        raise missing_field("items")
    if len(lines) > MAX_ITEMS:
        raise invalid("items", _("At most %(limit)s items.") % {"limit": MAX_ITEMS})
    total = sum(line.amount_fen for line in lines)
    if total > MOST_FEN:
        raise invalid("items", _("This amount is too large."))
    photos = own_photos("photos", list(photo_ids), actor)
    if not photos:
        raise missing_field("photos")
    cost = CostEntry.objects.create(
        work=work,
        amount_fen=total,
        note=written("note", note, is_required=False),
        state=_first_state(work, total),
        entered_by=actor,
        entered_at=now,
    )
    for line in lines:
        line.cost = cost
    CostItem.objects.bulk_create(lines)
    _keep_evidence(cost, photos)
    return cost


def _line(item: Item) -> CostItem:
    name = clean_text(item.name)
    if not name or len(name) > 100:
        raise invalid("items", _("Name each item, in at most 100 characters."))
    if not 0 < item.quantity <= MOST_QUANTITY or item.quantity != round(item.quantity, 3):
        raise invalid("items", _("A quantity is above zero and has at most three decimals."))
    amount = item_amount(item.quantity, item.price_fen)
    if item.price_fen <= 0 or amount <= 0:
        raise invalid("items", _("An amount must be above zero."))
    return CostItem(
        name=name,
        quantity=item.quantity,
        unit=clean_text(item.unit)[:20],
        price_fen=item.price_fen,
        amount_fen=amount,
    )


def _first_state(work: ProxyWork, total: int) -> CostEntry.State:
    quote_fen = committed_fen(work)  # the quote accepted, or what was left of it
    rows = ProxyThreshold.objects.filter(city=work.case.city_id)
    percent = threshold_for(rows, quote_fen).overrun_percent
    is_above = is_overrun(total, quote_fen, percent)
    return CostEntry.State.TO_APPROVE if is_above else CostEntry.State.TO_CHECK


def _keep_evidence(cost: CostEntry, photos: Sequence[Photo]) -> None:
    try:
        with transaction.atomic():
            CostEvidence.objects.bulk_create(
                CostEvidence(cost=cost, photo=photo) for photo in photos
            )
    except IntegrityError as error:
        message = _("A photo is not yours, was used already, or does not exist.")
        raise invalid("photos", message) from error


@transaction.atomic
def cost_approve(*, actor: User, work_id: int, now: datetime) -> CostEntry:
    """Let the leader agree to a cost above the quote; it still has to be checked.

    Raises:
        DomainError: ``not_found`` 404, ``role_refused``, ``same_person`` 403, ``not_possible`` 409.
    """
    work = work_lock(actor, work_id)
    if Role.LEADER not in actor.roles:
        raise role_refused()
    cost = _waiting(work, CostEntry.State.TO_APPROVE)
    _not_the_spender(actor, work, cost)
    cost.state, cost.approved_by, cost.approved_at = CostEntry.State.TO_CHECK, actor, now
    cost.save(update_fields=["state", "approved_by", "approved_at"])
    return cost


@transaction.atomic
def cost_check(*, actor: User, work_id: int, now: datetime) -> CostEntry:
    """Find items and evidence right; somebody else than who entered them, of another body.

    Raises:
        DomainError: ``not_found`` 404, ``role_refused``, ``same_person`` 403, ``not_possible`` 409.
    """
    work = work_lock(actor, work_id)
    if not may(actor.roles, CHECK_COSTS):
        raise role_refused()
    cost = _waiting(work, CostEntry.State.TO_CHECK)
    _not_the_spender(actor, work, cost)
    cost.state, cost.checked_by, cost.checked_at = CostEntry.State.CHECKED, actor, now
    cost.save(update_fields=["state", "checked_by", "checked_at"])
    return cost


@transaction.atomic
def cost_return(*, actor: User, work_id: int, reason: str, now: datetime) -> CostEntry:
    """Send a cost back to whoever entered it, with the reason; another may be entered.

    Raises:
        DomainError: ``not_found`` 404, ``role_refused``, ``same_person`` 403, ``missing_field``
            400, ``not_possible`` 409.
    """
    work = work_lock(actor, work_id)
    if not may(actor.roles, CHECK_COSTS) and Role.LEADER not in actor.roles:
        raise role_refused()
    states = (CostEntry.State.TO_APPROVE, CostEntry.State.TO_CHECK, CostEntry.State.CHECKED)
    cost = _waiting(work, *states)
    _not_the_spender(actor, work, cost)
    cost.state, cost.answer = CostEntry.State.RETURNED, written("reason", reason)
    cost.save(update_fields=["state", "answer"])
    return cost


def _waiting(work: ProxyWork, *states: str) -> CostEntry:
    must_be_open(work)
    cost = current_cost(work)
    if cost is None or cost.state not in states:
        raise not_possible(_("No cost waits for this."))
    return cost


def _not_the_spender(actor: User, work: ProxyWork, cost: CostEntry) -> None:
    not_oneself(cost.entered_by_id, actor)
    if is_of_squad(actor, work.squad):
        raise same_person(_("Your organisation did the work; another one must do this."))
