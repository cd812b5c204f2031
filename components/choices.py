"""What pages about the register offer to choose from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from common.templatetags.ui import named
from components.models import CaseType, TypeKind

Choices = list[tuple[str, list[tuple[str, str]]]]


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
