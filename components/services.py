"""Writing the register: components, their codes and states.

Every change leaves a row in the register's history (``Component`` is tracked by triggers). The
identification code has 16 digits: district 6 + class 2 + type 2 + sequence 6 (CJ/T 214). It is
given once, never reused, and stays when the district or the type's code changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pghistory
from django.contrib.gis.geos import GEOSGeometry, LineString, Point
from django.db import connection, transaction
from django.utils.translation import gettext as _
from jsonschema import Draft202012Validator

from accounts.models import Organisation, User
from common.errors import DomainError
from common.geo import distance_m
from components.models import CaseStandard, CaseType, CodeCounter, Component, TypeKind
from components.selectors import NotThere
from grid.models import SRID
from grid.selectors import Location, locate

# What of a standard decides about a case; the rest is wording that may be mended in place.
DECIDING = frozenset(
    {"condition", "limit_value", "limit_unit", "closing_condition", "lead_department_kind"}
)
MAX_SEQUENCE = 999_999
SAME_PLACE_M = 50  # two entries of one thing stand no farther apart, whoever measured
GEOMETRY_KINDS = {
    "Point": "point",
    "LineString": "line",
    "MultiLineString": "line",
    "Polygon": "area",
    "MultiPolygon": "area",
}
CHANGEABLE = frozenset(
    {
        "name", "competent_body", "owner", "maintainer", "state", "geometry", "address",
        "accuracy", "source", "surveyed_date", "installed_date", "attributes",
    }
)  # fmt: skip


@transaction.atomic
def component_create(
    *,
    actor: User | None,
    type: CaseType,  # noqa: A002  the word of the domain
    geometry: GEOSGeometry,
    competent_body: Organisation,
    on: date,
    owner: Organisation | None = None,
    maintainer: Organisation | None = None,
    name: str = "",
    address: str = "",
    state: str = Component.State.INTACT,
    accuracy: str = Component.Accuracy.B,
    source: str = "",
    surveyed_date: date | None = None,
    installed_date: date | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Component:
    """Enter a component into the register; its cell and code follow from its place and type.

    Raise OutsideCity, or DomainError ``invalid`` for a type, shape or attributes that do not fit.
    """
    check_fits(type, geometry, attributes or {})
    check_shape(geometry)
    point = point_on(geometry)
    place = locate(point.x, point.y, on=on, city_id=competent_body.city_id)
    component = Component(
        city_id=competent_body.city_id,
        code=code_next(district_code=place.district.code, type=type),
        type=type,
        name=name,
        competent_body=competent_body,
        owner=owner,
        maintainer=maintainer,
        state=state,
        geometry=geometry,
        point=point,
        cell_id=place.cell_id,
        community_id=place.community.id,
        address=address,
        accuracy=accuracy,
        source=source,
        surveyed_date=surveyed_date,
        installed_date=installed_date,
        attributes=dict(attributes or {}),
    )
    _save(component, actor)
    return component


@transaction.atomic
def component_update(
    *, actor: User | None, component_id: int, on: date, **changes: Any
) -> Component:
    """Change what the register says of a component; a moved one keeps its code."""
    if unknown := changes.keys() - CHANGEABLE:
        raise DomainError(
            "invalid",
            _("This cannot be changed: %(names)s.") % {"names": ", ".join(sorted(unknown))},
        )
    component = _locked(component_id)
    if component.retired_date is not None:
        raise DomainError("not_possible", _("This component is no longer in use."), status=409)
    for name, value in changes.items():
        setattr(component, name, value)
    check_fits(component.type, component.geometry, component.attributes)
    if "geometry" in changes:
        check_shape(component.geometry)
        component.point = point_on(component.geometry)
        point, city_id = component.point, component.city_id
        place: Location = locate(point.x, point.y, on=on, city_id=city_id)
        component.cell_id, component.community_id = place.cell_id, place.community.id
    _save(component, actor)
    return component


@transaction.atomic
def component_retire(*, actor: User | None, component_id: int, on: date) -> Component:
    """Take a component out of use; its row, history and code stay."""
    component = _locked(component_id)
    if component.retired_date is not None:
        raise DomainError("not_possible", _("This component is no longer in use."), status=409)
    component.retired_date, component.ending = on, Component.Ending.RETIRED
    component.state = Component.State.ABANDONED
    _save(component, actor)
    return component


@transaction.atomic
def component_replace(
    *, actor: User | None, component_id: int, on: date, **values: Any
) -> Component:
    """Put a new component, with a code of its own, in the place of one; return the new one.

    It is like the old one but for ``values`` (names as in CHANGEABLE). The old row keeps its code
    and its cases, ends and names the new one as its successor.
    """
    if unknown := values.keys() - CHANGEABLE:
        raise DomainError(
            "invalid",
            _("This cannot be changed: %(names)s.") % {"names": ", ".join(sorted(unknown))},
        )
    old = _locked(component_id)
    if old.retired_date is not None:
        raise DomainError("not_possible", _("This component is no longer in use."), status=409)
    like = {name: getattr(old, name) for name in CHANGEABLE}
    fresh = {"state": Component.State.INTACT, "installed_date": on}
    new = component_create(actor=actor, type=old.type, on=on, **{**like, **fresh, **values})
    _end(old, Component.Ending.REPLACED, new, actor, on)
    return new


@transaction.atomic
def component_merge(*, actor: User | None, component_id: int, into_id: int, on: date) -> Component:
    """End a component that was entered twice; return the one that stays.

    The cases of the one that ends stay on its row, which says where it is now.
    Raise DomainError ``not_possible`` when one of them has ended, ``invalid`` when they cannot be
    the same thing: another type, or farther apart than SAME_PLACE_M.
    """
    locked = {pk: _locked(pk) for pk in sorted({component_id, into_id})}
    old, stays = locked[component_id], locked[into_id]
    if old.pk == stays.pk:
        raise _invalid("into", _("A component cannot be merged into itself."))
    if old.retired_date is not None or stays.retired_date is not None:
        raise DomainError("not_possible", _("This component is no longer in use."), status=409)
    if old.type_id != stays.type_id:
        raise _invalid("into", _("Only components of the same type can be one and the same."))
    apart = distance_m((old.point.x, old.point.y), (stays.point.x, stays.point.y))
    if apart > SAME_PLACE_M:
        message = _("They stand %(metres)d m apart: at most %(most)d m may be a mistake.")
        raise _invalid("into", message % {"metres": apart, "most": SAME_PLACE_M})
    _end(old, Component.Ending.MERGED, stays, actor, on)
    return stays


def _end(old: Component, ending: str, successor: Component, actor: User | None, on: date) -> None:
    old.retired_date, old.ending, old.successor = on, ending, successor
    _save(old, actor)


# One join for all; a point on an edge belongs to the cell with the lowest id. Uses the index
# on components_component.cell_id and the GiST index on grid_gridcell.geometry.
_FOLLOW = """
UPDATE components_component AS component
SET cell_id = found.cell_id, community_id = found.community_id
FROM (
    SELECT DISTINCT ON (standing.id) standing.id, cell.id AS cell_id, cell.community_id
    FROM components_component AS standing
    JOIN grid_gridcell AS cell
        ON cell.id = ANY (%(opened)s) AND ST_Covers(cell.geometry, standing.point)
    WHERE standing.cell_id = ANY (%(closed)s)
    ORDER BY standing.id, cell.id
) AS found
WHERE component.id = found.id
"""


def components_follow_cells(*, closed: Sequence[int], opened: Sequence[int], **_rest: Any) -> int:
    """Give components of closed cells the opened cell they stand in; returns how many moved.

    One that stands in none of them keeps the closed cell: the register shows it, nothing is lost.
    """
    with pghistory.context(reason="grid"), connection.cursor() as cursor:
        cursor.execute(_FOLLOW, {"closed": list(closed), "opened": list(opened)})
        return cursor.rowcount


# The same ground under another code: no need to look where a component stands.
_RENAME = """
UPDATE components_component AS component
SET cell_id = pair.after, community_id = cell.community_id
FROM unnest(%(before)s::bigint[], %(after)s::bigint[]) AS pair (before, after)
JOIN grid_gridcell AS cell ON cell.id = pair.after
WHERE component.cell_id = pair.before
"""


def components_follow_renamed(*, pairs: Mapping[int, int], reason: str, **_rest: Any) -> int:
    """Give components the cell that took the place of theirs; returns how many. Codes stay."""
    with pghistory.context(reason=reason), connection.cursor() as cursor:
        cursor.execute(_RENAME, {"before": list(pairs), "after": list(pairs.values())})
        return cursor.rowcount


@transaction.atomic
def standard_revise(*, standard_id: int, on: date, **changes: Any) -> CaseStandard:
    """Change a standard from a day on; return the version in force from then.

    What decides about a case makes a new version: the old one ends and stays with the cases filed
    under it. Wording (English, source) is mended in place, as is all of one that has not begun.
    Raise DomainError ``not_possible`` for a standard that has ended.
    """
    standard = CaseStandard.objects.select_for_update().get(pk=standard_id)
    if standard.valid_to is not None:
        raise DomainError("not_possible", _("This standard is no longer in force."), status=409)
    changed = {name: value for name, value in changes.items() if value != getattr(standard, name)}
    if changed.keys() & DECIDING and standard.valid_from <= on:
        CaseStandard.objects.filter(pk=standard_id).update(valid_to=on)
        standard.pk, standard.valid_from = None, on
        standard._state.adding = True
    for name, value in changed.items():
        setattr(standard, name, value)
    standard.save()
    return standard


def check_fits(case_type: CaseType, geometry: GEOSGeometry, attributes: Mapping[str, Any]) -> None:
    """Refuse what the type does not allow: events, other shapes, attributes outside its schema."""
    if case_type.kind != TypeKind.COMPONENT:
        raise _invalid("type", _("Only component types stand in the register."))
    if GEOMETRY_KINDS.get(geometry.geom_type) not in case_type.geometry_kinds:
        raise _invalid("geometry", _("This type is not drawn like that."))
    if case_type.attribute_schema or attributes:
        _check_attributes(case_type.attribute_schema, attributes)


def check_shape(geometry: GEOSGeometry) -> None:
    """Refuse a shape in which no place can be found, or that the register cannot keep."""
    if geometry.empty or geometry.hasz or not geometry.valid:
        message = _("This geometry is empty, crosses itself or has heights.")
        raise _invalid("geometry", message)


def _check_attributes(schema: dict[str, Any], attributes: Mapping[str, Any]) -> None:
    validator = Draft202012Validator(schema or {"additionalProperties": False})
    problem = next(iter(sorted(validator.iter_errors(dict(attributes)), key=str)), None)
    if problem is not None:
        where = ".".join(str(part) for part in problem.absolute_path) or "attributes"
        raise _invalid(
            "attributes", _("%(where)s does not fit the type's attributes.") % {"where": where}
        )


def point_on(geometry: GEOSGeometry) -> Point:
    """Return the place by which a geometry is found: itself, half way along, or inside."""
    if geometry.srid not in (None, SRID):
        raise _invalid("geometry", _("Coordinates must be longitude and latitude."))
    if isinstance(geometry, Point):
        return geometry
    if isinstance(geometry, LineString):
        return geometry.interpolate_normalized(0.5)
    return geometry.point_on_surface


def code_next(*, district_code: str, type: CaseType) -> str:  # noqa: A002
    """Return the next identification code of a district and type."""
    return codes_next(district_code=district_code, type=type, count=1)[0]


def codes_next(*, district_code: str, type: CaseType, count: int) -> list[str]:  # noqa: A002
    """Return ``count`` codes in a row; given codes are never given again, not even after a failure.

    Locks the counter's row until the transaction ends, so two writers never get the same.
    """
    prefix = f"{district_code}{type.code[1:]}"
    table = CodeCounter._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} AS counter (prefix, last) VALUES (%s, %s) "  # noqa: S608
            "ON CONFLICT (prefix) DO UPDATE SET last = counter.last + excluded.last RETURNING last",
            [prefix, count],
        )
        last = cursor.fetchone()[0]
    if last > MAX_SEQUENCE:
        raise DomainError("not_possible", _("All codes of this type are used up."), status=409)
    return [f"{prefix}{number:06d}" for number in range(last - count + 1, last + 1)]


def _locked(component_id: int) -> Component:
    rows = Component.objects.select_for_update(of=("self",)).select_related("type")
    component = rows.filter(pk=component_id).first()
    if component is None:
        raise NotThere(_("There is no such component."))
    return component


def _save(component: Component, actor: User | None) -> None:
    with pghistory.context(user=actor.pk if actor else None):
        component.save()


def _invalid(field: str, message: str) -> DomainError:
    return DomainError("invalid", message, {field: [message]})
