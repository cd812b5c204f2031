"""What pages about the register offer to choose from: areas and component types."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from common.templatetags.ui import named
from components.models import CaseType, TypeKind
from grid.models import Area

Choices = list[tuple[str, list[tuple[str, str]]]]


def area_choices(day: date, whole_street: Any) -> Choices:
    """Return streets and communities by street: (group, [(code, name)]), the whole street first."""
    rows = (
        Area.objects.valid_on(day)
        .filter(level=Area.Level.COMMUNITY)
        .select_related("parent__parent")
        .defer("geometry", "parent__geometry", "parent__parent__geometry")
        .order_by("parent__code", "code")
    )
    groups: dict[int, tuple[str, list[tuple[str, str]]]] = {}
    for community in rows:
        street = community.parent
        if street.pk not in groups:
            label = f"{named(street.parent)} · {named(street)}"
            groups[street.pk] = (label, [(street.code, f"{named(street)} · {whole_street}")])
        groups[street.pk][1].append((community.code, named(community)))
    return list(groups.values())


def type_choices(day: date) -> Choices:
    """Return the component types by class: (class, [(code, name)])."""
    types: Iterable[CaseType] = (
        CaseType.objects.valid_on(day)
        .filter(kind=TypeKind.COMPONENT)
        .select_related("type_class")
        .order_by("code")
    )
    groups: dict[str, list[tuple[str, str]]] = {}
    for each in types:
        groups.setdefault(named(each.type_class), []).append(
            (each.code, f"{each.code} {named(each)}")
        )
    return list(groups.items())


def area_by_code(code: str, day: date) -> Area | None:
    """Return the street or community somebody chose."""
    levels = (Area.Level.STREET, Area.Level.COMMUNITY)
    found = Area.objects.valid_on(day).filter(level__in=levels, code=code[:12])
    return found.select_related("parent__parent").first() if "\x00" not in code else None
