"""Proposing another time limit, and deciding on it: nothing in force changes by a proposal.

Who oversees evaluation proposes, on figures; an administrator, never the same person, puts the
version in force from a day to come, or rejects it with an answer. Cases filed before keep theirs.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import Role
from common.errors import DomainError
from common.text import clean_text
from components.models import CaseStandard
from components.services import standard_revise
from evaluation.models import LimitProposal

PROPOSERS = frozenset({Role.SHIFT_SUPERVISOR, Role.INSPECTOR, Role.LEADER})
DECIDERS = frozenset({Role.ADMINISTRATOR})
State = LimitProposal.State
MAX_TEXT = 500


def _refuse(code: str, message: Any, status: int) -> DomainError:
    return DomainError(code, message, status=status)


def _text(text: str, message: Any) -> str:
    found = clean_text(text)[:MAX_TEXT]
    if not found:
        raise DomainError("missing_field", message, {"reason": [message]})
    return found


@transaction.atomic
def limit_propose(
    *,
    actor: User,
    standard: CaseStandard,
    zone_grade: str,
    limit_value: Decimal,
    reason: str,
    figures: dict[str, Any],
    now: datetime,
) -> LimitProposal:
    """Keep another limit as a draft, with what it rests on.

    ``zone_grade`` is the standard's own, or one of those that a standard for all zones covers.
    Raise DomainError: ``role_refused`` 403, ``missing_field`` 400 without a reason, ``invalid`` 400
    for the limit that holds already, ``not_possible`` 409 when one waits or the standard has ended.
    """
    if not actor.roles & PROPOSERS:
        raise _refuse("role_refused", _("You may not do this."), 403)
    reason = _text(reason, _("Say why the limit should be another."))
    held = CaseStandard.objects.select_for_update().get(pk=standard.pk)
    if held.valid_to is not None or held.zone_grade not in ("", zone_grade):
        raise _refuse("not_possible", _("This standard is no longer in force."), 409)
    if limit_value == held.limit_value and zone_grade == held.zone_grade:
        raise _refuse("invalid", _("This limit holds already."), 400)
    drafts = LimitProposal.objects.filter(standard=held, zone_grade=zone_grade, state=State.DRAFT)
    if drafts.exists():
        raise _refuse("not_possible", _("A proposal for this limit waits already."), 409)
    return LimitProposal.objects.create(
        standard=held,
        zone_grade=zone_grade,
        limit_value=limit_value,
        limit_unit=held.limit_unit,
        reason=reason,
        figures=figures,
        proposed_by=actor,
        proposed_at=now,
    )


@transaction.atomic
def proposal_put_in_force(
    *, actor: User, proposal_id: int, on: date, now: datetime
) -> LimitProposal:
    """Make the draft a version of its standard from a day to come.

    Raise DomainError: ``role_refused`` and ``same_person`` 403, ``not_found`` 404, ``invalid`` 400
    for a day that is not to come, ``not_possible`` 409 when decided or the standard has changed.
    """
    proposal = _draft(actor, proposal_id)
    if on <= timezone.localdate(now):
        raise _refuse("invalid", _("A limit begins on a day still to come."), 400)
    standard = CaseStandard.objects.select_for_update().get(pk=proposal.standard_id)
    if standard.valid_to is not None:
        raise _refuse("not_possible", _("This standard is no longer in force."), 409)
    if proposal.zone_grade == standard.zone_grade:
        changes = {"limit_value": proposal.limit_value, "limit_unit": proposal.limit_unit}
        proposal.version = standard_revise(standard_id=standard.pk, on=on, **changes)
    else:
        proposal.version = _for_one_grade(standard, proposal, on)
    return _decided(proposal, State.IN_FORCE, actor, "", now)


def _for_one_grade(standard: CaseStandard, proposal: LimitProposal, on: date) -> CaseStandard:
    """Set a limit of its own for one zone grade; the standard goes on in the others."""
    same = CaseStandard.objects.filter(
        type=standard.type_id,
        profile=standard.profile,
        condition=standard.condition,
        zone_grade=proposal.zone_grade,
    )
    if same.filter(valid_to__isnull=True).exists() or same.filter(valid_to__gt=on).exists():
        raise _refuse("not_possible", _("Zones of this grade have a limit of their own."), 409)
    standard.pk, standard.valid_from, standard.zone_grade = None, on, proposal.zone_grade
    standard.limit_value, standard.limit_unit = proposal.limit_value, proposal.limit_unit
    standard._state.adding = True
    standard.save()
    return standard


@transaction.atomic
def proposal_reject(*, actor: User, proposal_id: int, answer: str, now: datetime) -> LimitProposal:
    """Leave the limit as it is, with an answer.

    Raise DomainError: ``role_refused`` and ``same_person`` 403, ``not_found`` 404, ``not_possible``
    409 when decided, ``missing_field`` 400 without an answer.
    """
    proposal = _draft(actor, proposal_id)
    answer = _text(answer, _("Say why the limit stays."))
    return _decided(proposal, State.REJECTED, actor, answer, now)


def _draft(actor: User, proposal_id: int) -> LimitProposal:
    if not actor.roles & DECIDERS:
        raise _refuse("role_refused", _("You may not do this."), 403)
    rows = LimitProposal.objects.select_for_update(of=("self",))
    proposal = rows.filter(pk=proposal_id).first()
    if proposal is None:
        raise _refuse("not_found", _("There is no such proposal."), 404)
    if proposal.state != State.DRAFT:
        message = _("Somebody has decided this proposal in the meantime.")
        raise _refuse("not_possible", message, 409)
    if proposal.proposed_by_id == actor.pk:
        raise _refuse("same_person", _("Who proposed it may not decide on it."), 403)
    return proposal


def _decided(
    proposal: LimitProposal, state: str, actor: User, answer: str, now: datetime
) -> LimitProposal:
    proposal.state, proposal.answer = state, answer
    proposal.decided_by, proposal.decided_at = actor, now
    proposal.save()
    return proposal
