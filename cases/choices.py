"""What a form offers to choose from: collectors near a case, departments, desks, reasons.

Reads only. Who may be chosen is decided again by the door; these lists spare the reader the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from datetime import date, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organisation, User
from accounts.roles import Role
from cases.desks import desks_below
from cases.fields import people_inside, squads_inside
from cases.models import Case, ReasonCode, Source, SubOrder
from cases.models.case import WHOLE_CITY_DESKS
from cases.selectors import standards_for
from cases.services.clocks import StageLimits
from cases.situation import Situation
from cases.time_limits import Light, due_at
from cases.workflow import STATE_LABELS
from common.prepared import Prepared, Slot
from common.templatetags.ui import named
from components.models import CaseStandard, CaseType
from grid.models import BeatAssignment, District, Jurisdiction

HANDLING_KINDS = (Organisation.Kind.DEPARTMENT, Organisation.Kind.ENTERPRISE)
LOCAL_KINDS = (Organisation.Kind.STREET, Organisation.Kind.COMMUNITY)


def collectors_for(case: Case, on: date) -> QuerySet[User]:
    """Return the active collectors, those on the beat of the case's cell first.

    ``is_on_beat`` tells whether somebody walks there. One query, by the index of cells of a beat.
    """
    beats = BeatAssignment.objects.valid_on(on).filter(
        collector=OuterRef("pk"), beat__cells=case.cell_id
    )
    return (
        User.objects.filter(is_active=True, city=case.city_id, groups__name=Role.COLLECTOR)
        .annotate(is_on_beat=Exists(beats))
        .select_related("organisation")
        .order_by("-is_on_beat", "display_name", "username")
    )


def departments_for(case: Case) -> QuerySet[Organisation]:
    """Return the bodies a case may be given to.

    Of streets and communities those of the place, and those below the district's desk that holds
    the case.
    """
    ground = Jurisdiction.objects.filter(
        organisation=OuterRef("pk"),
        function=Jurisdiction.Function.HANDLING,
        area__in=(case.community_id, case.street_id, case.district_id),
    )
    here = Q(Exists(ground))
    if case.desk is not None and case.desk.kind not in WHOLE_CITY_DESKS:
        here |= Q(path__startswith=case.desk.path)
    return Organisation.objects.filter(
        Q(kind__in=(*HANDLING_KINDS, Organisation.Kind.SQUAD)) | Q(here, kind__in=LOCAL_KINDS),
        city=case.city_id,
        is_active=True,
    ).select_related("parent")


def squads_for(case: Case) -> QuerySet[Organisation]:
    """Return the squads that may handle in somebody's stead."""
    return Organisation.objects.filter(
        city=case.city_id, is_active=True, kind=Organisation.Kind.SQUAD
    )


def desks_for(case: Case) -> QuerySet[Organisation]:
    """Return the desks below the one that holds the case, those that work."""
    return desks_below(case.desk, case.city_id).select_related("parent")


def parts_under_way(case: Case, *, only_declined: bool = False) -> QuerySet[SubOrder]:
    """Return the co-operating orders still to be done."""
    parts = case.sub_orders.filter(
        is_lead=False, ended_at__isnull=True, completed_at__isnull=True
    ).select_related("organisation")
    return parts.filter(declined_at__isnull=False) if only_declined else parts


def assignees_for(
    case: Case, user: User, now: datetime
) -> tuple[QuerySet[Organisation], QuerySet[User]]:
    """Return the squads and the people to whom this person may give the order in hand."""
    order, body = Situation(case, user, now).order_in_hand, user.organisation
    if order is None or body is None or not order.organisation.contains(body):
        return Organisation.objects.none(), User.objects.none()
    people = people_inside(body).order_by("organisation__path", "display_name", "username")
    return squads_inside(body).order_by("path"), people


def cooperating_options(
    case: Case,
    chosen: list[dict[str, Any]],
    *,
    departments: Iterable[Organisation] | None = None,
    is_adding: bool = False,
) -> list[dict[str, Any]]:
    """Return each department that may co-operate, with what was chosen so far."""
    by_code = {item["organisation"]: item for item in chosen}
    blank = {"mandatory": True, "task": ""}
    if is_adding:
        at_work = case.sub_orders.filter(ended_at__isnull=True)
        departments = departments_for(case).exclude(pk__in=at_work.values("organisation"))
    elif departments is None:
        departments = departments_for(case)
    return [
        {"department": row, "is_chosen": row.code in by_code} | (by_code.get(row.code) or blank)
        for row in departments
    ]


def reasons_for(action: str) -> QuerySet[ReasonCode]:
    """Return the reasons a city lists for an action."""
    return ReasonCode.objects.filter(action=action, is_active=True)


def standard_options(case: Case, case_type: CaseType | None, now: datetime) -> list[dict[str, Any]]:
    """Return the standards a case of this type may be filed under, each with its deadline.

    The deadline is the one the case would get if it were given out now.
    """
    if case_type is None:
        return []
    rows = standards_for(case_type, case.zone_grade, timezone.localdate(now))
    deadlines = Deadlines(case, case_type.pk, now)
    return [{"standard": row, "due_at": deadlines.under(row)} for row in rows]


class Deadlines:
    """When handling a case would fall due as some type, given out now; reads the calendar once."""

    def __init__(self, case: Case, type_id: int, now: datetime) -> None:
        self.imagined, self.now = copy(case), now
        self.imagined.type_id = type_id
        self.limits = StageLimits(self.imagined, now)

    def under(self, standard: CaseStandard) -> datetime:
        """Return the deadline that a standard would bring."""
        self.imagined.standard_id = standard.pk
        self.imagined.limit_value = standard.limit_value
        self.imagined.limit_unit = standard.limit_unit
        rule = self.limits.handling()
        return due_at(rule.calendar, self.now, rule.limit)


def deadline_of(case: Case, standard: CaseStandard, now: datetime) -> datetime:
    """Return when handling under a standard would fall due, given out now."""
    return Deadlines(case, standard.type_id, now).under(standard)


Choices = list[tuple[str, Any]]
LIGHTS = [
    (Light.GREEN.value, gettext_lazy("in time")),
    (Light.YELLOW.value, gettext_lazy("due soon")),
    (Light.RED.value, gettext_lazy("overdue")),
]


_NAMES = ("code", "name", "name_en")
_TYPES = Prepared(CaseType.objects.valid_on(Slot("on")).in_order().values(*_NAMES))
_DISTRICTS = Prepared(
    District.objects.filter(city=Slot("city")).valid_on(Slot("on")).order_by("code").values(*_NAMES)
)
_DEPARTMENTS = Prepared(
    Organisation.objects.filter(city=Slot("city"), is_active=True, kind__in=HANDLING_KINDS)
    .order_by("path")
    .values(*_NAMES)
)


def filter_choices(user: User, on: date) -> list[tuple[str, str, Choices]]:
    """Return the filters of the list: parameter, label, values with their words."""
    city = user.city_id
    return [
        ("state", _("State"), list(STATE_LABELS.items())),
        ("light", _("Light"), LIGHTS),
        (
            "type",
            _("Type"),
            [(row["code"], f"{row['code']} {named(row)}") for row in _TYPES(on=on)],
        ),
        ("district", _("District"), _named_codes(_DISTRICTS(city=city, on=on))),
        ("department", _("Department"), _named_codes(_DEPARTMENTS(city=city))),
        ("source", _("Source"), Source.choices),
    ]


def _named_codes(rows: Iterable[dict[str, str]]) -> Choices:
    return [(row["code"], named(row)) for row in rows]
