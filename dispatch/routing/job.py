"""The system's own part: cases it may give out by itself, and those nobody answers for.

What is left to do follows from the database alone: a filed case whose last step, or the version of
the rules, is not the one the rules were asked about; and after ``ASK_AGAIN`` every filed case once
more, for contracts, hours and organisations come and go. So a worker killed anywhere loses nothing,
two workers share the work, and a second run finds nothing to do. Oldest deadline first. A case is
given out, or what the rules said is noted, in one transaction each, through the door.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import OperationalError, transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from cases.errors import ActionRefused
from cases.models import Case, SubOrder
from cases.services import case_act
from cases.workflow import State
from common.errors import DomainError, refusal_of
from dispatch.models import CaseRouting, PublishedRules
from dispatch.selectors import Suggestion, suggest_department

logger = logging.getLogger(__name__)

BATCH = 500
ASK_AGAIN = timedelta(minutes=10)


def cases_route(*, now: datetime, limit: int = BATCH) -> tuple[int, int]:
    """Ask the rules about filed cases that wait for it; returns how many were asked and given out.

    Reads open cases by case_queue, and their notes by key.
    """
    CaseRouting.objects.exclude(case__state=State.FILED).delete()
    asked = given_out = 0
    for case_id in waiting(now)[:limit]:
        try:
            with transaction.atomic():
                given_out += case_route(case_id=case_id, now=now)
            asked += 1
        except (DomainError, OperationalError) as error:
            # Somebody is at it right now, or a setting is missing: the next run asks again.
            refusal = refusal_of(error)
            if refusal is None:
                raise
            logger.info("The system did not route case %s: %s", case_id, refusal.code)
    return asked, given_out


def waiting(now: datetime) -> QuerySet[Case, int]:
    """Return the ids of filed cases the rules must be asked about, the most urgent first."""
    newest = PublishedRules.objects.filter(city=OuterRef("city")).order_by("-number")
    return (
        Case.objects.filter(is_open=True, state=State.FILED)
        .annotate(rules=Coalesce(Subquery(newest.values("number")[:1]), 0))
        .filter(
            Q(routing__isnull=True)
            | ~Q(routing__history_length=F("history_length"))
            | ~Q(routing__rules_number=F("rules"))
            | Q(routing__routed_at__lt=now - ASK_AGAIN)
        )
        .order_by("due_at", "pk")
        .values_list("pk", flat=True)
    )


def case_route(*, case_id: int, now: datetime) -> bool:
    """Give a filed case out where a rule lets the system, else note what the rules say of it.

    Returns whether it was given out. Somebody else's case right now is left to the next run.
    """
    rows = Case.objects.select_for_update(of=("self",), skip_locked=True).select_related("type")
    case = rows.filter(pk=case_id, state=State.FILED).first()
    if case is None:
        return False
    suggestion = suggest_department(case, now)
    if suggestion.is_automatic and not SubOrder.objects.filter(case=case, run=case.run).exists():
        return _give_out(case, suggestion, now)
    _note(case, suggestion, now)
    return False


def _give_out(case: Case, suggestion: Suggestion, now: datetime) -> bool:
    assert suggestion.organisation is not None
    try:
        with transaction.atomic():
            case_act(
                case_id=case.pk,
                action="dispatch",
                actor=None,
                now=now,
                department=suggestion.organisation.code,
                reason=suggestion.reason,
                cooperating=suggestion.cooperating,
            )
    except ActionRefused as refused:
        logger.warning("The system may not give out %s: %s", case.number, refused.code)
        _note(case, suggestion, now)
        return False
    return True


def _note(case: Case, suggestion: Suggestion, now: datetime) -> None:
    rule = suggestion.decision.rule
    CaseRouting.objects.update_or_create(
        case=case,
        defaults={
            "history_length": case.history_length,
            "rules_number": suggestion.book.number,
            "rule": rule.code if rule else "",
            "organisation": suggestion.organisation,
            "routed_at": now,
        },
    )
