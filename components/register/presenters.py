"""The register as pages show it: rows, columns and filters as plain data, no markup."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organisation, User
from common.templatetags.ui import named
from components.models import CaseType, Component, TypeKind
from components.register.filters import ALL, ENDED, IN_USE, Narrowed
from components.register.history import attribute_label, attribute_words, value_words
from components.register.ledger import ORDER_LABELS
from components.register.models import BodyRole, ComponentChange
from components.register.panels import LEDGER_FILTERS
from grid.models import Area

BODY_KINDS = (
    Organisation.Kind.DEPARTMENT,
    Organisation.Kind.ENTERPRISE,
    Organisation.Kind.STREET,
    Organisation.Kind.COMMUNITY,
)
# Tone and icon of a state: colour never stands alone.
STATE_LOOKS = {
    Component.State.INTACT: ("plain", "check"),
    Component.State.DAMAGED: ("amber", "alert-triangle"),
    Component.State.LOST: ("red", "x"),
    Component.State.ABANDONED: ("ended", "ban"),
}


def state_look(row: Component) -> dict[str, Any]:
    """Return the state of a component with its tone and icon; why it ended, if it did."""
    if row.ending:
        return {"label": row.get_ending_display(), "tone": "ended", "icon": "ban"}
    tone, icon = STATE_LOOKS[Component.State(row.state)]
    return {"label": row.get_state_display(), "tone": tone, "icon": icon}


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell: its text, a smaller one beside it, the look of both."""

    text: Any
    small: str = ""
    look: str = ""
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the ledger: its label, and the cell of a component in it."""

    label: str | Promise
    cell: Callable[[Component], Cell]


def _type(row: Component) -> Cell:
    return Cell(f"{row.type.code[1:]} {named(row.type)}", look="nowrap")


def _place(row: Component) -> Cell:
    street = row.community.parent
    return Cell(
        row.address, " · ".join(map(named, (street.parent, street, row.community))), "place"
    )


def _state(row: Component) -> Cell:
    look = state_look(row)
    return Cell(look["label"], "", f"condition condition-{look['tone']}", look["icon"])


def _body(name: str) -> Callable[[Component], Cell]:
    return lambda row: Cell(named(getattr(row, name)) or "–")


def _day(name: str) -> Callable[[Component], Cell]:
    return lambda row: Cell(day_or_dash(getattr(row, name)), look="figure nowrap")


COLUMNS: dict[str, Column] = {
    "type": Column(gettext_lazy("Type"), _type),
    "name": Column(gettext_lazy("Name"), lambda row: Cell(row.name)),
    "place": Column(gettext_lazy("Place"), _place),
    "cell": Column(gettext_lazy("Cell"), lambda row: Cell(row.cell.code, look="figure")),
    "competent_body": Column(gettext_lazy("Competent body"), _body("competent_body")),
    "owner": Column(gettext_lazy("Owner"), _body("owner")),
    "maintainer": Column(gettext_lazy("Maintaining body"), _body("maintainer")),
    "state": Column(gettext_lazy("State"), _state),
    "accuracy": Column(gettext_lazy("Accuracy"), lambda row: Cell(row.accuracy, look="figure")),
    "surveyed": Column(gettext_lazy("Surveyed"), _day("surveyed_date")),
    "installed": Column(gettext_lazy("Installed"), _day("installed_date")),
    "ended": Column(gettext_lazy("Ended"), _day("retired_date")),
    "source": Column(gettext_lazy("Source"), lambda row: Cell(row.source)),
}
USUAL_COLUMNS = ("type", "place", "competent_body", "maintainer", "state", "surveyed")


def columns_of(wanted: list[str]) -> dict[str, Column]:
    """Return the columns somebody chose, in their order; the usual ones without a choice."""
    names = [name for name in COLUMNS if name in wanted] or list(USUAL_COLUMNS)
    return {name: COLUMNS[name] for name in names}


def ledger_row(row: Component, columns: Mapping[str, Column]) -> dict[str, Any]:
    """Return a component as a row of the ledger."""
    return {
        "code": row.code,
        "url": record_url(row.code),
        "cells": [column.cell(row) for column in columns.values()],
    }


def record_url(code: str) -> str:
    """Return the address of a component's record."""
    return reverse("components:record", args=[code])


def ledger_url(query: Mapping[str, str], **changes: Any) -> str:
    """Return the ledger's address with these filters."""
    wanted = {**query, **changes}
    text = urlencode({name: value for name, value in wanted.items() if value})
    return reverse("components:ledger") + (f"?{text}" if text else "")


def filter_words(narrowed: Narrowed) -> list[tuple[str, str]]:
    """Return a filter in words: what is narrowed and to what."""
    words = [(each.label, each.words) for each in narrowed.conditions if each.words]
    return words or [("", _("all components in use"))]


def filter_choices(user: User, query: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the selects of the ledger: parameter, label, values with their words.

    Streets are offered in a chosen district, communities in a chosen street.
    """
    said = (
        "code",
        "name",
        "name_en",
        "type_class__code",
        "type_class__name",
        "type_class__name_en",
    )
    components = CaseType.objects.filter(kind=TypeKind.COMPONENT).select_related("type_class")
    types = list(components.only(*said).in_order())
    classes = {row.type_class.code: row.type_class for row in types}
    chosen_class = query.get("class", "")
    offered = [row for row in types if chosen_class in ("", row.type_class.code)]
    answering = Organisation.objects.filter(city=user.city_id, is_active=True, kind__in=BODY_KINDS)
    bodies = answering.only("code", "name", "name_en")
    return [
        _select("class", _("Class"), [(code, named(classes[code])) for code in sorted(classes)]),
        _select("type", _("Type"), [(row.code, f"{row.code[1:]} {named(row)}") for row in offered]),
        *_area_selects(user, query),
        _select("state", _("State"), Component.State.choices),
        _select("role", _("Body as"), BodyRole.choices, first=""),
        _select(
            "body",
            _("Body"),
            [("none", _("nobody")), *((row.code, named(row)) for row in bodies.order_by("path"))],
        ),
    ]


def more_choices() -> list[dict[str, Any]]:
    """Return the selects that are asked for less often."""
    return [
        _select(
            "use",
            _("In use"),
            [(IN_USE, _("in use")), (ENDED, _("no longer in use")), (ALL, _("both"))],
            first="",
        ),
        _select("ending", _("Why it ended"), Component.Ending.choices),
        _select("accuracy", _("Positional accuracy"), Component.Accuracy.choices),
        *(
            _select(each.name, str(each.label), [("yes", _("yes"))])
            for each in LEDGER_FILTERS.values()
        ),
    ]


def order_choices(offered: Iterable[str]) -> dict[str, Any]:
    """Return the orders a filter may have; the first is taken without a choice."""
    first, *others = ((name, str(ORDER_LABELS[name])) for name in offered)
    return _select("ordering", _("Order"), others, first=first[1])


def _select(
    name: str, label: Any, options: list[tuple[str, Any]], first: str | None = None
) -> dict[str, Any]:
    blank = _("%(label)s: all") % {"label": label} if first is None else first
    return {"name": name, "label": label, "options": options, "blank": blank}


def _area_selects(user: User, query: Mapping[str, str]) -> list[dict[str, Any]]:
    areas = Area.objects.filter(city=user.city_id, valid_to=None).order_by("code")
    selects = []
    levels = (
        ("district", _("District"), None),
        ("street", _("Street"), "district"),
        ("community", _("Community"), "street"),
    )
    for level, label, above in levels:
        if above and not query.get(above):
            break
        rows = areas.filter(level=level)
        if above:
            rows = rows.filter(parent__code=query[above])
        options = [(row.code, named(row)) for row in rows.only("code", "name", "name_en")]
        selects.append(_select(level, label, options))
    return selects


def day_or_dash(day: date | None) -> str:
    """Return a date as the register writes it."""
    return day.isoformat() if day else "–"


CHANGE_ICONS = {
    "change": "edit",
    "move": "map-pin",
    "replace": "refresh",
    "merge": "git-merge",
    "retire": "ban",
}


def change_buttons(component: Component) -> list[dict[str, Any]]:
    """Return the ways to ask for a change of a record."""
    return [
        {
            "kind": kind,
            "label": ComponentChange.Kind(kind).label,
            "icon": icon,
            "url": reverse("components:propose", args=[component.code, kind]),
        }
        for kind, icon in CHANGE_ICONS.items()
    ]


def change_words(change: ComponentChange, component: Component) -> list[tuple[str, str, str]]:
    """Return what a request would change, field by field: label, now, then.

    Of a decided one the record may say the new already: then both are the same.
    """
    words = []
    for name, raw in change.proposed.items():
        if name == "attributes":
            words += _attribute_words(component, raw)
        elif name == "geometry":
            point = component.point
            words.append((_("Place"), f"{point.x:.6f}, {point.y:.6f}", _geometry_words(raw)))
        elif name == "into":
            words.append((_("The one that stays"), component.code, raw))
        else:
            label = str(Component._meta.get_field(name).verbose_name)
            words.append((label, value_words(name, component), _proposed_words(name, raw)))
    return words


def _attribute_words(component: Component, raw: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    now = component.attributes
    return [
        (
            attribute_label(component.type, key),
            attribute_words(component.type, key, now.get(key)),
            attribute_words(component.type, key, raw.get(key)),
        )
        for key in dict.fromkeys([*now, *raw])
        if now.get(key) != raw.get(key)
    ]


def _geometry_words(raw: Mapping[str, Any]) -> str:
    if raw.get("type") == "Point":
        lon, lat = raw["coordinates"][:2]
        return f"{lon:.6f}, {lat:.6f}"
    return _("drawn anew")


def _proposed_words(name: str, raw: Any) -> str:
    column = Component._meta.get_field(name)
    if column.is_relation:
        body = Organisation.objects.filter(code=raw).first() if raw else None
        return named(body) if body else "–"
    return str(dict(column.flatchoices).get(raw, raw) or "–")
