"""Two reports side by side, before one is merged into the other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import User
from cases.acceptor.duplicates import duplicates_of
from cases.acceptor.photos import report_photos
from cases.errors import CaseNotFound
from cases.models import Case
from cases.presenters import case_row
from cases.selectors import case_get_visible
from common.geo import distance_m


@dataclass(frozen=True, slots=True)
class Sides:
    """What a merge is decided by: this report, the master chosen or None, and whom else to choose.

    ``away_m`` and ``seconds_apart`` lie between the two.
    """

    here: dict[str, Any]
    there: dict[str, Any] | None
    others: list[dict[str, Any]]
    away_m: float | None = None
    seconds_apart: float | None = None

    @property
    def master(self) -> str:
        """The number of the master chosen; "" for none."""
        return self.there["number"] if self.there else ""


def merge_sides(*, case: Case, user: User, now: datetime, wanted: str = "") -> Sides:
    """Put a case beside the one wanted, by default the likeliest duplicate."""
    found = duplicates_of(case, user=user, now=now, case_type=case.type)
    rows = [case_row(other, now) for other in found]
    number = wanted.strip() or (rows[0]["number"] if rows else "")
    others = [row for row in rows if row["number"] != number]
    here = case_row(case, now) | {"photos": report_photos(case)}
    master = _master(number, case, user)
    if master is None:
        return Sides(here, None, others)
    there = case_row(master, now) | {"photos": report_photos(master)}
    away = distance_m((case.point.x, case.point.y), (master.point.x, master.point.y))
    apart = abs((case.reported_at - master.reported_at).total_seconds())
    return Sides(here, there, others, away, apart)


def _master(number: str, case: Case, user: User) -> Case | None:
    if not number or number == case.number:
        return None
    try:
        return case_get_visible(user=user, number=number)
    except CaseNotFound:
        return None
