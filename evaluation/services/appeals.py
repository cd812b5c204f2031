"""Appeals (申诉): filed by the department, decided by the centre, undone by a reversal.

An upheld appeal takes the fact away (−1) and puts its corrected copy in place (+1): charged to
whom the centre names, or to nobody; or in time. The fact itself stays. A reversal adds the same
entries with the other sign, so that figures are what they were.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from accounts.roles import Role
from cases.models import Case
from common.errors import DomainError
from common.text import clean_text
from evaluation.indicators import INDICATORS
from evaluation.models import Appeal, CounterEntry, Fact
from evaluation.models.facts import FactColumns
from evaluation.periods import Period, PeriodKind
from evaluation.selectors.figures import figures
from evaluation.selectors.scope import EVERYWHERE
from evaluation.services.publishing import policy_of
from evaluation.story import FactKind

State, Kind = Appeal.State, Appeal.Kind
FILERS = frozenset({Role.DEPARTMENT_CLERK, Role.DEPARTMENT_HEAD})
DECIDERS = frozenset({Role.INSPECTOR, Role.LEADER})
APPEALABLE = frozenset(  # what is charged to a department
    {FactKind.HANDLE, FactKind.REWORKED, FactKind.RETURNED, FactKind.EXTENDED, FactKind.SUSPENDED}
)
SHOWN = ("handling_due", "handled_in_time", "handling_in_time_rate", "reworked")
COLUMNS = [field.attname for field in FactColumns._meta.get_fields() if hasattr(field, "attname")]
MAX_REASON = 500


def _refuse(code: str, message: Any, status: int) -> DomainError:
    return DomainError(code, message, status=status)


def may_appeal(user: User, fact: Fact) -> bool:
    """Tell whether somebody may appeal on a fact: of their own department, or one below it."""
    body = user.organisation
    return bool(
        user.roles & FILERS
        and body is not None
        and fact.organisation is not None
        and body.contains(fact.organisation)
        and fact.kind in APPEALABLE
    )


@transaction.atomic
def appeal_file(*, actor: User, fact_id: int, kind: str, reason: str, now: datetime) -> Appeal:
    """File an appeal on a fact; returns it, open.

    Raise DomainError: ``not_found`` 404 for what is not the department's, ``not_possible`` 409
    when the days for it are over, when an appeal is open or upheld already, or of what was not
    late; ``invalid`` and ``missing_field`` 400.
    """
    fact = Fact.objects.select_related("organisation").filter(pk=fact_id).first()
    if fact is None or not may_appeal(actor, fact):
        raise _refuse("not_found", _("There is no such entry."), 404)
    # Two at once come one by one; the fact itself is written once, so that nobody may lock it.
    Case.objects.select_for_update(of=("self",)).get(pk=fact.case_id)
    if kind not in Kind.values:
        raise _refuse("invalid", _("Say what is wrong with the entry."), 400)
    reason = clean_text(reason)[:MAX_REASON]
    if not reason:
        raise _refuse("missing_field", _("An appeal needs its reasons."), 400)
    if kind == Kind.NOT_LATE and not fact.is_late:
        raise _refuse("not_possible", _("It was not late."), 409)
    days = policy_of(Period.of(PeriodKind.DAY, fact.day)).appeal_days
    if timezone.localdate(now) > fact.day + timedelta(days=days):
        raise _refuse("not_possible", _("The days in which to appeal are over."), 409)
    if fact.appeals.filter(state__in=[State.OPEN, State.UPHELD]).exists():
        raise _refuse("not_possible", _("There is an appeal on this entry already."), 409)
    return Appeal.objects.create(
        fact=fact,
        organisation=actor.organisation,
        kind=kind,
        reason=reason,
        filed_by=actor,
        filed_at=now,
    )


@transaction.atomic
def appeal_decide(
    *,
    actor: User,
    appeal_id: int,
    uphold: bool,
    answer: str,
    now: datetime,
    charged_to: Organisation | None = None,
) -> Appeal:
    """Uphold or reject an appeal; what that changes is kept with it, before and after.

    Raise DomainError: ``role_refused`` and ``same_person`` 403 (neither who filed it nor anybody of
    that organisation), ``not_found`` 404, ``not_possible`` 409 when decided, ``missing_field`` 400.
    """
    appeal = _decidable(actor, appeal_id, State.OPEN)
    appeal.answer = clean_text(answer)[:MAX_REASON]
    if not appeal.answer:
        raise _refuse("missing_field", _("A decision needs its reasons."), 400)
    if uphold:
        if charged_to is not None and charged_to.pk == appeal.fact.organisation_id:
            raise _refuse("invalid", _("It is charged to this body already."), 400)
        before = _shown(appeal.fact, now)
        appeal.charged_to = charged_to if appeal.kind == Kind.NOT_OURS else None
        _enter(appeal, sign=1)
        appeal.effect = {"before": before, "after": _shown(appeal.fact, now)}
    appeal.state = State.UPHELD if uphold else State.REJECTED
    appeal.decided_by, appeal.decided_at = actor, now
    appeal.save()
    return appeal


@transaction.atomic
def appeal_reverse(*, actor: User, appeal_id: int, now: datetime) -> Appeal:
    """Undo an upheld appeal: everything counts as before.

    Raise DomainError as ``appeal_decide``.
    """
    appeal = _decidable(actor, appeal_id, State.UPHELD)
    _enter(appeal, sign=-1)
    appeal.state = State.REVERSED
    appeal.reversed_by, appeal.reversed_at = actor, now
    appeal.save()
    return appeal


def _decidable(actor: User, appeal_id: int, state: str) -> Appeal:
    if not actor.roles & DECIDERS:
        raise _refuse("role_refused", _("You may not do this."), 403)
    rows = Appeal.objects.select_for_update(of=("self",)).select_related("fact", "organisation")
    appeal = rows.filter(pk=appeal_id).first()
    if appeal is None:
        raise _refuse("not_found", _("There is no such appeal."), 404)
    is_same = appeal.filed_by_id == actor.pk or appeal.organisation_id == actor.organisation_id
    if is_same:
        raise _refuse("same_person", _("Another organisation has to decide this."), 403)
    if appeal.state != state:
        raise _refuse("not_possible", _("This was decided meanwhile."), 409)
    return appeal


def _enter(appeal: Appeal, *, sign: int) -> None:
    """Write the two entries, or those that undo them."""
    values = {name: getattr(appeal.fact, name) for name in COLUMNS}
    changed = dict(values)
    if appeal.kind == Kind.NOT_OURS:
        changed |= {"organisation_id": appeal.charged_to_id, "person_id": None}
    else:
        changed |= {"is_late": False}
    for row, is_original, amount in ((values, True, -sign), (changed, False, sign)):
        CounterEntry.objects.create(
            appeal=appeal, fact=appeal.fact, is_original=is_original, amount=amount, **row
        )


def _shown(fact: Fact, now: datetime) -> dict[str, list[int]]:
    """Return the department's figures of the month, as numerators and denominators."""
    scope = EVERYWHERE.narrowed("organisation", fact.organisation_id)
    month = Period.of(PeriodKind.MONTH, fact.day)
    counts = figures(indicators=SHOWN, period=month, now=now, scope=scope).get((), {})
    return {
        key: [INDICATORS[key].above(counts), INDICATORS[key].below(counts) or 0] for key in SHOWN
    }
