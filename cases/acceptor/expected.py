"""Who would get a report, were it accepted as a type: asked before, nothing is written."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from accounts.models import Organisation
from cases.desks import desk_for
from cases.models import Case
from cases.publish import routing_of
from components.models import CaseType, Component


@dataclass(frozen=True, slots=True)
class Expected:
    """The desk and the body a case would go to, and the rule that says so."""

    desk: Organisation | None
    organisation: Organisation | None
    rule: str


def expected_of(
    case: Case, *, now: datetime, case_type: CaseType | None, component: Component | None = None
) -> Expected | None:
    """Return who would get the case filed now as this type; None while the type is not known."""
    if case_type is None:
        return None
    imagined = copy(case)
    imagined.type = case_type
    imagined.component = component or (case.component if case.type_id == case_type.pk else None)
    desk = desk_for(imagined, timezone.localdate(now))
    imagined.desk = desk
    routing = routing_of(imagined, now)
    body = routing.organisation if routing else None
    organisation = Organisation.objects.filter(pk=body).first() if body else None
    return Expected(desk, organisation, routing.rule_name if routing else "")
