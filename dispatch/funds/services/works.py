"""A work begins with the leader's approval and ends with its charge or its release.

The first follows the door, inside its transaction: no approval without the money, and no money
held for a squad that was taken off the case.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import BOOK_FUNDS
from cases.errors import not_possible
from cases.models import Case
from cases.services.context import Act
from cases.workflow import Asks, RequestKind, State
from dispatch.funds.errors import FundNotFound
from dispatch.funds.models import CostEntry, EntryKind, Fund, ProxyWork
from dispatch.funds.selectors import works_visible_to
from dispatch.funds.services.books import (
    committed_fen,
    entry_book,
    require,
    written,
    year_lock,
    year_of,
)

# How a case may end without the squad having been called off.
ENDED_WELL = State.CLOSED.value


def case_followed(*, act: Act, **_kwargs: Any) -> None:
    """Open a work when one is approved; release those whose squad no longer has the case.

    Raises:
        DomainError: ``no_book``, ``year_closed``, ``not_enough_money``, ``not_possible`` 409.
    """
    if act.arrow.request == (Asks.APPROVE, RequestKind.PROXY):
        if "order_squad" not in act.arrow.effects:  # one of several has agreed
            return
        _case_released(act)
        _work_open(act)
        return
    lost_it = act.before["department"] not in (None, act.case.department_id)
    ended_ill = not act.case.is_open and act.case.state != ENDED_WELL
    if lost_it or (ended_ill and act.case.department_id is not None):
        _case_released(act)


def _work_open(act: Act) -> None:
    """Commit the estimate out of the fund that pays for the place of the case.

    A city that keeps no fund sends its squads all the same, and nothing is booked.
    """
    request, case = act.decided, act.case
    assert request is not None
    fund = fund_for(case)
    estimate = request.details.get("estimate_fen")
    if fund is None or not isinstance(estimate, int):
        return
    year = year_of(fund, act.now)
    work = ProxyWork.objects.create(
        case=case,
        run=case.run,
        request=request,
        squad_id=request.details["squad_id"],
        year=year,
        estimate_fen=estimate,
        opened_at=act.now,
    )
    entry_book(
        year=year,
        kind=EntryKind.COMMITMENT,
        amount_fen=estimate,
        work=work,
        actor=act.actor,
        now=act.now,
    )


def fund_for(case: Case) -> Fund | None:
    """Return the fund that pays in the district of a case, else the city's: one query."""
    funds = Fund.objects.filter(city=case.city_id, is_active=True)
    own = funds.filter(district=case.district_id) | funds.filter(district=None)
    return own.order_by(F("district").asc(nulls_last=True)).first()


def _case_released(act: Act) -> None:
    """Release the open work of a case; those charged already stay charged."""
    works = ProxyWork.objects.select_for_update(of=("self",))
    for work in works.filter(case=act.case.pk, state=ProxyWork.State.OPEN):
        _release(work, actor=act.actor, now=act.now, note="")


@transaction.atomic
def work_release(*, actor: User, work_id: int, reason: str, now: datetime) -> ProxyWork:
    """Give the commitment back where nothing is to be paid.

    Raises:
        DomainError: ``role_refused`` 403, ``not_found`` 404, ``missing_field`` 400,
            ``not_possible`` while a cost waits or once it has ended, 409.
    """
    work = work_lock(actor, work_id)
    require(actor, BOOK_FUNDS)
    text = written("reason", reason)
    must_be_open(work)
    if current_cost(work) is not None:
        raise not_possible(_("A cost was entered: return it first."))
    _release(work, actor=actor, now=now, note=text)
    return work


def _release(work: ProxyWork, *, actor: User | None, now: datetime, note: str) -> None:
    held = committed_fen(work)
    if held:
        entry_book(
            year=year_lock(work.year_id),
            kind=EntryKind.RELEASE,
            amount_fen=held,
            work=work,
            actor=actor,
            now=now,
            note=note,
        )
    cost = current_cost(work)
    if cost is not None:
        cost.state = CostEntry.State.ENDED
        cost.save(update_fields=["state"])
    work.state, work.ended_at = ProxyWork.State.RELEASED, now
    work.save(update_fields=["state", "ended_at"])


def work_lock(actor: User, work_id: int) -> ProxyWork:
    """Return a work this person may see, locked after its case, as the door locks them.

    Raises:
        FundNotFound: 404.
    """
    rows = works_visible_to(actor).filter(pk=work_id)
    case_id = rows.values_list("case_id", flat=True).first()
    if case_id is None:
        raise FundNotFound
    Case.objects.select_for_update(of=("self",), no_key=True).get(pk=case_id)
    locked = ProxyWork.objects.select_for_update(of=("self",))
    return locked.select_related("case__desk", "squad", "year__fund").get(pk=work_id)


def must_be_open(work: ProxyWork) -> None:
    """Refuse what comes after the end of a work."""
    if work.state == ProxyWork.State.CHARGED:
        raise not_possible(_("This work was charged already."))
    if work.state != ProxyWork.State.OPEN:
        raise not_possible(_("This work has ended; its commitment was released."))


def current_cost(work: ProxyWork) -> CostEntry | None:
    """Return the cost entry of a work that counts: neither returned nor ended."""
    states = (CostEntry.State.RETURNED, CostEntry.State.ENDED)
    return work.costs.exclude(state__in=states).first()
