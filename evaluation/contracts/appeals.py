"""Appeals on lines: filed by the contractor, decided by the centre, undone by a reversal.

A decision never edits a line: it adds a counter-line. Who issued the statement does not decide on
it, nor does anybody of the contractor. A reversal adds the same amount with the other sign.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from common.money import MOST_FEN
from common.text import clean_text
from evaluation.contracts.amounts import DEDUCTED
from evaluation.contracts.models import ContractStatement, CounterLine, LineAppeal
from evaluation.contracts.statements import (
    AGREERS,
    not_the_contractor,
    refusal,
    role_required,
)
from evaluation.contracts.told import Told, appeals_end, statement_read
from evaluation.services.appeals import DECIDERS

State = LineAppeal.State
Of = ContractStatement.State
MAX_REASON = 500


@transaction.atomic
def line_appeal(
    *, actor: User, statement_id: int, line: str, reason: str, now: datetime
) -> LineAppeal:
    """Appeal on a line of an issued statement, as its contractor; returns it, open.

    Raise DomainError: ``not_found`` 404 for what is not the contractor's, or no line;
    ``role_refused`` 403; ``not_possible`` 409 when agreed, when the days for it are over, or when
    the line was appealed on already; ``missing_field`` 400 without a reason.
    """
    statement = _locked_statement(actor, statement_id)
    role_required(actor, AGREERS)
    told = statement_read(statement)
    if told.line(line) is None:
        raise refusal("not_found", _("There is no such line."), 404)
    if statement.state == Of.AGREED:
        raise refusal("not_possible", _("It was agreed already."), 409)
    until = appeals_end(statement, told)
    if until is None or now >= until:
        raise refusal("not_possible", _("The days in which to appeal are over."), 409)
    if statement.appeals.filter(line=line).exclude(state=State.REVERSED).exists():
        raise refusal("not_possible", _("There is an appeal on this line already."), 409)
    reason = clean_text(reason)[:MAX_REASON]
    if not reason:
        raise refusal("missing_field", _("An appeal needs its reasons."), 400)
    appeal = LineAppeal.objects.create(
        statement=statement, line=line, reason=reason, filed_by=actor, filed_at=now
    )
    _move(statement)
    return appeal


@transaction.atomic
def line_appeal_decide(
    *,
    actor: User,
    appeal_id: int,
    uphold: bool,
    answer: str,
    now: datetime,
    granted_fen: int = 0,
) -> LineAppeal:
    """Uphold an appeal with an amount in the contractor's favour, or reject it.

    Raise DomainError: ``not_found`` 404; ``role_refused`` 403; ``same_person`` 403 for who issued
    the statement and for anybody of the contractor; ``not_possible`` 409 when decided;
    ``missing_field`` 400 without reasons; ``invalid`` 400 for an amount of nothing, or above what
    the line took off.
    """
    appeal = _decidable(actor, appeal_id, State.OPEN)
    appeal.answer = clean_text(answer)[:MAX_REASON]
    if not appeal.answer:
        raise refusal("missing_field", _("A decision needs its reasons."), 400)
    if uphold:
        most = most_granted(appeal, statement_read(appeal.statement))
        if not 0 < granted_fen <= most:
            raise refusal("invalid", _("Grant an amount between nothing and the line's."), 400)
        _enter(appeal, granted_fen, actor, now)
    appeal.state = State.UPHELD if uphold else State.REJECTED
    appeal.decided_by, appeal.decided_at = actor, now
    appeal.save()
    _move(appeal.statement)
    return appeal


@transaction.atomic
def line_appeal_reverse(*, actor: User, appeal_id: int, now: datetime) -> LineAppeal:
    """Undo an upheld appeal: the statement comes to what it came to before.

    Raise DomainError as ``line_appeal_decide``, and ``not_possible`` 409 once it was agreed.
    """
    appeal = _decidable(actor, appeal_id, State.UPHELD)
    if appeal.statement.state == Of.AGREED:
        raise refusal("not_possible", _("It was agreed already."), 409)
    granted = sum(entry.amount_fen for entry in appeal.entries.all())
    _enter(appeal, -granted, actor, now)
    appeal.state = State.REVERSED
    appeal.reversed_by, appeal.reversed_at = actor, now
    appeal.save()
    return appeal


def most_granted(appeal: LineAppeal, told: Told) -> int:
    """Return the most that may be granted: what a line took off; what it adds has no such bound."""
    found = told.line(appeal.line)
    assert found is not None
    line = found[1]
    return -line.amount_fen if line.kind in DEDUCTED else MOST_FEN


def _enter(appeal: LineAppeal, amount_fen: int, actor: User, now: datetime) -> None:
    CounterLine.objects.create(appeal=appeal, amount_fen=amount_fen, made_by=actor, made_at=now)


def _move(statement: ContractStatement) -> None:
    """Bring the state in line with the appeals that wait."""
    waits = statement.appeals.filter(state=State.OPEN).exists()
    state = Of.APPEALED if waits else Of.ISSUED
    if statement.state != state:
        statement.state = state
        statement.save(update_fields=["state"])


def _locked_statement(actor: User, statement_id: int) -> ContractStatement:
    rows = ContractStatement.objects.visible_to(actor).select_for_update(of=("self",))
    statement = rows.select_related("contract").filter(pk=statement_id).first()
    if statement is None:
        raise refusal("not_found", _("There is no such statement."), 404)
    return statement


def _decidable(actor: User, appeal_id: int, state: str) -> LineAppeal:
    found = LineAppeal.objects.filter(pk=appeal_id).values_list("statement", flat=True).first()
    if found is None:
        raise refusal("not_found", _("There is no such appeal."), 404)
    statement = _locked_statement(actor, found)  # before its appeals, as every act on them
    role_required(actor, DECIDERS)
    not_the_contractor(actor, statement.contract)
    appeal = LineAppeal.objects.get(pk=appeal_id)
    appeal.statement = statement
    if actor.pk in (statement.issued_by_id, appeal.filed_by_id):
        raise refusal("same_person", _("Who issued it does not decide on it."), 403)
    if appeal.state != state:
        raise refusal("not_possible", _("This was decided meanwhile."), 409)
    return appeal
