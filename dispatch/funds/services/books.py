"""Booking: the only code that writes entries and postings.

The row of the year is locked first, then the accounts in the order of their ids, so that two
bookings queue and none waits for the other in a circle. The sentence about missing money comes
from the balances read under the lock; the constraint in the database is there for whoever comes
another way.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import ALLOCATE_FUNDS, BOOK_FUNDS, may
from cases.errors import invalid, missing_field, not_possible, role_refused, same_person
from common.text import clean_text
from dispatch.funds.errors import FundNotFound, no_book, not_enough_money, year_closed
from dispatch.funds.models import (
    CONTRA,
    PERPETUAL,
    Account,
    CostEntry,
    EntryKind,
    Fund,
    FundYear,
    JournalEntry,
    Kind,
    Posting,
    ProxyWork,
    Recovery,
)
from dispatch.funds.rules import Sides, moves

MAX_NOTE = 300
EARLIEST_YEAR, LATEST_YEAR = 2000, 2200


def written(name: str, raw: object, *, is_required: bool = True) -> str:
    """Return what a person wrote, without control characters, at most 300 of them."""
    text = clean_text(raw).strip() if isinstance(raw, str) else ""
    if is_required and not text:
        raise missing_field(name)
    if len(text) > MAX_NOTE:
        raise invalid(
            name, _("This text is too long: at most %(limit)s characters.") % {"limit": MAX_NOTE}
        )
    return text


def require(actor: User, permission: str) -> None:
    """Refuse whoever's roles do not hold a permission."""
    if not may(actor.roles, permission):
        raise role_refused()


def year_lock(year_id: int) -> FundYear:
    """Lock the book of a year and return it with its fund."""
    return FundYear.objects.select_for_update(of=("self",)).select_related("fund").get(pk=year_id)


def year_of(fund: Fund, now: datetime) -> FundYear:
    """Lock and return the book a fact of today belongs to.

    Raises:
        DomainError: ``no_book`` or ``year_closed`` 409.
    """
    number = timezone.localdate(now).year
    found = FundYear.objects.select_for_update(of=("self",)).filter(fund=fund, year=number).first()
    if found is None:
        raise no_book(number)
    if found.closed_at is not None:
        raise year_closed(number)
    found.fund = fund
    return found


def entry_book(
    *,
    year: FundYear,
    kind: EntryKind,
    amount_fen: int,
    actor: User | None,
    now: datetime,
    sides: Sides | None = None,
    note: str = "",
    work: ProxyWork | None = None,
    cost: CostEntry | None = None,
    recovery: Recovery | None = None,
    reverses: JournalEntry | None = None,
) -> JournalEntry:
    """Write one entry with its postings into the book of a locked year.

    ``sides`` are what it posts where the kind alone does not say it.

    Raises:
        DomainError: ``year_closed``, ``not_enough_money`` 409.
    """
    if year.closed_at is not None:
        raise year_closed(year.year)
    posted = dict(sides if sides is not None else moves(kind, amount_fen))
    accounts = _accounts_of(year)
    for account_kind, fen in posted.items():
        balance = accounts[account_kind].balance_fen
        if account_kind not in CONTRA and balance + fen < 0:
            raise not_enough_money(-fen, balance)
    year.last_number += 1
    year.save(update_fields=["last_number"])
    entry = JournalEntry.objects.create(
        year=year,
        number=year.last_number,
        kind=kind,
        amount_fen=amount_fen,
        posting_count=len(posted),
        work=work,
        cost=cost,
        recovery=recovery,
        reverses=reverses,
        note=note,
        actor=actor,
        at=now,
    )
    Posting.objects.bulk_create(
        Posting(entry=entry, account=accounts[account_kind], amount_fen=fen)
        for account_kind, fen in sorted(posted.items(), key=lambda side: accounts[side[0]].pk)
    )
    return entry


def _accounts_of(year: FundYear) -> dict[Kind, Account]:
    """Lock the accounts an entry of this year may post to, in the order of their ids."""
    rows = Account.objects.filter(fund=year.fund_id).filter(year=year) | Account.objects.filter(
        fund=year.fund_id, year=None
    )
    return {Kind(row.kind): row for row in rows.select_for_update().order_by("pk")}


def _open_year(fund: Fund, number: int) -> FundYear:
    """Return the locked book of a year, opened with its accounts where there is none."""
    if not EARLIEST_YEAR <= number <= LATEST_YEAR:
        raise invalid("year", _("There is no such year."))
    year, is_new = FundYear.objects.get_or_create(fund=fund, year=number)
    if is_new:
        Account.objects.bulk_create(
            Account(fund=fund, year=None if kind in PERPETUAL else year, kind=kind)
            for kind in Kind
            if kind not in PERPETUAL or not fund.accounts.filter(year=None, kind=kind).exists()
        )
    return year_lock(year.pk)


@transaction.atomic
def budget_enter(
    *, actor: User, fund_id: int, year: int, amount_fen: int, note: str, now: datetime
) -> JournalEntry:
    """Enter a year's budget, or more of it; the first opens the year's book.

    Raises:
        DomainError: ``role_refused`` 403, ``not_found`` 404, ``invalid`` 400, ``year_closed`` 409.
    """
    require(actor, ALLOCATE_FUNDS)
    _positive(amount_fen)
    fund = fund_lock(actor, fund_id)
    return entry_book(
        year=_open_year(fund, year),
        kind=EntryKind.BUDGET,
        amount_fen=amount_fen,
        note=written("note", note),
        actor=actor,
        now=now,
    )


@transaction.atomic
def budget_allocate(
    *, actor: User, fund_id: int, year: int, amount_fen: int, note: str, now: datetime
) -> JournalEntry:
    """Make a part of the year's budget free to be committed.

    Raises:
        DomainError: as ``budget_enter``, and ``not_enough_money`` 409 beyond the budget.
    """
    require(actor, ALLOCATE_FUNDS)
    _positive(amount_fen)
    fund = fund_lock(actor, fund_id)
    return entry_book(
        year=_existing_year(fund, year),
        kind=EntryKind.ALLOCATION,
        amount_fen=amount_fen,
        note=written("note", note, is_required=False),
        actor=actor,
        now=now,
    )


@transaction.atomic
def year_close(*, actor: User, fund_id: int, year: int, now: datetime) -> FundYear:
    """Close a year's book for good; nothing may be committed in it any more.

    Raises:
        DomainError: ``role_refused`` 403, ``not_found`` 404, ``year_closed``, ``not_possible`` 409.
    """
    require(actor, ALLOCATE_FUNDS)
    book = _existing_year(fund_lock(actor, fund_id), year)
    if book.closed_at is not None:
        raise year_closed(book.year)
    if _accounts_of(book)[Kind.COMMITTED].balance_fen:
        raise not_possible(_("Charge or release what is committed first."))
    book.closed_at, book.closed_by = now, actor
    book.save(update_fields=["closed_at", "closed_by"])
    return book


def fund_lock(actor: User, fund_id: int) -> Fund:
    """Return a fund this person may see, locked: budgets of one fund are entered one by one."""
    rows = Fund.objects.visible_to(actor).filter(pk=fund_id)
    fund = rows.select_for_update(of=("self",)).first()
    if fund is None:
        raise FundNotFound
    return fund


def _existing_year(fund: Fund, number: int) -> FundYear:
    found = FundYear.objects.filter(fund=fund, year=number).first()
    if found is None:
        raise no_book(number)
    book = year_lock(found.pk)
    book.fund = fund
    return book


def _positive(amount_fen: int) -> None:
    if amount_fen <= 0:
        raise invalid("amount", _("An amount must be above zero."))


# ── taking back ───────────────────────────────────────────────────────────────────────────────

# Commitments and releases follow the work and are never reversed by hand.
REVERSIBLE = frozenset(
    {
        EntryKind.BUDGET,
        EntryKind.ALLOCATION,
        EntryKind.CHARGE,
        EntryKind.RECEIVABLE,
        EntryKind.REFUND,
    }
)


@transaction.atomic
def entry_reverse(*, actor: User, entry_id: int, reason: str, now: datetime) -> JournalEntry:
    """Take an entry back by another with the opposite postings, in the same book.

    A payment taken back leaves the work open and its cost returned; a claim taken back is
    cancelled; a refund taken back is owed again.

    Raises:
        DomainError: ``role_refused`` 403, ``not_found`` 404, ``missing_field``
            400, ``not_possible``, ``year_closed``, ``not_enough_money`` 409.
    """
    entry = JournalEntry.objects.filter(
        pk=entry_id, year__fund__in=Fund.objects.visible_to(actor)
    ).first()
    if entry is None:
        raise FundNotFound
    require(actor, ALLOCATE_FUNDS if _is_leaders(entry) else BOOK_FUNDS)
    text = written("reason", reason)
    if entry.work_id:
        ProxyWork.objects.select_for_update(of=("self",)).get(pk=entry.work_id)
    book = year_lock(entry.year_id)
    if EntryKind(entry.kind) not in REVERSIBLE:
        raise not_possible(_("This entry follows the work and is not taken back by hand."))
    if JournalEntry.objects.filter(reverses=entry).exists():
        raise not_possible(_("This entry was taken back already."))
    _undo_facts(entry, text)
    return entry_book(
        year=book,
        kind=EntryKind.REVERSAL,
        amount_fen=entry.amount_fen,
        sides={Kind(p.account.kind): -p.amount_fen for p in _postings_of(entry)},
        note=text,
        work=entry.work,
        cost=entry.cost,
        recovery=entry.recovery,
        reverses=entry,
        actor=actor,
        now=now,
    )


def _is_leaders(entry: JournalEntry) -> bool:
    return entry.kind in (EntryKind.BUDGET, EntryKind.ALLOCATION)


def _postings_of(entry: JournalEntry) -> list[Posting]:
    return list(entry.postings.select_related("account"))


def _undo_facts(entry: JournalEntry, reason: str) -> None:
    """Bring work, cost and recovery back to where they were before the entry."""
    if entry.kind == EntryKind.CHARGE:
        assert entry.work is not None
        if entry.work.recoveries.filter(is_cancelled=False).exists():
            raise not_possible(_("Take the claim on the responsible body back first."))
        if ProxyWork.objects.filter(case=entry.work.case_id, state=ProxyWork.State.OPEN).exists():
            raise not_possible(_("Other proxy work is open in this case."))
        _change(entry.cost, state=CostEntry.State.RETURNED, answer=reason)
        _change(entry.work, state=ProxyWork.State.OPEN, ended_at=None)
    elif entry.kind == EntryKind.RECEIVABLE:
        assert entry.recovery is not None
        if entry.recovery.refunded_fen:
            raise not_possible(_("Take the refunds of this claim back first."))
        _change(entry.recovery, is_cancelled=True)
    elif entry.kind == EntryKind.REFUND:
        assert entry.recovery is not None
        recovery = Recovery.objects.select_for_update(of=("self",)).get(pk=entry.recovery.pk)
        _change(recovery, refunded_fen=recovery.refunded_fen - entry.amount_fen)


def _change(row: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=list(values))


def committed_fen(work: ProxyWork) -> int:
    """Return what is committed for a work now, from the postings: one query."""
    mine = Posting.objects.filter(entry__work=work, account__kind=Kind.COMMITTED)
    return mine.aggregate(total=Sum("amount_fen"))["total"] or 0


def not_oneself(person_id: int | None, actor: User) -> None:
    """Refuse whoever would decide what they entered themselves."""
    if person_id == actor.pk:
        raise same_person(_("You entered this yourself; somebody else must do this."))
