"""Statements (结算单): drawn up, computed anew while drafts, issued, agreed.

A draft is computed with the facts known at that moment and kept with its hash; *issued* says yes to
exactly what was seen. What comes later goes where ``EvaluationPolicy.late_facts`` says: into a
supplement of the month, which pays the difference, or into the next month's statement.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import Role
from common.errors import DomainError
from common.text import clean_text
from evaluation.contracts.amounts import Line, LineKind, lines_of
from evaluation.contracts.models import (
    CollectionContract,
    ContractLot,
    ContractStatement,
    QualityDeduction,
    terms_on,
)
from evaluation.contracts.quantities import MEASURES, Counted, Ground, grounds_of
from evaluation.contracts.told import appeals_end, days_held, lot_told, statement_read
from evaluation.frozen import canonical, digest, formulas_version
from evaluation.measures import MEASURES as ALL_MEASURES
from evaluation.models import CounterEntry, Fact
from evaluation.models.facts import LateFacts
from evaluation.periods import Period, PeriodKind
from evaluation.selectors.scope import Mark
from evaluation.services.appeals import DECIDERS
from evaluation.services.publishing import CHECKERS, facts_held, policy_of
from live.notifications.notices import notice_tell

State = ContractStatement.State
DRAWERS = CHECKERS
ISSUERS = DECIDERS
AGREERS = frozenset({Role.CONTRACTOR_MANAGER})
MAX_REASON = 300


def refusal(code: str, message: Any, status: int) -> DomainError:
    """Return a refusal."""
    return DomainError(code, message, status=status)


def role_required(actor: User, roles: frozenset[Role]) -> None:
    """Refuse who has none of these roles."""
    if not actor.roles & roles:
        raise refusal("role_refused", _("You may not do this."), 403)


def not_the_contractor(actor: User, contract: CollectionContract) -> None:
    """Refuse the contractor's own people, whatever roles they have."""
    if actor.organisation_id == contract.contractor_id:
        raise refusal("same_person", _("Nobody of the contractor may do this."), 403)


@transaction.atomic
def statement_draw(
    *, actor: User | None, contract_id: int, day: date, now: datetime, reason: str = ""
) -> ContractStatement:
    """Draw up the statement of a month that is over, or a supplement to one that was issued.

    ``actor`` None: the system does, every month. Raise DomainError: ``not_found`` 404;
    ``role_refused`` and ``same_person`` 403; ``not_possible`` 409 while the month runs, outside
    the contract's days, while a draft is open, when nothing came that a supplement could add, by
    the rule that late facts go to the next month, or while facts are behind; ``missing_field`` 400
    for a supplement without a reason.
    """
    contract = (
        CollectionContract.objects.select_for_update(of=("self",))
        .select_related("contractor")
        .filter(pk=contract_id)
        .first()
    )
    if contract is None:
        raise refusal("not_found", _("There is no such contract."), 404)
    if actor is not None:
        role_required(actor, DRAWERS)
        not_the_contractor(actor, contract)
    today = timezone.localdate(now)
    if day >= today or (period := Period.of(PeriodKind.MONTH, day)).end > today:
        raise refusal("not_possible", _("The month is not over yet."), 409)
    last = contract.statements.filter(first_date=period.first).order_by("-number").first()
    reason = clean_text(reason)[:MAX_REASON]
    if last is not None:
        _check_supplement(contract, last, reason)
    elif _carries(contract, period):
        _check_order(contract, period)
    statement = ContractStatement(
        contract=contract,
        first_date=period.first,
        end_date=period.end,
        number=last.number + 1 if last else 0,
        reason=reason,
    )
    return _compute(statement, actor, now)


def _check_supplement(contract: CollectionContract, last: ContractStatement, reason: str) -> None:
    if last.is_draft:
        raise refusal("not_possible", _("A draft of this month is open already."), 409)
    if _carries(contract, last.period) and contract.valid_to != last.end_date:
        message = _("By the city's rule what came later counts in the next month's statement.")
        raise refusal("not_possible", message, 409)
    if not statement_has_late(last):
        raise refusal("not_possible", _("Nothing came since that would change it."), 409)
    if not reason:
        raise refusal("missing_field", _("Say why a supplement is needed."), 400)


def _carries(contract: CollectionContract, period: Period) -> bool:
    """Tell whether the next month takes what came late."""
    return policy_of(period).late_facts == LateFacts.NEXT


def _check_order(contract: CollectionContract, period: Period) -> None:
    """Refuse months out of order where they carry: what came late would count twice."""
    others = contract.statements.all()
    if others.filter(first_date__gt=period.first).exists():
        raise refusal("not_possible", _("A later month has its statement already."), 409)
    if others.filter(state=State.DRAFT).exists():
        raise refusal("not_possible", _("Issue the draft of an earlier month first."), 409)


def statement_has_late(statement: ContractStatement) -> bool:
    """Tell whether something of the month came after it was frozen that could change a line."""
    told = statement_read(statement)
    ground: Iterable[Ground] = (lot.ground.within(statement.period) for lot in told.lots)
    where = Q(pk__in=[])
    for each in ground:
        where |= each.condition()
    what = Q(pk__in=[])
    for key in MEASURES:
        what |= ALL_MEASURES[key].condition
    own = where & what & Q(organisation=told.contract["contractor"])
    known = [pk for lot in told.lots for pk in lot.deductions]
    booked = QualityDeduction.objects.standing().filter(
        lot__contract=statement.contract,
        day__gte=statement.first_date,
        day__lt=statement.end_date,
        statement__isnull=True,
    )
    return (
        Fact.objects.filter(own, position__gt=told.position).exists()
        or CounterEntry.objects.filter(own, pk__gt=told.entries).exists()
        or booked.exclude(pk__in=known).exists()
    )


@transaction.atomic
def statement_compute(*, actor: User, statement_id: int, now: datetime) -> ContractStatement:
    """Compute a draft anew with what is known now.

    Raise DomainError: ``not_found`` 404, ``role_refused`` and ``same_person`` 403,
    ``stale_version`` 409 when it was issued, ``not_possible`` 409 while facts are behind.
    """
    statement = _locked(actor, statement_id)
    role_required(actor, DRAWERS)
    _must_be_draft(statement)
    not_the_contractor(actor, statement.contract)
    return _compute(statement, actor, now)


@transaction.atomic
def statement_issue(
    *, actor: User, statement_id: int, sha256: str, now: datetime
) -> ContractStatement:
    """Issue exactly what was seen: ``sha256`` is the hash on the person's page.

    Raise DomainError: ``not_found`` 404; ``role_refused`` and ``same_person`` 403;
    ``stale_version`` 409 when it was issued already, computed anew since, or a deduction of it was
    withdrawn.
    """
    statement = _locked(actor, statement_id)
    role_required(actor, ISSUERS)
    _must_be_draft(statement)
    if statement.sha256 != sha256:
        raise refusal("stale_version", _("It was computed anew since you saw it."), 409)
    not_the_contractor(actor, statement.contract)
    wanted = [pk for lot in statement_read(statement).lots for pk in lot.deductions]
    standing = QualityDeduction.objects.standing().filter(pk__in=wanted).select_for_update()
    if len(standing) != len(wanted):
        raise refusal("stale_version", _("A deduction was withdrawn: compute it anew."), 409)
    statement.state, statement.issued_by, statement.issued_at = State.ISSUED, actor, now
    statement.save(update_fields=["state", "issued_by", "issued_at"])
    QualityDeduction.objects.filter(pk__in=wanted, statement=None).update(statement=statement)
    _tell_the_contractor(statement, actor, now)
    return statement


def _tell_the_contractor(statement: ContractStatement, actor: User, now: datetime) -> None:
    until = appeals_end(statement, statement_read(statement))
    notice_tell(
        action="issue_statement",
        organisation=statement.contract.contractor,
        roles=AGREERS,
        path=reverse("evaluation:statement", args=[statement.pk]),
        variables={
            "number": statement.contract.number,
            "month": f"{statement.first_date:%Y-%m}",
            "due_at": until.isoformat() if until else "",
        },
        actor=actor,
        now=now,
    )


@transaction.atomic
def statement_agree(
    *, actor: User, statement_id: int, due_fen: int, now: datetime
) -> ContractStatement:
    """Let the contractor agree to the amount seen, ``due_fen``.

    Raise DomainError: ``not_found`` 404 for what is not the contractor's; ``role_refused`` 403;
    ``stale_version`` 409 when it was agreed, or the amount changed since; ``not_possible`` 409
    while an appeal waits.
    """
    statement = _locked(actor, statement_id)
    role_required(actor, AGREERS)
    if actor.organisation_id != statement.contract.contractor_id:
        raise refusal("role_refused", _("You may not do this."), 403)
    if statement.state == State.AGREED:
        raise refusal("stale_version", _("It was agreed already."), 409)
    if statement.state != State.ISSUED:
        raise refusal("not_possible", _("An appeal on it waits for a decision."), 409)
    if statement_due(statement) != due_fen:
        raise refusal("stale_version", _("The amount has changed since you saw it."), 409)
    statement.state, statement.agreed_by, statement.agreed_at = State.AGREED, actor, now
    statement.save(update_fields=["state", "agreed_by", "agreed_at"])
    return statement


def statement_due(statement: ContractStatement) -> int:
    """Return what is paid: the sum of the lines and counter-lines."""
    entries = statement.appeals.values_list("entries__amount_fen", flat=True)
    return statement.total_fen + sum(each for each in entries if each is not None)


def _locked(actor: User, statement_id: int) -> ContractStatement:
    rows = ContractStatement.objects.visible_to(actor).select_for_update(of=("self",))
    statement = rows.select_related("contract__contractor").filter(pk=statement_id).first()
    if statement is None:
        raise refusal("not_found", _("There is no such statement."), 404)
    return statement


def _must_be_draft(statement: ContractStatement) -> None:
    if not statement.is_draft:
        raise refusal("stale_version", _("It was issued already."), 409)


# ── freezing ──────────────────────────────────────────────────────────────────────────────────


def _compute(statement: ContractStatement, actor: User | None, now: datetime) -> ContractStatement:
    contract, period = statement.contract, statement.period
    mark = facts_held(period.ends_at)
    earlier = contract.statements.filter(first_date=period.first, number__lt=statement.number)
    since = _since(statement, mark)
    grounds = grounds_of(contract, period.end)
    lots = [
        told
        for lot in contract.lots.order_by("code")
        if (told := _lot(statement, lot, grounds[lot.pk], mark, since, earlier, now)) is not None
    ]
    if not lots:
        raise refusal("not_possible", _("The contract has no lot in this month."), 409)
    settled = _settled(earlier)
    lines = [line for lot in lots for line in lot["lines"]] + [line.told() for line in settled]
    statement.total_fen = sum(line["amount_fen"] for line in lines)
    statement.position, statement.entries = mark.position, mark.entries
    statement.content = canonical(
        {
            "contract": {
                "number": contract.number,
                "name": contract.name,
                "name_en": contract.name_en,
                "contractor": contract.contractor_id,
                "contractor_name": contract.contractor.name,
                "contractor_name_en": contract.contractor.name_en,
                "answer_days": contract.answer_days,
            },
            "period": [period.kind, period.first.isoformat(), period.end.isoformat()],
            "number": statement.number,
            "position": mark.position,
            "entries": mark.entries,
            "since": [since.after, since.entries_after] if since else None,
            "formulas": formulas_version(),
            "lots": lots,
            "settled": [line.told() for line in settled],
            "total_fen": statement.total_fen,
        }
    )
    statement.sha256 = digest(statement.content)
    statement.computed_by, statement.computed_at = actor, now
    statement.save()
    return statement


def _since(statement: ContractStatement, mark: Mark) -> Mark | None:
    """Return what came since the month before was frozen, where the city's rule carries it."""
    period, contract = statement.period, statement.contract
    if not _carries(contract, period):
        return None
    before = contract.statements.filter(first_date=period.previous.first)
    last = before.exclude(state=State.DRAFT).order_by("-number").first()
    if last is None:
        return None
    return Mark(mark.position, mark.entries, last.position, last.entries)


def _lot(
    statement: ContractStatement,
    lot: ContractLot,
    ground: Ground,
    mark: Mark,
    since: Mark | None,
    earlier: QuerySet[ContractStatement],
    now: datetime,
) -> dict[str, Any] | None:
    """Return a lot as it is frozen; None: it has no day in the month."""
    contract, period = statement.contract, statement.period
    spans = [(lot.valid_from, lot.valid_to), (contract.valid_from, contract.valid_to)]
    held = days_held(spans, period.first, period.end)
    if held is None:
        return None
    agreed = terms_on(lot, held[0])
    if agreed is None:
        message = _("Lot %(lot)s has no terms in this month.") % {"lot": lot.code}
        raise refusal("not_possible", message, 409)
    ground = ground.within(period) if since is None else ground
    counted = Counted(contract.contractor_id, period, ground, mark, since)
    deductions = _deductions(lot, period, earlier, carries=since is not None)
    amounts = tuple(each.amount_fen for each in deductions)
    terms, days = agreed.agreed(), ((held[1] - held[0]).days, (period.end - period.first).days)
    lines = lines_of(terms, counted.quantities(amounts, now), days=days[0], of_days=days[1])
    return lot_told(
        (lot.code, lot.name, lot.name_en),
        days,
        terms.told(),
        ground,
        [each.pk for each in deductions],
        lines,
    )


def _deductions(
    lot: ContractLot, period: Period, earlier: QuerySet[ContractStatement], *, carries: bool
) -> list[QualityDeduction]:
    """Return what was booked for the month, and what of earlier months no statement has."""
    new = Q(statement__isnull=True, day__lt=period.end)
    if not carries:
        new &= Q(day__gte=period.first)
    stated = Q(statement__in=earlier)
    return list(lot.deductions.standing().filter(new | stated).order_by("day", "pk"))


def _settled(earlier: QuerySet[ContractStatement]) -> list[Line]:
    """Return what earlier statements of the month have settled; their counter-lines stay."""
    totals = list(earlier.values_list("total_fen", flat=True))
    return [Line(LineKind.SETTLED, len(totals), -sum(totals))] if totals else []


# ── every month ───────────────────────────────────────────────────────────────────────────────


def statements_draft(*, now: datetime) -> int:
    """Draw up last month's statements that are missing; returns how many.

    A month of which no fact is known gets none by itself; where one cannot be drawn up yet, the
    next run tries again.
    """
    month = Period.of(PeriodKind.MONTH, timezone.localdate(now)).previous
    missing = (
        CollectionContract.objects.filter(
            Q(valid_to__isnull=True) | Q(valid_to__gt=month.first), valid_from__lt=month.end
        )
        .exclude(statements__first_date=month.first)
        .order_by("pk")
    )
    ids = list(missing.values_list("pk", flat=True))
    known = Fact.objects.filter(day__gte=month.first, day__lt=month.end)
    if not ids or not known.exists():
        return 0
    drawn = 0
    for contract_id in ids:
        try:
            statement_draw(actor=None, contract_id=contract_id, day=month.first, now=now)
        except DomainError:
            continue
        drawn += 1
    return drawn
