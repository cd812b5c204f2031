"""Reading the rollout: which desks work since when, what a switch would move."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import City, Organisation, User
from cases.desks import desk_for
from cases.models import Case
from cases.models.case import WHOLE_CITY_DESKS
from cases.workflow import State
from common.errors import DomainError
from common.rows import one_or_none
from dispatch.models import DeskSwitch
from grid.models import Jurisdiction

NOT_WORKING = Q(desk__has_dispatch_desk=False) | Q(desk__is_active=False)


class NoSuchDesk(DomainError):
    """No organisation of this city that may have a desk."""

    def __init__(self) -> None:
        super().__init__("not_found", _("There is no such desk."), status=404)


@dataclass(frozen=True, slots=True)
class DeskRow:
    """One desk of the rollout: what it answers for, whether it works, what is planned."""

    organisation: Organisation
    grounds: list[Jurisdiction]
    last: DeskSwitch | None
    planned: DeskSwitch | None
    held: int

    @property
    def works(self) -> bool:
        """Whether cases go there now."""
        return self.organisation.has_dispatch_desk and self.organisation.is_active


def desk_get(*, user: User, code: str) -> Organisation:
    """Return the district's body of a code that may have a desk.

    Raises NoSuchDesk for what is not there and for the city's own desk, which always works.
    """
    rows = desks_of(user.city) if user.city else Organisation.objects.none()
    found = one_or_none(rows.filter(code=code)) if "\x00" not in code else None
    if found is None:
        raise NoSuchDesk
    return found


def desks_of(city: City) -> QuerySet[Organisation]:
    """Return the bodies that have a desk or the ground for one, the city's own left out."""
    grounds = Jurisdiction.objects.filter(function=Jurisdiction.Function.DISPATCH)
    return (
        Organisation.objects.filter(city=city, is_active=True)
        .filter(Q(has_dispatch_desk=True) | Q(pk__in=grounds.values("organisation")))
        .exclude(kind__in=WHOLE_CITY_DESKS)
        .order_by("path")
    )


def desk_rows(city: City, on: date) -> list[DeskRow]:
    """Return the desks with their state: four queries, however many there are."""
    desks = list(desks_of(city))
    grounds = Jurisdiction.objects.valid_on(on).filter(
        function=Jurisdiction.Function.DISPATCH, organisation__in=desks
    )
    by_desk: dict[int, list[Jurisdiction]] = {}
    for ground in grounds.select_related("area", "management_area").order_by("pk"):
        by_desk.setdefault(ground.organisation_id, []).append(ground)
    switches = DeskSwitch.objects.filter(organisation__in=desks, withdrawn_at__isnull=True)
    last: dict[int, DeskSwitch] = {}
    planned: dict[int, DeskSwitch] = {}
    for switch in switches.select_related("asked_by").order_by("pk"):
        (last if switch.applied_at else planned)[switch.organisation_id] = switch
    held = dict(
        Case.objects.filter(is_open=True, desk__in=desks)
        .order_by()
        .values_list("desk")
        .annotate(Count("pk"))
    )
    return [
        DeskRow(
            desk,
            by_desk.get(desk.pk, []),
            last.get(desk.pk),
            planned.get(desk.pk),
            held.get(desk.pk, 0),
        )
        for desk in desks
    ]


def cases_to_take(desk: Organisation, on: date, *, is_on: bool) -> list[Case]:
    """Return the open cases that would come to a desk switched on, or leave one switched off.

    On: what waits at the city's desk to be given out and belongs to this desk by the rules; what is
    under way stays with the desk that gave it out. Off: everything the desk holds. Reads through
    the index case_desk.
    """
    open_cases = Case.objects.filter(is_open=True).select_related("type", "desk").order_by("pk")
    if not is_on:
        return list(open_cases.filter(desk=desk))
    waiting = open_cases.filter(
        city_id=desk.city_id, state=State.FILED, desk__kind__in=WHOLE_CITY_DESKS
    )
    return [case for case in waiting if _belongs_to(case, desk, on)]


def _belongs_to(case: Case, desk: Organisation, on: date) -> bool:
    """Tell whether the rules send a case to a desk, as if it worked."""
    found = desk_for(case, on, counting=desk)
    return found is not None and found.pk == desk.pk


def stranded_cases() -> QuerySet[Case]:
    """Return the open cases at a desk that does not work: they belong to the city's desk."""
    return Case.objects.filter(NOT_WORKING, is_open=True).annotate(city_code=F("city__code"))
