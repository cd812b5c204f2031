"""What a change of a record may hold: from plain JSON, as it is sent, to the register's values.

Bodies and components are named by their codes; places are GeoJSON. A proposal is read when it is
asked for and again when it is decided: what held then need not hold now.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from django.contrib.gis.gdal import GDALException
from django.contrib.gis.geos import GEOSException, GEOSGeometry
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from accounts.models import Organisation
from common.errors import DomainError
from common.text import clean_text
from components.models import Component
from components.register.models import ComponentChange
from components.services import check_fits, check_shape, point_on
from grid.models import SRID
from grid.selectors import OutsideCity, locate

Kind = ComponentChange.Kind
DESCRIBED = (
    "name", "state", "address", "accuracy", "source", "surveyed_date", "installed_date",
    "competent_body", "owner", "maintainer", "attributes",
)  # fmt: skip
ALLOWED: dict[str, tuple[str, ...]] = {
    Kind.CHANGE: DESCRIBED,
    Kind.MOVE: ("geometry",),
    Kind.RETIRE: (),
    Kind.REPLACE: (*DESCRIBED, "geometry"),
    Kind.MERGE: ("into",),
}
MAX_GEOMETRY = 200_000  # characters; a lake's shore has less


def proposal_read(
    component: Component, kind: str, proposed: Mapping[str, Any], on: date
) -> dict[str, Any]:
    """Return the values a proposal would give, checked against the component as it is now.

    Raise DomainError ``invalid`` for what is unknown, does not fit the type or changes nothing.
    """
    if kind not in ALLOWED:
        raise invalid("kind", _("Choose one of: %(values)s.") % {"values": ", ".join(ALLOWED)})
    if not isinstance(proposed, Mapping):
        raise invalid("proposed", _("A JSON object is expected."))
    if unknown := proposed.keys() - set(ALLOWED[kind]):
        name = min(unknown)
        raise invalid(name, _("This cannot be changed: %(names)s.") % {"names": name})
    values = {name: READERS[name](name, raw, component) for name, raw in proposed.items()}
    if kind == Kind.MERGE:
        _other_is_named(values)
    elif kind in (Kind.CHANGE, Kind.MOVE) and not differs(component, values):
        raise invalid("proposed", _("Nothing would change."))
    _fits(component, values, on)
    return values


def differs(component: Component, values: Mapping[str, Any]) -> bool:
    """Tell whether these values are others than the component's."""
    return any(getattr(component, name) != value for name, value in values.items())


def invalid(name: str, message: Any) -> DomainError:
    """Return the refusal of one value."""
    return DomainError("invalid", message, {name: [message]})


def _other_is_named(values: Mapping[str, Any]) -> None:
    if "into" not in values:
        raise invalid("into", _("Name the component that stays."))


def _fits(component: Component, values: Mapping[str, Any], on: date) -> None:
    geometry = values.get("geometry", component.geometry)
    check_fits(component.type, geometry, values.get("attributes", component.attributes))
    if "geometry" in values:
        point = point_on(geometry)
        try:
            locate(point.x, point.y, on=on, city_id=component.city_id)
        except OutsideCity as outside:
            raise invalid("geometry", outside.message) from None


def _text(name: str, raw: Any, component: Component) -> str:
    if not isinstance(raw, str):
        raise invalid(name, _("This must be text."))
    text, most = clean_text(raw), Component._meta.get_field(name).max_length or 0  # type: ignore[union-attr]
    if len(text) > most:
        raise invalid(name, _("At most %(most)d characters.") % {"most": most})
    return text


def _choice(name: str, raw: Any, component: Component) -> str:
    values = [value for value, _label in Component._meta.get_field(name).flatchoices]  # type: ignore[union-attr]
    if raw not in values:
        raise invalid(name, _("Choose one of: %(values)s.") % {"values": ", ".join(values)})
    return str(raw)


def _day(name: str, raw: Any, component: Component) -> date | None:
    if raw in (None, ""):
        return None
    try:
        day = parse_date(raw) if isinstance(raw, str) else None
    except ValueError:
        day = None
    if day is None:
        raise invalid(name, _("This must be a date."))
    return day


def _body(name: str, raw: Any, component: Component) -> Organisation | None:
    if raw in (None, "") and name != "competent_body":
        return None
    bodies = Organisation.objects.filter(city=component.city_id, is_active=True)
    body = bodies.filter(code=raw).first() if isinstance(raw, str) and "\x00" not in raw else None
    if body is None:
        raise invalid(name, _("There is no such organisation."))
    return body


def _attributes(name: str, raw: Any, component: Component) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise invalid(name, _("A JSON object is expected."))
    return raw


def _geometry(name: str, raw: Any, component: Component) -> GEOSGeometry:
    text = json.dumps(raw) if isinstance(raw, dict) else ""
    if not text or len(text) > MAX_GEOMETRY:
        raise invalid(name, _("This must be a GeoJSON geometry."))
    try:
        geometry = GEOSGeometry(text, srid=SRID)
    except (ValueError, TypeError, GEOSException, GDALException):
        raise invalid(name, _("This must be a GeoJSON geometry.")) from None
    check_shape(geometry)
    return geometry


def _component(name: str, raw: Any, component: Component) -> Component:
    found = None
    if isinstance(raw, str) and raw.isascii() and raw.isdigit():
        found = Component.objects.filter(city=component.city_id, code=raw).first()
    if found is None:
        raise invalid(name, _("There is no such component."))
    return found


READERS: dict[str, Callable[[str, Any, Component], Any]] = {
    "name": _text,
    "state": _choice,
    "address": _text,
    "accuracy": _choice,
    "source": _text,
    "surveyed_date": _day,
    "installed_date": _day,
    "competent_body": _body,
    "owner": _body,
    "maintainer": _body,
    "attributes": _attributes,
    "geometry": _geometry,
    "into": _component,
}
