"""Who sees what of evaluation: which kinds of objects, which rows, whose cases open.

| who | ranking | figures open |
|---|---|---|
| shift supervisor, leader, inspector, administrator | every kind, people too | all |
| acceptor, dispatcher of a whole-city desk | areas, departments, contractors | all |
| dispatcher of a district's desk | areas, departments | its own districts |
| department | its own group of comparable departments | its own and those below it |
| contractor's manager | contractors; its own collectors | its own |

A ranking says how others stand, never which cases they had. What a person may not see is 404.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from accounts.models import Organisation, User
from accounts.navigation import DESKS
from accounts.roles import Role
from cases.models.case import WHOLE_CITY_DESKS
from evaluation.models import ComparisonMember, ObjectKind
from evaluation.selectors.standings import Standing
from grid.models import Jurisdiction

AREAS = (ObjectKind.DISTRICT, ObjectKind.STREET, ObjectKind.COMMUNITY, ObjectKind.CELL)
BODIES = (ObjectKind.DEPARTMENT, ObjectKind.CONTRACTOR)
POSTS = (
    ObjectKind.ACCEPTOR,
    ObjectKind.SHIFT_SUPERVISOR,
    ObjectKind.DISPATCHER,
    ObjectKind.COLLECTOR,
)
OVERSEERS = frozenset({Role.SHIFT_SUPERVISOR, Role.LEADER, Role.INSPECTOR, Role.ADMINISTRATOR})
DEPARTMENT = frozenset({Role.DEPARTMENT_CLERK, Role.DEPARTMENT_HEAD})
READERS = next(desk.roles for desk in DESKS if desk.url_name == "evaluation:board")


@dataclass(frozen=True, slots=True)
class Sight:
    """What one person sees of evaluation. ``bodies`` and ``districts`` None: all of them open."""

    kinds: tuple[ObjectKind, ...]
    opens_all: bool = False
    bodies: frozenset[int] = frozenset()
    districts: frozenset[int] = frozenset()
    group: str | None = None  # of departments, the only one that is shown

    def shows(self, kind: ObjectKind, row: Standing) -> bool:
        """Tell whether a row of a ranking is this person's to see."""
        if kind is ObjectKind.DEPARTMENT and self.group is not None:
            return row.place.group == self.group or row.key in self.bodies
        return True

    def opens(self, kind: ObjectKind, key: int | None, district: int | None) -> bool:
        """Tell whether the cases behind an object's figures are; None: of all objects together.

        ``district`` is the one that an area lies in, or that the page is narrowed to.
        """
        if self.opens_all:
            return True
        if kind in AREAS:
            lies_in = key if kind is ObjectKind.DISTRICT and key else district
            return lies_in in self.districts
        if kind in POSTS:
            return bool(self.bodies)  # only people of these bodies are listed
        return key in self.bodies

    @property
    def people_of(self) -> frozenset[int] | None:
        """Whose people are ranked; None: everybody's."""
        return None if self.opens_all else self.bodies


def sight_of(user: User, on: date) -> Sight | None:
    """Return what somebody sees on a day; None: nothing."""
    roles, body = user.roles, user.organisation
    if roles & OVERSEERS:
        return Sight((*AREAS, *BODIES, *POSTS), opens_all=True)
    is_citywide = body is not None and body.kind in WHOLE_CITY_DESKS
    if Role.ACCEPTOR in roles or (Role.DISPATCHER in roles and is_citywide):
        return Sight((*AREAS, *BODIES), opens_all=True)
    if body is None:
        return None
    if Role.DISPATCHER in roles:
        held = Jurisdiction.objects.valid_on(on).filter(
            organisation=body, function=Jurisdiction.Function.DISPATCH
        )
        districts = frozenset(held.values_list("area", flat=True)) - {None}
        return Sight((*AREAS, ObjectKind.DEPARTMENT), districts=districts)
    if roles & DEPARTMENT:
        below = Organisation.objects.filter(path__startswith=body.path)
        member = ComparisonMember.objects.filter(organisation=body).select_related("group").first()
        return Sight(
            (ObjectKind.DEPARTMENT,),
            bodies=frozenset(below.values_list("pk", flat=True)),
            group=member.group.code if member else "",
        )
    if Role.CONTRACTOR_MANAGER in roles:
        return Sight((ObjectKind.CONTRACTOR, ObjectKind.COLLECTOR), bodies=frozenset({body.pk}))
    return None
