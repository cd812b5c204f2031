"""Reading what a dispatcher needs to decide."""

from __future__ import annotations

from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.utils import timezone

from accounts.models import Organisation
from cases.fields import HANDLING_KINDS
from cases.models import Case
from components.models import Component
from dispatch.routing import Candidate, Suggestion, route
from grid.models import Jurisdiction


def suggest_department(case: Case) -> Suggestion | None:
    """Return the department to suggest for a case, with the reason: at most two queries."""
    component = None
    if case.component_id is not None:
        component = Component.objects.select_related("maintainer", "owner").get(
            pk=case.component_id
        )
    return route(component, _candidates(case))


def _candidates(case: Case) -> list[Candidate]:
    """Return the bodies of the case's trade that answer here or everywhere."""
    if case.type is None:
        return []
    trade = case.type.lead_department_kind
    if case.standard is not None and case.standard.lead_department_kind:
        trade = case.standard.lead_department_kind
    day = timezone.localdate(case.reported_at)
    ground = Jurisdiction.objects.valid_on(day).filter(
        organisation=OuterRef("pk"), function=Jurisdiction.Function.HANDLING
    )
    here = ground.filter(
        Q(area__in=(case.community_id, case.street_id, case.district_id))
        | Q(management_area=case.management_area_id, management_area__isnull=False)
        | Q(cells=case.cell_id)
    )
    bodies = (
        Organisation.objects.filter(
            city=case.city_id, department_kind=trade, is_active=True, kind__in=HANDLING_KINDS
        )
        .annotate(
            has_ground=Exists(ground),
            level_here=Subquery(here.order_by("-area__code").values("area__level")[:1]),
            is_here=Exists(here),
        )
        .filter(Q(has_ground=False) | Q(is_here=True))
        .order_by(F("path"))
    )
    return [
        Candidate(body, (body.level_here or "management_area") if body.is_here else "city")
        for body in bodies
    ]
