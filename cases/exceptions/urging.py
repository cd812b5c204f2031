"""Urging (催办): the overdue list, and one act a case through the door with its result in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import OperationalError, transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.models import User
from cases.errors import invalid
from cases.models import Case, CaseUrge
from cases.queues import late, near, open_cases
from cases.services import case_act
from cases.workflow import State, arrows_of
from common.errors import DomainError, refusal_of

MOST_AT_ONCE = 200
URGED_IN = tuple(arrow.source.value for arrow in arrows_of("urge") if arrow.source)


@dataclass(frozen=True, slots=True)
class Urged:
    """What came of urging one case: ``refusal`` says why nobody was urged."""

    number: str
    refusal: str | Promise = ""


def overdue_cases(user: User, query: Mapping[str, str], now: datetime) -> QuerySet[Case]:
    """Return the open cases that are late (or due soon), the longest overdue first.

    Uses the partial index case_due. Raise DomainError ``invalid`` for a value that means nothing.
    """
    wanted = {"": late(now), "red": late(now), "yellow": near(now)}.get(query.get("light", ""))
    if wanted is None:
        raise invalid("light", _("Choose one of: %(values)s.") % {"values": "red, yellow"})
    rows = open_cases(user).filter(wanted)
    if department := query.get("department", ""):
        rows = rows.filter(_known("department", department, Q(department__code=department)))
    if state := query.get("state", ""):
        if state not in [each.value for each in State]:
            values = ", ".join(each.value for each in State)
            raise invalid("state", _("Choose one of: %(values)s.") % {"values": values})
        rows = rows.filter(state=state)
    urged = CaseUrge.objects.filter(case=OuterRef("pk")).order_by("-urged_at")
    return (
        rows.annotate(urged_at=Subquery(urged.values("urged_at")[:1]))
        .select_related("type", "department", "desk", "district", "street")
        .order_by("due_at", "pk")
    )


def _known(name: str, raw: str, where: Q) -> Q:
    if "\x00" in raw:
        raise invalid(name, _("This contains characters that cannot be searched."))
    return where


def cases_urge(
    *, numbers: Iterable[str], actor: User, now: datetime, note: str = ""
) -> list[Urged]:
    """Urge whoever each case waits for: one act a case, each for itself, in the order given.

    A case that cannot be urged says why and holds up no other. Sent twice, it urges once: the door
    refuses who was urged a moment ago.

    Raises:
        DomainError: nothing was chosen, or more than MOST_AT_ONCE.
    """
    wanted = list(dict.fromkeys(number for number in numbers if "\x00" not in number))
    if not 0 < len(wanted) <= MOST_AT_ONCE:
        raise DomainError(
            "invalid",
            _("Choose between 1 and %(most)s cases.") % {"most": MOST_AT_ONCE},
            {"case": [_("Choose between 1 and %(most)s cases.") % {"most": MOST_AT_ONCE}]},
        )
    visible = Case.objects.visible_to(actor).filter(number__in=wanted)
    ids = dict(visible.values_list("number", "pk"))
    return [_urge(number, ids.get(number), actor, now, note) for number in wanted]


def _urge(number: str, case_id: int | None, actor: User, now: datetime, note: str) -> Urged:
    if case_id is None:
        return Urged(number, _("There is no such case."))
    try:
        with transaction.atomic():
            case_act(case_id=case_id, action="urge", actor=actor, now=now, note=note)
    except (DomainError, OperationalError) as error:
        refusal = refusal_of(error)  # somebody acts on it right now: said in words too
        if refusal is None:
            raise
        return Urged(number, refusal.message)
    return Urged(number)
