"""Which desk a case belongs to: the city's, or that of the management area or district around it.

A desk that does not work (not switched on yet, switched off, its organisation no longer active)
gets nothing: the city's desk stands in. Rules are data (``DeskRule``); reads only.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import Organisation
from cases.models import Case, DeskRule
from cases.models.case import WHOLE_CITY_DESKS
from common.prepared import Prepared, Slot
from grid.models import Area, AreaSuccession, Jurisdiction

WORKING = Q(has_dispatch_desk=True, is_active=True)
RULES = Prepared(
    DeskRule.objects.filter(city=Slot("city"), is_active=True)
    .order_by("position")
    .values("level", "kind", "type_class_id", "type_id", "area_id")
)


def works(desk: Organisation | None) -> bool:
    """Tell whether an organisation's desk works."""
    return desk is not None and desk.has_dispatch_desk and desk.is_active


def city_desk(city_id: int) -> Organisation | None:
    """Return the city's own desk."""
    desks = Organisation.objects.filter(WORKING, city_id=city_id, kind__in=WHOLE_CITY_DESKS)
    return desks.order_by("path").first()


def level_of(rules: Iterable[dict[str, Any]], case: Case) -> str:
    """Return the level that the first fitting rule gives a case; the city's without one. Pure."""
    return next((rule["level"] for rule in rules if _fits(rule, case)), DeskRule.Level.CITY.value)


def _fits(rule: dict[str, Any], case: Case) -> bool:
    case_type = case.type
    wanted = (
        (rule["kind"], case_type and case_type.kind),
        (rule["type_class_id"], case_type and case_type.type_class_id),
        (rule["type_id"], case.type_id),
    )
    areas = (None, case.community_id, case.street_id, case.district_id)
    return rule["area_id"] in areas and all(
        value in (None, "") or value == found for value, found in wanted
    )


def desk_for(case: Case, on: date, *, counting: Organisation | None = None) -> Organisation | None:
    """Return the desk that a case goes to when it is filed; ``counting`` one as if it worked.

    One query for the rules, one for the ground where they name the district; where a report is
    already (the city's desk) is not looked up again.
    """
    if level_of(RULES(city=case.city_id), case) == DeskRule.Level.DISTRICT:
        desk = desk_below(case, on, counting=counting)
        if desk is not None:
            return desk
    here = case.desk
    if here is not None and works(here) and here.kind in WHOLE_CITY_DESKS:
        return here
    return city_desk(case.city_id)


def desk_below(
    case: Case, on: date, *, counting: Organisation | None = None
) -> Organisation | None:
    """Return the working desk whose ground a case lies in; a management area before a district."""
    is_working = Q(organisation__has_dispatch_desk=True, organisation__is_active=True)
    if counting is not None:
        is_working |= Q(organisation=counting.pk)
    rows = (
        Jurisdiction.objects.valid_on(on)
        .filter(
            Q(area__in=_areas_now(case))
            | Q(management_area=case.management_area_id, management_area__isnull=False),
            is_working,
            function=Jurisdiction.Function.DISPATCH,
            organisation__city=case.city_id,
        )
        .select_related("organisation")
        .order_by("area_id")  # a management area has none
    )
    found = sorted(rows, key=lambda row: row.management_area_id is None)
    return found[0].organisation if found else None


def _areas_now(case: Case) -> QuerySet[Area]:
    """Return the street a case lies in and its district, as they are after any reorganisation."""
    streets = Area.objects.filter(pk=case.street_id) | Area.objects.filter(
        pk__in=AreaSuccession.objects.filter(predecessor=case.street_id).values("successor")
    )
    today = streets.filter(valid_to__isnull=True)
    return Area.objects.filter(Q(pk__in=today.values("pk")) | Q(pk__in=today.values("parent")))


def desks_below(desk: Organisation | None, city_id: int) -> QuerySet[Organisation]:
    """Return the working desks to which a desk may hand a case down."""
    rows = Organisation.objects.filter(WORKING, city_id=city_id)
    if desk is None:
        return rows.none()
    if desk.kind not in WHOLE_CITY_DESKS:
        rows = rows.filter(path__startswith=desk.path)
    return rows.exclude(pk=desk.pk)
