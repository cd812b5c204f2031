"""Charging a work to its fund, and getting the money back from the body found responsible."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from accounts.roles import BOOK_FUNDS
from cases.errors import invalid, not_possible, same_person
from cases.workflow import State
from common.rows import one_or_none
from dispatch.funds.models import CostEntry, EntryKind, ProxyWork, Recovery
from dispatch.funds.rules import charge_moves
from dispatch.funds.selectors import is_of_squad
from dispatch.funds.services.books import (
    committed_fen,
    entry_book,
    not_oneself,
    require,
    written,
    year_lock,
    year_of,
)
from dispatch.funds.services.works import current_cost, must_be_open, work_lock

# Somebody has looked on site, or the type needs no look: then the work may be paid.
FOUND_GOOD = frozenset({State.CHECKED.value, State.CLOSED.value})


@transaction.atomic
def work_charge(*, actor: User, work_id: int, now: datetime) -> ProxyWork:
    """Pay the checked cost out of the fund: the commitment ends, what is left of it is free again.

    The third pair of eyes: neither who entered the cost nor who checked it.

    Raises:
        DomainError: ``not_found`` 404, ``role_refused``, ``same_person`` 403, ``not_possible``,
            ``year_closed``, ``not_enough_money`` 409.
    """
    work = work_lock(actor, work_id)
    require(actor, BOOK_FUNDS)
    must_be_open(work)
    cost = current_cost(work)
    if cost is None or cost.state != CostEntry.State.CHECKED:
        raise not_possible(_("There is no checked cost to charge."))
    if work.case.state not in FOUND_GOOD:
        raise not_possible(_("The work has not been found good on site yet."))
    not_oneself(cost.entered_by_id, actor)
    if cost.checked_by_id == actor.pk:
        raise same_person(_("You checked this cost yourself; somebody else must charge it."))
    if is_of_squad(actor, work.squad):
        raise same_person(_("Your organisation did the work; another one must do this."))
    year = year_lock(work.year_id)
    entry_book(
        year=year,
        kind=EntryKind.CHARGE,
        amount_fen=cost.amount_fen,
        sides=charge_moves(committed_fen(work), cost.amount_fen),
        work=work,
        cost=cost,
        actor=actor,
        now=now,
    )
    cost.state = CostEntry.State.CHARGED
    cost.save(update_fields=["state"])
    work.state, work.ended_at = ProxyWork.State.CHARGED, now
    work.save(update_fields=["state", "ended_at"])
    return work


@transaction.atomic
def recovery_open(
    *, actor: User, work_id: int, debtor: str, amount_fen: int, reason: str, now: datetime
) -> Recovery:
    """Claim what was paid, or a part, from the body found responsible.

    Raises:
        DomainError: ``not_found`` 404, ``role_refused`` 403, ``missing_field``, ``invalid`` 400,
            ``not_possible``, ``no_book``, ``year_closed`` 409.
    """
    work = work_lock(actor, work_id)
    require(actor, BOOK_FUNDS)
    text = written("reason", reason)
    if work.state != ProxyWork.State.CHARGED:
        raise not_possible(_("Only what was charged can be recovered."))
    if work.recoveries.filter(is_cancelled=False).exists():
        raise not_possible(_("This work is being recovered already."))
    body = one_or_none(Organisation.objects.filter(code=debtor, city=work.case.city_id))
    if body is None or body.pk == work.squad_id:
        raise invalid("debtor", _("There is no such organisation."))
    paid = current_cost(work)
    assert paid is not None
    if not 0 < amount_fen <= paid.amount_fen:
        raise invalid("amount", _("At most what was paid can be recovered."))
    year = year_of(work.year.fund, now)
    recovery = Recovery.objects.create(
        work=work, debtor=body, amount_fen=amount_fen, reason=text, opened_by=actor, opened_at=now
    )
    entry_book(
        year=year,
        kind=EntryKind.RECEIVABLE,
        amount_fen=amount_fen,
        work=work,
        recovery=recovery,
        actor=actor,
        now=now,
        note=text,
    )
    return recovery


@transaction.atomic
def refund_book(
    *, actor: User, work_id: int, amount_fen: int, note: str, now: datetime
) -> Recovery:
    """Book what the body has paid back; it is free again in this year's book.

    Raises:
        DomainError: ``not_found`` 404, ``role_refused`` 403, ``invalid`` 400, ``not_possible``,
            ``no_book``, ``year_closed`` 409.
    """
    work = work_lock(actor, work_id)
    require(actor, BOOK_FUNDS)
    owed = work.recoveries.select_for_update(of=("self",)).filter(is_cancelled=False).first()
    if owed is None:
        raise not_possible(_("Nobody owes anything for this work."))
    if not 0 < amount_fen <= owed.open_fen:
        raise invalid("amount", _("At most what is still owed can be refunded."))
    year = year_of(work.year.fund, now)
    owed.refunded_fen += amount_fen
    owed.save(update_fields=["refunded_fen"])
    entry_book(
        year=year,
        kind=EntryKind.REFUND,
        amount_fen=amount_fen,
        work=work,
        recovery=owed,
        actor=actor,
        now=now,
        note=written("note", note, is_required=False),
    )
    return owed
