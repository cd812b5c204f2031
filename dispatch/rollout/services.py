"""Switching desks on and off: one act, previewed, written down, undone by the opposite act.

A switch sets the desk first and moves cases afterwards, one by one through the door, so that a
worker killed in between loses nothing: ``desks_settle`` goes on where it stopped, and also brings
home whatever else is found at a desk that does not work.
"""

from __future__ import annotations

from datetime import date, datetime

from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from accounts.roles import Role
from cases.desks import city_desk
from cases.errors import invalid, role_refused
from cases.models import Case
from cases.services import case_act
from common.errors import DomainError, refusal_of
from dispatch.models import DeskSwitch
from dispatch.rollout.selectors import cases_to_take, desk_get, stranded_cases

MOST_AT_ONCE = 500  # cases one call moves; the rest waits for the next


class SwitchRefused(DomainError):
    """The desk is so already, or another switch of it is planned."""


def desk_switch(
    *, actor: User, code: str, is_on: bool, from_date: date, now: datetime, note: str = ""
) -> DeskSwitch:
    """Let a desk work from a day on, or no longer; today at once, a later day when it comes.

    Raises:
        NoSuchDesk: 404. ActionRefused: 403 for others than administrators, 400 for a day gone by.
        SwitchRefused: 409, nothing would change or another switch is planned.
    """
    if Role.ADMINISTRATOR not in actor.roles:
        raise role_refused()
    today = timezone.localdate(now)
    if from_date < today:
        raise invalid("from_date", _("This day has gone by."))
    with transaction.atomic():
        desk = _locked(desk_get(user=actor, code=code))
        if desk.has_dispatch_desk == is_on:
            raise SwitchRefused("not_possible", _("This desk is so already."), status=409)
        if is_on and not desk.jurisdictions.valid_on(today).filter(function="dispatch").exists():
            message = _("This desk has no ground: say first where it dispatches.")
            raise SwitchRefused("not_possible", message, status=409)
        switch = _write(
            DeskSwitch(
                organisation=desk,
                is_on=is_on,
                effective_date=from_date,
                note=note[:200],
                asked_by=actor,
                asked_at=now,
            )
        )
        if from_date == today:
            _apply(switch, now)
    if switch.applied_at:
        desks_settle(now=now)
        switch.refresh_from_db()
    return switch


def _locked(desk: Organisation) -> Organisation:
    return Organisation.objects.select_for_update().get(pk=desk.pk)


def _write(switch: DeskSwitch) -> DeskSwitch:
    try:
        with transaction.atomic():
            switch.save(force_insert=True)
    except IntegrityError as error:
        message = _("Another switch of this desk is planned: withdraw it first.")
        raise SwitchRefused("not_possible", message, status=409) from error
    return switch


def _apply(switch: DeskSwitch, now: datetime) -> None:
    Organisation.objects.filter(pk=switch.organisation_id).update(has_dispatch_desk=switch.is_on)
    switch.applied_at = now
    switch.save(update_fields=["applied_at"])


@transaction.atomic
def switch_withdraw(*, actor: User, switch_id: int, now: datetime) -> DeskSwitch:
    """Take back a switch whose day has not come."""
    if Role.ADMINISTRATOR not in actor.roles:
        raise role_refused()
    rows = DeskSwitch.objects.select_for_update().filter(
        pk=switch_id, organisation__city=actor.city_id, applied_at=None, withdrawn_at=None
    )
    switch = rows.first()
    if switch is None:
        raise SwitchRefused("not_possible", _("No such switch is planned."), status=409)
    switch.withdrawn_at, switch.withdrawn_by = now, actor
    switch.save(update_fields=["withdrawn_at", "withdrawn_by"])
    return switch


def desks_settle(*, now: datetime) -> int:
    """Apply the switches whose day has come and move what goes with them; return how many moved.

    Repeatable at any time: what has moved is not found again.
    """
    _apply_due(now)
    moved = 0
    for switch in DeskSwitch.objects.filter(
        applied_at__isnull=False, settled_at__isnull=True
    ).select_related("organisation"):
        moved += _settle(switch, now, MOST_AT_ONCE - moved)
    return moved + _bring_home(now, MOST_AT_ONCE - moved)


def _apply_due(now: datetime) -> None:
    with transaction.atomic():
        due = DeskSwitch.objects.select_for_update(skip_locked=True).filter(
            applied_at=None, withdrawn_at=None, effective_date__lte=timezone.localdate(now)
        )
        for switch in due.order_by("pk"):
            _apply(switch, now)


def _settle(switch: DeskSwitch, now: datetime, most: int) -> int:
    """Move the cases of one switch; the desk may have been switched again meanwhile."""
    desk = switch.organisation
    is_current = desk.has_dispatch_desk == switch.is_on
    cases = cases_to_take(desk, timezone.localdate(now), is_on=switch.is_on) if is_current else []
    target = desk if switch.is_on else city_desk(desk.city_id)
    moved = sum(_move(case, target, now, switch) for case in cases[: max(most, 0)])
    with transaction.atomic():
        row = DeskSwitch.objects.select_for_update().get(pk=switch.pk)
        row.moved_count += moved
        if len(cases) <= most and row.settled_at is None:
            row.settled_at = now
        row.save(update_fields=["moved_count", "settled_at"])
    return moved


def _bring_home(now: datetime, most: int) -> int:
    """Give the city's desk what is at a desk that does not work, whatever brought it there."""
    stranded = stranded_cases().select_related("desk").order_by("pk")[: max(most, 0)]
    return sum(_move(case, city_desk(case.city_id), now, None) for case in stranded)


def _move(case: Case, desk: Organisation | None, now: datetime, switch: DeskSwitch | None) -> bool:
    """Move one case as it was found; what somebody acted on in between is looked at again later."""
    if desk is None:
        return False
    try:
        with transaction.atomic():
            case_act(
                case_id=case.pk,
                action="move_desk",
                actor=None,
                now=now,
                version=case.version,
                desk=desk.code,
                switch=switch.pk if switch else None,
            )
    except (DomainError, OperationalError) as error:
        if refusal_of(error) is None:
            raise
        return False
    return True
