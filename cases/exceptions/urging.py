"""Urging (催办): the list of what is overdue; urging itself is an act of the door."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from accounts.models import User
from cases.errors import invalid
from cases.models import Case, CaseUrge
from cases.queues import late, near, open_cases
from cases.workflow import State, arrows_of

URGED_IN = tuple(arrow.source.value for arrow in arrows_of("urge") if arrow.source)


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
