"""What a city offers to made-up cases: places, types with their standards, bodies, people, limits.

Read once, in a dozen set-based queries, in the order of keys: the same city gives the same world.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from accounts.models import City, Organisation, User
from accounts.roles import Role
from cases.models import CalendarUse, CalendarVersion, StageLimit, Urgency
from cases.models.case import WHOLE_CITY_DESKS
from cases.seeding.timeline import MICROSECOND, Rule, WorkingTime
from cases.time_limits import Calendar, Limit, Unit, limit_duration
from cases.workflow import ClockKind
from common.errors import DomainError
from components.models import CaseStandard, CaseType, Profile
from grid.models import Jurisdiction

POINTS_A_CELL = 3
HANDLERS = (Role.DEPARTMENT_CLERK, Role.DEPARTMENT_HEAD)


class CityNotReady(DomainError):
    """Something without which no case can live is missing in this city."""

    def __init__(self, what: str) -> None:
        message = _("The city is not ready for cases: it has no %(what)s. Load the city first.")
        super().__init__("city_not_ready", message % {"what": what})


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts, and for which body."""

    id: int
    organisation_id: int | None


@dataclass(frozen=True, slots=True)
class Body:
    """An organisation with those of its people who act."""

    id: int
    code: str
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """A point of the city, with everything its place implies."""

    lon: float
    lat: float
    address: str
    cell_id: int
    cell_code: str
    community_id: int
    community_code: str
    street_id: int
    street_code: str
    district_id: int
    district_code: str
    zone_grade: str
    management_area_id: int | None


@dataclass(frozen=True, slots=True)
class Standard:
    """A standard of a type, with the rule its handling is counted by."""

    id: int
    profile: str
    zone_grade: str
    limit: str
    unit: str
    conditions: str  # JSON
    condition_count: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of case."""

    id: int
    code: str
    name: str
    department_kind: str
    is_self_handling_allowed: bool
    standards: tuple[Standard, ...]

    def standard(self, zone_grade: str, urgency: str) -> Standard:
        """Return the standard a case is filed under: for its zone, urgent ones as emergencies."""
        fitting = [row for row in self.standards if row.zone_grade in ("", zone_grade)]
        wanted = Profile.EMERGENCY if urgency == Urgency.URGENT else Profile.GENERAL
        return next((row for row in fitting if row.profile == wanted), fitting[0])


@dataclass(frozen=True)
class World:
    """Everything a case may meet."""

    city_id: int
    spots: list[Spot]
    kinds: list[Kind]
    city_desk: Body
    desks: dict[int, Body]  # by district
    departments: dict[tuple[str, int | None], list[Body]]  # by kind and district
    acceptors: list[Person]
    supervisors: list[Person]
    leaders: list[Person]
    collectors: list[Person]
    rules: dict[tuple[str, str], Rule]  # by clock and urgency

    def department(self, kind: str, district_id: int, pick: float) -> Body:
        """Return a department of a kind, of the district if it has one; ``pick`` is in [0, 1)."""
        bodies = (
            self.departments.get((kind, district_id))
            or self.departments.get((kind, None))
            or self.departments[("", None)]
        )
        return bodies[int(pick * len(bodies))]


def read_world(city: City, first: date, until: date) -> World:
    """Read what cases between two days may meet. Raise CityNotReady when something is missing."""
    calendars = _Calendars(first - timedelta(days=40), until + timedelta(days=800))
    rules = _rules(city, until, calendars)
    people = _people(city)
    bodies = _bodies(city, people)
    handling = {body.row.pk for body in bodies.values() if body.handles}
    # Nobody checks, approves or closes what their own body handled.
    watching = {
        role: [person for person in persons if person.organisation_id not in handling]
        for role, persons in people.items()
    }
    desks = [body for body in bodies.values() if body.row.has_dispatch_desk]
    city_desk = next((body for body in desks if body.row.kind in WHOLE_CITY_DESKS), None)
    if city_desk is None:
        raise CityNotReady(_("dispatch desk"))
    return World(
        city_id=city.pk,
        spots=_needed(_spots(city, first), _("cells")),
        kinds=_needed(_kinds(until, calendars, rules), _("types with standards")),
        city_desk=city_desk.with_people(Role.DISPATCHER),
        desks=_desks(until, bodies),
        departments=_departments(until, bodies),
        acceptors=_needed(watching.get(Role.ACCEPTOR, []), _("acceptor")),
        supervisors=_needed(watching.get(Role.SHIFT_SUPERVISOR, []), _("shift supervisor")),
        leaders=_needed(watching.get(Role.LEADER, []), _("leader")),
        collectors=_needed(watching.get(Role.COLLECTOR, []), _("collectors"), at_least=2),
        rules=rules,
    )


def _needed(rows: list[Any], what: str, at_least: int = 1) -> list[Any]:
    if len(rows) < at_least:
        raise CityNotReady(what)
    return rows


# ── limits ────────────────────────────────────────────────────────────────────────────────────


class _Calendars:
    """Calendar versions with their slots laid out for the time in question."""

    def __init__(self, first: date, last: date) -> None:
        self.first, self.last = first, last
        self._known: dict[int, tuple[Calendar, WorkingTime]] = {}

    def rule(self, version_id: int, value: Decimal, unit: str, **sources: int) -> Rule:
        """Return a limit as a rule."""
        if version_id not in self._known:
            data = CalendarVersion.objects.values_list("data", flat=True).get(pk=version_id)
            calendar = Calendar.from_dict(data)
            self._known[version_id] = calendar, WorkingTime.of(calendar, self.first, self.last)
        calendar, time = self._known[version_id]
        limit = Limit(value, Unit(unit))
        amount = limit_duration(calendar, limit) // MICROSECOND
        used = time if limit.unit.is_working else None
        return Rule(str(value), unit, amount, used, version_id, **sources)


def _rules(city: City, on: date, calendars: _Calendars) -> dict[tuple[str, str], Rule]:
    """Return the limit of every stage and urgency: an own one before the one for any."""
    rows = [
        row
        for row in StageLimit.objects.select_related("calendar").order_by("urgency", "valid_from")
        if row.valid_from <= on
        and (row.valid_to is None or row.valid_to > on)
        and row.calendar
        and row.calendar.city_id == city.pk
        and row.calendar.current_version_id
    ]
    rules = {}
    for urgency in Urgency.values:
        for row in rows:
            if row.urgency in ("", urgency):
                rules[row.clock, urgency] = calendars.rule(
                    row.calendar.current_version_id,
                    row.limit_value,
                    row.limit_unit,
                    stage_limit_id=row.pk,
                )
    for kind in ClockKind:
        if kind not in (ClockKind.WHOLE, ClockKind.HANDLE) and (kind.value, "normal") not in rules:
            raise CityNotReady(_("limit for every stage"))
    return rules


def _kinds(on: date, calendars: _Calendars, rules: dict[tuple[str, str], Rule]) -> list[Kind]:
    own_calendar = dict(
        CalendarUse.objects.filter(type__isnull=False, calendar__current_version__isnull=False)
        .order_by("-pk")
        .values_list("type_id", "calendar__current_version_id")
    )
    usual = rules[ClockKind.DISPATCH.value, Urgency.NORMAL.value].calendar_version_id
    standards: dict[int, list[Standard]] = defaultdict(list)
    for row in CaseStandard.objects.valid_on(on).order_by("pk"):
        rule = calendars.rule(
            own_calendar.get(row.type_id, usual),
            row.limit_value,
            row.limit_unit,
            standard_id=row.pk,
        )
        conditions = row.closing_conditions
        standards[row.type_id].append(
            Standard(
                row.pk,
                row.profile,
                row.zone_grade,
                str(row.limit_value),
                row.limit_unit,
                json.dumps(conditions, ensure_ascii=False),
                len(conditions),
                rule,
            )
        )
    return [
        Kind(
            row.pk,
            row.code,
            row.name,
            row.lead_department_kind,
            row.is_self_handling_allowed,
            tuple(standards[row.pk]),
        )
        for row in CaseType.objects.valid_on(on).order_by("code")
        if any(standard.zone_grade == "" for standard in standards[row.pk])
    ]


# ── people and bodies ─────────────────────────────────────────────────────────────────────────


def _people(city: City) -> dict[Role, list[Person]]:
    people: dict[Role, list[Person]] = defaultdict(list)
    for user in User.objects.with_roles().filter(city=city, is_active=True).order_by("pk"):
        for role in user.roles:
            people[role].append(Person(user.pk, user.organisation_id))
    return people


@dataclass(frozen=True)
class _Staffed:
    row: Organisation
    staff: dict[Role, list[Person]]

    def with_people(self, *roles: Role) -> Body:
        people = [person for role in roles for person in self.staff[role]]
        if not people:
            raise CityNotReady(_("people at the dispatch desk"))
        return Body(self.row.pk, self.row.code, tuple(people))

    def has(self, *roles: Role) -> bool:
        return any(self.staff[role] for role in roles)

    @property
    def handles(self) -> bool:
        is_desk = self.row.has_dispatch_desk or self.row.kind in WHOLE_CITY_DESKS
        return self.has(*HANDLERS) and not is_desk


def _bodies(city: City, people: dict[Role, list[Person]]) -> dict[int, _Staffed]:
    rows = Organisation.objects.filter(city=city, is_active=True).order_by("path")
    bodies = {row.pk: _Staffed(row, defaultdict(list)) for row in rows}
    for role, persons in people.items():
        for person in persons:
            if person.organisation_id in bodies:
                bodies[person.organisation_id].staff[role].append(person)
    return bodies


def _grounds(on: date, function: str) -> list[tuple[int, int]]:
    """Return organisations with the districts they answer for."""
    return list(
        Jurisdiction.objects.valid_on(on)
        .filter(function=function, area__level="district")
        .order_by("pk")
        .values_list("organisation_id", "area_id")
    )


def _desks(on: date, bodies: dict[int, _Staffed]) -> dict[int, Body]:
    return {
        district: bodies[organisation].with_people(Role.DISPATCHER)
        for organisation, district in _grounds(on, Jurisdiction.Function.DISPATCH)
        if organisation in bodies
        and bodies[organisation].row.has_dispatch_desk
        and bodies[organisation].has(Role.DISPATCHER)
    }


def _departments(on: date, bodies: dict[int, _Staffed]) -> dict[tuple[str, int | None], list[Body]]:
    districts: dict[int, list[int]] = defaultdict(list)
    for organisation, district in _grounds(on, Jurisdiction.Function.HANDLING):
        districts[organisation].append(district)
    found: dict[tuple[str, int | None], list[Body]] = defaultdict(list)
    for body in bodies.values():
        if not body.handles:
            continue
        department = body.with_people(*HANDLERS)
        found["", None].append(department)
        if body.row.department_kind:
            found[body.row.department_kind, None].append(department)
            for district in districts[body.row.pk]:
                found[body.row.department_kind, district].append(department)
    if not found:
        raise CityNotReady(_("department with people"))
    return dict(found)


# ── places ────────────────────────────────────────────────────────────────────────────────────

_SPOTS = """
SELECT ST_X(place.point), ST_Y(place.point), coalesce(named.name, community.name),
    cell.id, cell.code, community.id, community.code, street.id, street.code,
    district.id, district.code, coalesce(zones.grade, 'ordinary'), managed.id
FROM grid_gridcell AS cell
JOIN grid_area AS community ON community.id = cell.community_id
JOIN grid_area AS street ON street.id = community.parent_id
JOIN grid_area AS district ON district.id = street.parent_id
CROSS JOIN LATERAL (
    SELECT ST_SnapToGrid((ST_Dump(ST_GeneratePoints(cell.geometry, %(points)s, 1))).geom, 1e-7)
        AS point
) AS place
LEFT JOIN LATERAL (
    SELECT grade FROM grid_zone
    WHERE ST_Covers(geometry, place.point)
        AND valid_from <= %(day)s AND (valid_to IS NULL OR valid_to > %(day)s)
    ORDER BY array_position(ARRAY['key', 'control', 'ordinary'], grade::text) LIMIT 1
) AS zones ON true
LEFT JOIN LATERAL (
    SELECT id FROM grid_managementarea
    WHERE ST_Covers(geometry, place.point)
        AND valid_from <= %(day)s AND (valid_to IS NULL OR valid_to > %(day)s)
    ORDER BY id LIMIT 1
) AS managed ON true
LEFT JOIN LATERAL (
    SELECT name FROM grid_place ORDER BY point <-> place.point LIMIT 1
) AS named ON true
WHERE cell.city_id = %(city)s AND cell.kind = 'built'
    AND cell.valid_from <= %(day)s AND (cell.valid_to IS NULL OR cell.valid_to > %(day)s)
    AND ST_Covers(cell.geometry, place.point)
ORDER BY cell.code, 1, 2
"""


def _spots(city: City, on: date) -> list[Spot]:
    """Some points inside every built-up cell: cells a city walks and people report from."""
    with connection.cursor() as cursor:
        cursor.execute(_SPOTS, {"city": city.pk, "day": on, "points": POINTS_A_CELL})
        return [Spot(*row) for row in cursor.fetchall()]
