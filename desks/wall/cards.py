"""What a click on the wall opens: a case without names, notes, photos or addresses people wrote.

The place is told by street, community and cell: an address is free text, and a caller may have put
a name in it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from cases.models import Case
from cases.presenters import badge, waiting_clock
from common.errors import DomainError
from common.templatetags.ui import named
from desks.wall.scope import Scope

MOST_CARDS = 6


class NotOnTheWall(DomainError):
    """No such case in what this wall may see."""

    def __init__(self) -> None:
        super().__init__("not_found", _("There is no such case."), status=404)


def cards_of_case(scope: Scope, number: str, now: datetime) -> list[dict[str, Any]]:
    """Return the card of one case; raise NotOnTheWall."""
    found = [] if "\0" in number else _cards(scope.cases().filter(number=number), now)
    if not found:
        raise NotOnTheWall
    return found


def cards_of_cell(scope: Scope, cell_id: int, now: datetime) -> list[dict[str, Any]]:
    """Return the open cases of a cell, the most urgent first; none is no fault."""
    return _cards(scope.open_cases().filter(cell=cell_id).order_by("due_at", "pk"), now)


def _cards(cases: QuerySet[Case, Any], now: datetime) -> list[dict[str, Any]]:
    rows = cases.select_related("type", "street", "community", "department", "desk").defer(
        "street__geometry", "community__geometry"
    )
    return [_card(case, now) for case in rows[:MOST_CARDS]]


def _card(case: Case, now: datetime) -> dict[str, Any]:
    return {
        "number": case.number,
        "type": named(case.type) or _("Type not yet known"),
        "badge": badge(case),
        "clock": waiting_clock(case, now) if case.is_open else None,
        "street": named(case.street),
        "community": named(case.community),
        "cell": case.cell_code,
        "body": named(case.department or case.desk),
        "reported_at": case.reported_at,
    }
