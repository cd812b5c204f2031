"""Giving several cases out at once: one act a case, each with its own result.

A case that is refused keeps none of the others back. Sent again with the same key, every row has
the answer it got; none is given out twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import OperationalError
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.idempotency import run_once
from accounts.models import User
from cases.errors import CaseNotFound
from cases.models import Case
from cases.services import case_act
from cases.workflow import State
from common.errors import DomainError, refusal_of
from dispatch.selectors import Suggestion, suggest_department

MOST = 50  # a page of the desk


@dataclass(frozen=True, slots=True)
class Line:
    """One case to give out: the version that was seen, to whom, and why."""

    number: str
    version: int
    department: str
    reason: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a line; ``sentence`` says why not."""

    line: Line
    is_done: bool
    sentence: str | Promise = ""


def cases_chosen(user: User, numbers: Iterable[str]) -> QuerySet[Case]:
    """Return the filed cases of the reader's desk with these numbers, the most urgent first."""
    wanted = [number for number in numbers if number.isdigit()][:MOST]
    return (
        Case.objects.visible_to(user)
        .filter(number__in=wanted, state=State.FILED, desk=user.organisation_id)
        .select_related("type", "standard", "street")
        .order_by("due_at", "pk")
    )


def batch_dispatch(*, lines: Iterable[Line], actor: User, now: datetime, key: str) -> list[Result]:
    """Give cases out, one act a line; returns a result a line, in their order.

    Where a line follows the suggestion, the co-operating bodies of its rule are asked too.
    """
    return [_give_out(line, actor, now, key) for line in lines]


def _give_out(line: Line, actor: User, now: datetime, key: str) -> Result:
    def act() -> tuple[int, str]:
        case = Case.objects.visible_to(actor).filter(number=line.number).first()
        if case is None:
            raise CaseNotFound
        done = case_act(
            case_id=case.pk,
            action="dispatch",
            actor=actor,
            now=now,
            version=line.version,
            department=line.department,
            reason=line.reason,
            cooperating=_helpers(suggest_department(case, now), line),
        )
        return 200, done.number

    try:
        run_once(
            user=actor,
            key=f"{key}:{line.number}",
            operation=f"batch:dispatch:{line.number}",
            body=[line.version, line.department, line.reason],
            now=now,
            act=act,
        )
    except (DomainError, OperationalError) as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        return Result(line, False, _sentence(refusal))
    return Result(line, True)


def _helpers(suggestion: Suggestion, line: Line) -> list[dict[str, Any]]:
    body = suggestion.organisation
    return suggestion.cooperating if body is not None and body.code == line.department else []


def _sentence(refusal: DomainError) -> str | Promise:
    """Return why not; what is missing says more than that something is."""
    said = next((texts[0] for texts in refusal.fields.values() if texts), "")
    return said or refusal.message or _("This cannot be done now.")
