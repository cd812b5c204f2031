"""What may be the same thing as a report: near in place and time, how near set by type as data.

The same component is the same thing however long ago; another type only close by.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.gis.db.models import PointField
from django.db.models import Case as Choose
from django.db.models import FloatField, Func, Q, QuerySet, Value, When

from accounts.models import User
from cases.models import Case, DuplicateRule
from components.models import CaseType, Component
from grid.models import SRID

M_A_DEGREE = 96_000  # of longitude at 30° N, where it is shorter than one of latitude
OTHER_TYPE_M = 40  # another type may be the same thing, seen or named otherwise, only so near
MOST = 5


def duplicate_rule(city_id: int, case_type: CaseType | None) -> DuplicateRule:
    """Return the most special line for a type; without any, the defaults of the table."""
    if case_type is None:
        fits = Q(type=None, type_class=None, kind="")
    else:
        fits = Q(type=case_type.pk) | Q(type=None, type_class=case_type.type_class_id)
        fits |= Q(type=None, type_class=None, kind__in=("", case_type.kind))
    lines = DuplicateRule.objects.filter(fits, city=city_id)
    return min(lines, key=_generality, default=None) or DuplicateRule(city_id=city_id)


def _generality(line: DuplicateRule) -> tuple[bool, bool, bool]:
    return line.type_id is None, line.type_class_id is None, not line.kind


def duplicates_of(
    case: Case,
    *,
    user: User | None,
    now: datetime,
    case_type: CaseType | None = None,
    component: Component | None = None,
) -> list[Case]:
    """Return open cases that may be the same thing, as if the case were of this type.

    Those that ``user`` may see; all for None, the system. Each has ``away_m``,
    ``is_same_component`` and ``is_same_type``; those of the same component come first, then the
    same type, the nearest first. Index: the GiST of cases_case.point.
    """
    rule = duplicate_rule(case.city_id, case_type)
    place = Value(case.point, output_field=PointField(srid=SRID))
    distance = Func("point", place, function="ST_DistanceSphere", output_field=FloatField())
    reach = max(rule.within_m, OTHER_TYPE_M) / M_A_DEGREE
    since = (case.reported_at or now) - timedelta(hours=rule.within_hours)
    component_id = component.pk if component else case.component_id
    same_component = Q(component__isnull=False, component=component_id)
    same_type = Q(type=case_type.pk, away_m__lte=rule.within_m) if case_type else Q(pk=None)
    return list(
        _near(case, user, reach)
        .annotate(away_m=distance)
        .filter(
            same_component | (Q(reported_at__gte=since) & (same_type | Q(away_m__lte=OTHER_TYPE_M)))
        )
        .annotate(
            is_same_component=Choose(When(same_component, then=True), default=False),
            is_same_type=Choose(
                When(type=case_type.pk if case_type else None, then=True), default=False
            ),
        )
        .select_related("type", "department", "component")
        .order_by("-is_same_component", "-is_same_type", "away_m")[:MOST]
    )


def _near(case: Case, user: User | None, reach: float) -> QuerySet[Case]:
    here = case.point.buffer(reach).envelope
    cases = Case.objects.all() if user is None else Case.objects.visible_to(user)
    return cases.filter(point__coveredby=here, is_open=True).exclude(pk=case.pk)
