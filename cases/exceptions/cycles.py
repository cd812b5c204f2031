"""Cycles of returns: cases given again to a department that had returned them (A→B→A)."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from cases.models import Case, ReturnCycle
from common.errors import DomainError
from common.templatetags.ui import named


def unseen_cycles(user: User) -> QuerySet[ReturnCycle]:
    """Return the cycles no supervisor has seen yet, newest first; by the index return_cycle_new."""
    visible = Case.objects.visible_to(user).order_by()
    rows = ReturnCycle.objects.filter(seen_at__isnull=True, case__in=visible)
    return rows.select_related("case__type").order_by("-noticed_at", "-pk")


def cycle_rows(cycles: QuerySet[ReturnCycle], most: int) -> list[dict]:
    """Return cycles with the departments' names in the order in which they had the case."""
    found = list(cycles[:most])
    codes = {code for cycle in found for code in cycle.departments}
    bodies = Organisation.objects.filter(
        code__in=codes, city__in={cycle.case.city_id for cycle in found}
    )
    names = {body.code: named(body) for body in bodies}
    return [
        {
            "cycle": cycle,
            "case": cycle.case,
            "way": " → ".join(names.get(code, code) for code in cycle.departments),
        }
        for cycle in found
    ]


def cycle_see(*, cycle_id: int, actor: User, now: datetime) -> ReturnCycle:
    """Note that a supervisor has seen a cycle; who saw it first stays.

    Raises:
        DomainError: not_found 404.
    """
    rows = ReturnCycle.objects.filter(
        pk=cycle_id, case__in=Case.objects.visible_to(actor).order_by()
    )
    rows.filter(seen_at__isnull=True).update(seen_by=actor, seen_at=now)
    found = rows.select_related("case").first()
    if found is None:
        raise DomainError("not_found", _("There is no such case."), status=404)
    return found
