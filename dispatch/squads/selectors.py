"""Reading squads: who is on duty, where the roster has holes, how quickly they react."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from accounts.roles import VIEW_FUNDS, Role, may
from common.errors import DomainError
from dispatch.squads.models import Shift, SquadProfile
from dispatch.squads.rules import Hole, holes

LOOKED_AHEAD = timedelta(days=7)
LOOKED_BACK = timedelta(days=90)

# By the index sub_order_seen (organisation, case): a squad has thousands of orders, not millions.
_REACTIONS = """
SELECT organisation_id, count(*), count(signed_at), count(completed_at),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM signed_at - dispatched_at)),
    percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM signed_at - dispatched_at)),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM completed_at - signed_at)),
    percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM completed_at - signed_at)),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM completed_at - dispatched_at)),
    percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM completed_at - dispatched_at))
FROM cases_suborder
WHERE organisation_id = ANY (%s) AND is_lead AND dispatched_at >= %s AND dispatched_at < %s
GROUP BY organisation_id
"""


@dataclass(frozen=True, slots=True)
class Reaction:
    """Natural seconds between the steps of a squad's orders: the middle one and nine in ten.

    ``None`` where nothing was signed or completed.
    """

    order_count: int = 0
    signed_count: int = 0
    completed_count: int = 0
    sign_median: float | None = None
    sign_p90: float | None = None
    work_median: float | None = None
    work_p90: float | None = None
    whole_median: float | None = None
    whole_p90: float | None = None


@dataclass(slots=True)
class SquadRow:
    """A squad with its roster and reaction."""

    organisation: Organisation
    profile: SquadProfile | None
    on_duty: list[Shift] = field(default_factory=list)
    shifts: list[Shift] = field(default_factory=list)
    holes: list[Hole] = field(default_factory=list)
    reaction: Reaction = field(default_factory=Reaction)
    open_count: int = 0


def squads_visible_to(user: User) -> QuerySet[Organisation]:
    """Return the squads a person may see: the centre and the desks all, a squad itself."""
    squads = Organisation.objects.filter(
        city=user.city_id, kind=Organisation.Kind.SQUAD, is_active=True
    ).order_by("path")
    if may(user.roles, VIEW_FUNDS):
        return squads
    if Role.PROXY_SQUAD in user.roles and user.organisation is not None:
        return squads.filter(path__startswith=user.organisation.path)
    return squads.none()


def squad_rows(user: User, now: datetime) -> list[SquadRow]:
    """Return the squads with who is on duty, holes of the next week, reaction: four queries."""
    squads = list(squads_visible_to(user).select_related("squad_profile"))
    rows = {squad.pk: SquadRow(squad, getattr(squad, "squad_profile", None)) for squad in squads}
    ahead = Shift.objects.filter(
        squad__organisation__in=squads, ends_at__gt=now, starts_at__lt=now + LOOKED_AHEAD
    ).select_related("person", "squad")
    for shift in ahead:
        rows[shift.squad.organisation_id].shifts.append(shift)
    for squad_id, reaction in reactions(list(rows), now - LOOKED_BACK, now).items():
        rows[squad_id].reaction = reaction
    for squad_id, count in open_orders(list(rows)).items():
        rows[squad_id].open_count = count
    for row in rows.values():
        _fill(row, now)
    return list(rows.values())


def squad_row(user: User, code: str, now: datetime) -> SquadRow:
    """Return one squad.

    Raises:
        DomainError: ``not_found`` 404.
    """
    found = next((row for row in squad_rows(user, now) if row.organisation.code == code), None)
    if found is None:
        raise DomainError("not_found", _("There is no such squad."), status=404)
    return found


def _fill(row: SquadRow, now: datetime) -> None:
    row.on_duty = [shift for shift in row.shifts if shift.starts_at <= now]
    profile = row.profile
    if profile is not None and profile.kind == SquadProfile.Kind.STANDING:
        spans = [(shift.starts_at, shift.ends_at) for shift in row.shifts]
        row.holes = holes(spans, profile.least_on_duty, now, now + LOOKED_AHEAD)


def reactions(squad_ids: list[int], start: datetime, end: datetime) -> dict[int, Reaction]:
    """Return how squads reacted to the orders given out in [start, end)."""
    with connection.cursor() as cursor:
        cursor.execute(_REACTIONS, [squad_ids, start, end])
        return {row[0]: Reaction(*row[1:]) for row in cursor.fetchall()}


def open_orders(squad_ids: list[int]) -> dict[int, int]:
    """Return how many orders each squad has that are not completed."""
    squads = Organisation.objects.filter(pk__in=squad_ids)
    waiting = Q(sub_orders__ended_at__isnull=True, sub_orders__completed_at__isnull=True)
    counted = squads.annotate(count=Count("sub_orders", filter=waiting))
    return dict(counted.values_list("pk", "count"))
