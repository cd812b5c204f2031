"""Quotes: offered by squads and contractors, compared, one accepted; the commitment follows."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from accounts.roles import Role
from cases.errors import invalid, not_possible, role_refused, same_person
from cases.models import ApprovalRequest, Case
from cases.workflow import RequestKind
from common.rows import one_or_none
from dispatch.funds.errors import FundNotFound
from dispatch.funds.models import EntryKind, ProxyThreshold, ProxyWork, Quote
from dispatch.funds.rules import threshold_for
from dispatch.funds.selectors import holds_desk, is_of_squad
from dispatch.funds.services.books import (
    committed_fen,
    entry_book,
    not_oneself,
    written,
    year_lock,
)
from dispatch.funds.services.works import current_cost, must_be_open, work_lock


@transaction.atomic
def quote_offer(
    *, actor: User, case_number: str, bidder: str, amount_fen: int, note: str, now: datetime
) -> Quote:
    """Enter what a squad or contractor would do the work for.

    The squad that has the case enters its own; the dispatcher of the case's desk enters what others
    said by telephone or on paper. A later quote of the same bidder replaces the earlier one.

    Raises:
        DomainError: ``not_found`` 404, ``role_refused`` 403, ``invalid`` 400, ``not_possible`` 409.
    """
    case = _case_lock(actor, case_number)
    body = one_or_none(
        Organisation.objects.filter(
            code=bidder, city=case.city_id, kind=Organisation.Kind.SQUAD, is_active=True
        )
    )
    if not holds_desk(actor, case) and not (body and is_of_squad(actor, body)):
        raise role_refused()
    if body is None:
        raise invalid("bidder", _("There is no such squad."))
    if amount_fen <= 0:
        raise invalid("amount", _("An amount must be above zero."))
    _must_be_asked_for(case)
    earlier = Quote.objects.filter(case=case, run=case.run, bidder=body)
    if earlier.filter(state=Quote.State.ACCEPTED, work__state=ProxyWork.State.OPEN).exists():
        raise not_possible(_("The quote of this squad was accepted already."))
    earlier.exclude(state=Quote.State.REPLACED).update(state=Quote.State.REPLACED)
    return Quote.objects.create(
        case=case,
        run=case.run,
        bidder=body,
        amount_fen=amount_fen,
        note=written("note", note, is_required=False),
        entered_by=actor,
        entered_at=now,
    )


def _case_lock(actor: User, number: str) -> Case:
    rows = Case.objects.visible_to(actor, from_case=True).filter(number=number)
    case = rows.select_for_update(of=("self",)).select_related("desk").first()
    if case is None:
        raise FundNotFound
    return case


def _must_be_asked_for(case: Case) -> None:
    asked = ApprovalRequest.objects.filter(
        case=case, kind=RequestKind.PROXY, status=ApprovalRequest.Status.OPEN
    )
    works = ProxyWork.objects.filter(case=case, state=ProxyWork.State.OPEN)
    if not asked.exists() and not works.exists():
        raise not_possible(_("Nobody has asked for proxy work in this case."))


@transaction.atomic
def quote_accept(
    *, actor: User, quote_id: int, work_id: int, reason: str, now: datetime
) -> ProxyWork:
    """Accept the quote of the squad that has the case: the commitment becomes the quote.

    How many quotes must have been compared, and who accepts, is the threshold's to say. Where it is
    not the lowest, the reason is kept.

    Raises:
        DomainError: ``not_found`` 404, ``role_refused``, ``same_person`` 403, ``missing_field``
            400, ``not_possible``, ``not_enough_money`` 409.
    """
    work = work_lock(actor, work_id)
    offered = Quote.objects.filter(case=work.case, run=work.run).exclude(state=Quote.State.REPLACED)
    quotes = list(offered.select_for_update(of=("self",)).select_related("bidder"))
    quote = next((row for row in quotes if row.pk == quote_id), None)
    if quote is None:
        raise FundNotFound
    threshold = threshold_for(
        ProxyThreshold.objects.filter(city=work.case.city_id), quote.amount_fen
    )
    _may_accept(actor, work, threshold.accepted_by)
    must_be_open(work)
    if current_cost(work) is not None:
        raise not_possible(_("A cost was entered already."))
    if quote.bidder_id != work.squad_id:
        raise not_possible(_("This quote is of another squad than the one that has the case."))
    if quote.work_id == work.pk:
        raise not_possible(_("This quote was accepted already."))
    not_oneself(quote.entered_by_id, actor)
    if is_of_squad(actor, quote.bidder):
        raise same_person(_("Your organisation made this quote; another one must accept it."))
    if len(quotes) < threshold.quote_count:
        message = _("Of this size %(wanted)s quotes are compared; there are %(there)s.")
        raise not_possible(message % {"wanted": threshold.quote_count, "there": len(quotes)})
    lowest = min(row.amount_fen for row in quotes)
    text = written("reason", reason, is_required=quote.amount_fen > lowest)
    quote.state, quote.work = Quote.State.ACCEPTED, work
    quote.reason = text if quote.amount_fen > lowest else ""
    quote.accepted_by, quote.accepted_at = actor, now
    quote.save(update_fields=["state", "work", "reason", "accepted_by", "accepted_at"])
    _commit_to(work, quote.amount_fen, actor, now)
    return work


def _may_accept(actor: User, work: ProxyWork, accepter: str) -> None:
    is_leader = Role.LEADER in actor.roles
    is_small = accepter == ProxyThreshold.Accepter.DISPATCHER
    if not is_leader and not (is_small and holds_desk(actor, work.case)):
        if holds_desk(actor, work.case):
            raise role_refused(_("A quote of this size is the leader's to accept."))
        raise role_refused()


def _commit_to(work: ProxyWork, amount_fen: int, actor: User, now: datetime) -> None:
    """Commit more, or release some, until just this much is committed."""
    difference = amount_fen - committed_fen(work)
    if difference:
        entry_book(
            year=year_lock(work.year_id),
            kind=EntryKind.COMMITMENT if difference > 0 else EntryKind.RELEASE,
            amount_fen=abs(difference),
            work=work,
            actor=actor,
            now=now,
        )
