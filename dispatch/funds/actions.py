"""What may be done to a work, by whom, as a table: buttons, forms and calls follow from it.

Whether somebody may is decided by the services; ``is_offered`` spares the reader the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from accounts.roles import BOOK_FUNDS, CHECK_COSTS, Role, may
from common.money import money_text
from common.templatetags.ui import named
from dispatch.funds import forms
from dispatch.funds.models import CostEntry, ProxyThreshold, ProxyWork
from dispatch.funds.rules import threshold_for
from dispatch.funds.selectors import WORK_DONE, WorkFile, holds_desk, is_of_squad
from dispatch.funds.services.charges import FOUND_GOOD, recovery_open, refund_book, work_charge
from dispatch.funds.services.costs import cost_approve, cost_check, cost_enter, cost_return
from dispatch.funds.services.quotes import quote_accept
from dispatch.funds.services.works import work_release

Run = Callable[[User, ProxyWork, dict[str, Any], datetime], Any]


@dataclass(frozen=True, slots=True)
class WorkAction:
    """One thing to do: its words, its form, whom it is offered, the service it calls."""

    label: str | Promise
    icon: str
    is_offered: Callable[[WorkFile, User], bool]
    run: Run
    form: type[forms.FundForm] = forms.NothingForm
    choices: Callable[[WorkFile], dict[str, Any]] = lambda file: {}
    is_primary: bool = False
    is_danger: bool = False
    consequence: str | Promise = ""


def _is_open(file: WorkFile) -> bool:
    return file.work.state == ProxyWork.State.OPEN


def _may_accept(file: WorkFile, user: User) -> bool:
    own = [row for row in file.quotes if row.bidder_id == file.work.squad_id]
    if not own or not _is_open(file) or file.cost is not None:
        return False
    if own[0].work_id == file.work.pk or own[0].entered_by_id == user.pk:
        return False
    accepter = threshold_for(file.thresholds, own[0].amount_fen).accepted_by
    is_small = accepter == ProxyThreshold.Accepter.DISPATCHER
    return Role.LEADER in user.roles or (is_small and holds_desk(user, file.work.case))


def _may_enter(file: WorkFile, user: User) -> bool:
    work = file.work
    return (
        _is_open(file)
        and file.cost is None
        and file.accepted is not None
        and work.case.state in WORK_DONE
        and (is_of_squad(user, work.squad) or holds_desk(user, work.case))
    )


def _is_other(file: WorkFile, user: User) -> bool:
    """Neither who entered the cost nor of the squad that did the work."""
    cost = file.cost
    return (
        cost is not None
        and cost.entered_by_id != user.pk
        and not is_of_squad(user, file.work.squad)
    )


def _waits(file: WorkFile, *states: str) -> bool:
    return _is_open(file) and file.cost is not None and file.cost.state in states


def _may_return(file: WorkFile, user: User) -> bool:
    states = (CostEntry.State.TO_APPROVE, CostEntry.State.TO_CHECK, CostEntry.State.CHECKED)
    decides = may(user.roles, CHECK_COSTS) or Role.LEADER in user.roles
    return decides and _waits(file, *states) and _is_other(file, user)


def _may_charge(file: WorkFile, user: User) -> bool:
    return (
        may(user.roles, BOOK_FUNDS)
        and _waits(file, CostEntry.State.CHECKED)
        and _is_other(file, user)
        and file.cost is not None
        and file.cost.checked_by_id != user.pk
        and file.work.case.state in FOUND_GOOD
    )


def _quote_choices(file: WorkFile) -> dict[str, Any]:
    own = [row for row in file.quotes if row.bidder_id == file.work.squad_id]
    return {
        "quotes": [(row.pk, f"{named(row.bidder)} · {money_text(row.amount_fen)}") for row in own]
    }


def _debtors(file: WorkFile) -> dict[str, Any]:
    kinds = (
        Organisation.Kind.DEPARTMENT,
        Organisation.Kind.ENTERPRISE,
        Organisation.Kind.STREET,
        Organisation.Kind.COMMUNITY,
    )
    bodies = Organisation.objects.filter(
        city=file.work.case.city_id, is_active=True, kind__in=kinds
    )
    paid = file.cost.amount_fen if file.cost else 0
    return {"debtors": bodies.select_related("parent"), "paid_fen": paid}


WORK_ACTIONS: dict[str, WorkAction] = {
    "accept": WorkAction(
        _("Accept a quote"),
        "check",
        _may_accept,
        lambda user, work, data, now: quote_accept(
            actor=user, work_id=work.pk, quote_id=data["quote"], reason=data["reason"], now=now
        ),
        forms.AcceptForm,
        _quote_choices,
        is_primary=True,
        consequence=_("The fund keeps this amount for the work."),
    ),
    "cost": WorkAction(
        _("Enter the cost"),
        "edit",
        _may_enter,
        lambda user, work, data, now: cost_enter(
            actor=user,
            work_id=work.pk,
            items=data["items"],
            photo_ids=data["photos"],
            note=data["note"],
            now=now,
        ),
        forms.CostForm,
        is_primary=True,
    ),
    "approve": WorkAction(
        _("Approve the overrun"),
        "check",
        lambda file, user: (
            Role.LEADER in user.roles
            and _waits(file, CostEntry.State.TO_APPROVE)
            and _is_other(file, user)
        ),
        lambda user, work, data, now: cost_approve(actor=user, work_id=work.pk, now=now),
        is_primary=True,
        consequence=_("The cost lies further above the quote than the rules allow."),
    ),
    "check": WorkAction(
        _("Cost is right"),
        "check",
        lambda file, user: (
            may(user.roles, CHECK_COSTS)
            and _waits(file, CostEntry.State.TO_CHECK)
            and _is_other(file, user)
        ),
        lambda user, work, data, now: cost_check(actor=user, work_id=work.pk, now=now),
        is_primary=True,
        consequence=_("You have compared the items with the evidence."),
    ),
    "return": WorkAction(
        _("Return the cost"),
        "arrow-back-up",
        _may_return,
        lambda user, work, data, now: cost_return(
            actor=user, work_id=work.pk, reason=data["reason"], now=now
        ),
        forms.ReasonForm,
    ),
    "charge": WorkAction(
        _("Charge to the fund"),
        "cash",
        _may_charge,
        lambda user, work, data, now: work_charge(actor=user, work_id=work.pk, now=now),
        is_primary=True,
        consequence=_("The cost is paid out of the fund; what was committed beyond it is free."),
    ),
    "release": WorkAction(
        _("Release the commitment"),
        "arrow-back-up",
        lambda file, user: may(user.roles, BOOK_FUNDS) and _is_open(file) and file.cost is None,
        lambda user, work, data, now: work_release(
            actor=user, work_id=work.pk, reason=data["reason"], now=now
        ),
        forms.ReasonForm,
        is_danger=True,
        consequence=_("Nothing can be charged for this work afterwards."),
    ),
    "recover": WorkAction(
        _("Claim from the body responsible"),
        "building",
        lambda file, user: (
            may(user.roles, BOOK_FUNDS)
            and file.work.state == ProxyWork.State.CHARGED
            and file.recovery is None
        ),
        lambda user, work, data, now: recovery_open(
            actor=user,
            work_id=work.pk,
            debtor=data["debtor"],
            amount_fen=data["amount"],
            reason=data["reason"],
            now=now,
        ),
        forms.ClaimForm,
        _debtors,
    ),
    "refund": WorkAction(
        _("Book a refund"),
        "cash",
        lambda file, user: (
            may(user.roles, BOOK_FUNDS) and file.recovery is not None and file.recovery.open_fen > 0
        ),
        lambda user, work, data, now: refund_book(
            actor=user, work_id=work.pk, amount_fen=data["amount"], note=data["note"], now=now
        ),
        forms.AmountForm,
    ),
}


def offered_actions(file: WorkFile, user: User) -> dict[str, WorkAction]:
    """Return what somebody may do to a work now, by name, in the order of the table."""
    return {name: each for name, each in WORK_ACTIONS.items() if each.is_offered(file, user)}
