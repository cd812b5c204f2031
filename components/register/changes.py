"""Changes of the register with approval: asked for by one person, decided by another.

A request names the history it saw. When the record changed meanwhile it lapses instead of
overwriting what somebody else did: the one who asked looks at the record as it is and asks again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pghistory
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.roles import APPROVE_CHANGES, PROPOSE_CHANGES, ROLES, Role, may
from common.errors import DomainError
from common.text import clean_json, clean_text
from components.models import Component
from components.register.history import last_event_of
from components.register.models import ComponentChange
from components.register.proposals import Kind, invalid, proposal_read
from components.selectors import NotThere
from components.services import (
    component_merge,
    component_replace,
    component_retire,
    component_update,
)

State = ComponentChange.State
DEPARTMENTS = frozenset({Role.DEPARTMENT_CLERK, Role.DEPARTMENT_HEAD})
MAX_REASON = 300
RELATIONS = ("component__type", "asked_by__organisation", "decided_by", "successor")


class StaleRecord(DomainError):
    """The record changed since the page was made."""

    def __init__(self) -> None:
        super().__init__(
            "stale_version",
            gettext_lazy("The record changed meanwhile. Look at it as it is now."),
            status=409,
        )


def may_propose(user: User, component: Component) -> bool:
    """Tell whether a person may ask for changes of a component.

    A department for what it, or a body below it, answers for; the other posts that have the
    permission for all. The three bodies must be loaded.
    """
    holding = {role for role in user.roles if PROPOSE_CHANGES in ROLES[role].permissions}
    if holding - DEPARTMENTS:
        return True
    if not holding or user.organisation is None:
        return False
    bodies = (component.competent_body, component.owner, component.maintainer)
    return any(body is not None and user.organisation.contains(body) for body in bodies)


@transaction.atomic
def change_ask(
    *,
    actor: User,
    component_id: int,
    kind: str,
    proposed: Mapping[str, Any],
    reason: str,
    now: datetime,
    seen_event: int | None = None,
) -> ComponentChange:
    """Ask for a change of a record; return the request, which waits for somebody else.

    ``seen_event`` is the last entry of the history that the person saw; None takes the present.
    Raise NotThere; DomainError ``role_refused`` 403, ``stale_version`` 409, ``not_possible`` 409
    for a component that ended or has an open request, ``invalid`` and ``missing_field`` 400.
    """
    component = _locked(actor, component_id)
    if not may_propose(actor, component):
        raise DomainError("role_refused", _("You may not do this."), status=403)
    last = last_event_of(component.pk)
    if seen_event is not None and seen_event != last:
        raise StaleRecord
    if component.retired_date is not None:
        raise DomainError("not_possible", _("This component is no longer in use."), status=409)
    if component.change_requests.filter(state=State.OPEN).exists():
        message = _("A change of this component waits for a decision already.")
        raise DomainError("not_possible", message, status=409)
    proposed = clean_json(proposed)
    values = proposal_read(component, kind, proposed, timezone.localdate(now))
    if kind == Kind.MERGE:
        _would_merge(actor, component, values["into"], now)
    return ComponentChange.objects.create(
        component=component,
        kind=kind,
        proposed=dict(proposed),
        reason=_reason(reason),
        seen_event=last,
        asked_by=actor,
        asked_at=now,
    )


def change_approve(
    *, actor: User, change_id: int, now: datetime, answer: str = ""
) -> ComponentChange:
    """Approve a request and do what it says; return it, ``lapsed`` when the record changed.

    Raise NotThere; DomainError ``role_refused`` and ``same_person`` 403, ``not_possible`` 409.
    """
    with transaction.atomic():
        change = _decidable(actor, change_id)
        if _is_outdated(change):
            return _decided(change, State.LAPSED, actor, now, answer)
        with pghistory.context(
            act=change.kind,
            reason=change.reason,
            request=change.pk,
            asked_by=change.asked_by_id,
        ):
            change.successor = _do(change, actor, now)
        return _decided(change, State.APPROVED, actor, now, answer)


@transaction.atomic
def change_refuse(*, actor: User, change_id: int, now: datetime, answer: str) -> ComponentChange:
    """Refuse a request, with a reason; the register stays as it is."""
    change = _decidable(actor, change_id)
    if not clean_text(answer):
        raise DomainError("missing_field", _("Say why."), {"answer": [_("Say why.")]}, status=400)
    return _decided(change, State.REFUSED, actor, now, answer)


@transaction.atomic
def change_withdraw(*, actor: User, change_id: int, now: datetime) -> ComponentChange:
    """Take back a request of one's own."""
    change = _open_change(actor, change_id)
    if change.asked_by_id != actor.pk:
        message = _("Only who asked may withdraw it.")
        raise DomainError("role_refused", message, status=403)
    return _decided(change, State.WITHDRAWN, actor, now, "")


def change_get_visible(*, user: User, change_id: int) -> ComponentChange:
    """Return a request about a component the person may see; raise NotThere."""
    changes = ComponentChange.objects.filter(
        pk=change_id, component__in=Component.objects.visible_to(user)
    )
    change = changes.select_related(*RELATIONS).first()
    if change is None:
        raise NotThere(_("There is no such request."))
    return change


# ── behind the doors ──────────────────────────────────────────────────────────────────────────


def _locked(actor: User, component_id: int) -> Component:
    rows = Component.objects.visible_to(actor).select_for_update(of=("self",))
    related = ("type", "competent_body", "owner", "maintainer")
    component = rows.filter(pk=component_id).select_related(*related).first()
    if component is None:
        raise NotThere(_("There is no such component."))
    return component


def _open_change(actor: User, change_id: int) -> ComponentChange:
    """Lock a request and its component, in this order of the component first; it must be open."""
    component_id = change_get_visible(user=actor, change_id=change_id).component_id
    component = _locked(actor, component_id)
    change = ComponentChange.objects.select_for_update().get(pk=change_id)
    change.component = component
    if change.state != State.OPEN:
        message = _("This request is decided already.")
        raise DomainError("not_possible", message, status=409)
    return change


def _decidable(actor: User, change_id: int) -> ComponentChange:
    if not may(actor.roles, APPROVE_CHANGES):
        change_get_visible(user=actor, change_id=change_id)
        raise DomainError("role_refused", _("You may not do this."), status=403)
    change = _open_change(actor, change_id)
    if change.asked_by_id == actor.pk:
        message = _("Somebody else must decide what you asked for.")
        raise DomainError("same_person", message, status=403)
    return change


def _is_outdated(change: ComponentChange) -> bool:
    return last_event_of(change.component_id) != change.seen_event


def _decided(
    change: ComponentChange, state: str, actor: User, now: datetime, answer: str
) -> ComponentChange:
    change.state, change.decided_by, change.decided_at = state, actor, now
    change.answer = clean_text(answer)[:MAX_REASON]
    change.save()
    return change


def _do(change: ComponentChange, actor: User, now: datetime) -> Component | None:
    """Bring a request into the register; return what stands there instead, if anything does."""
    component, today = change.component, timezone.localdate(now)
    values = proposal_read(component, change.kind, change.proposed, today)
    common: dict[str, Any] = {"actor": actor, "component_id": component.pk, "on": today}
    if change.kind in (Kind.CHANGE, Kind.MOVE):
        component_update(**common, **values)
        return None
    if change.kind == Kind.RETIRE:
        component_retire(**common)
        return None
    if change.kind == Kind.REPLACE:
        return component_replace(**common, **values)
    return component_merge(**common, into_id=values["into"].pk)


def _would_merge(actor: User, component: Component, into: Component, now: datetime) -> None:
    """Refuse at once what could not be merged: try it, and take it back."""
    with transaction.atomic():
        on = timezone.localdate(now)
        component_merge(actor=actor, component_id=component.pk, into_id=into.pk, on=on)
        transaction.set_rollback(True)


def _reason(raw: str) -> str:
    reason = clean_text(raw) if isinstance(raw, str) else ""
    if not reason:
        raise DomainError("missing_field", _("Say why."), {"reason": [_("Say why.")]}, status=400)
    if len(reason) > MAX_REASON:
        raise invalid("reason", _("At most %(most)d characters.") % {"most": MAX_REASON})
    return reason
