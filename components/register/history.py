"""The history of one component: who changed what, when and why, field by field.

Triggers keep the row as it was before each change (``components_componentevent``), so that no bulk
or raw update escapes. What a change brought is the difference between the row it put away and the
next one, or the component as it is now. Who and why stand in the change's context.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.roles import Role
from common.geo import distance_m
from common.templatetags.ui import is_english, named
from components.models import CaseType, Component
from grid.models import GridCell

SHOWN = 200
RELATIONS = (
    "pgh_context", "type", "competent_body", "owner", "maintainer", "cell", "community",
    "successor",
)  # fmt: skip
OUTLINES = (
    "cell__geometry", "community__geometry",
    "successor__geometry", "successor__point", "successor__tile_point",
)  # fmt: skip
# In the order in which a change is told; point and tile_point follow from the geometry.
FIELDS = (
    "type", "name", "competent_body", "owner", "maintainer", "state", "geometry", "cell",
    "community", "address", "accuracy", "source", "surveyed_date", "installed_date",
    "ending", "retired_date", "successor", "attributes",
)  # fmt: skip
ACTS: dict[str, str | Promise] = {
    "change": gettext_lazy("Changed"),
    "move": gettext_lazy("Moved"),
    "retire": gettext_lazy("Taken out of use"),
    "replace": gettext_lazy("Replaced"),
    "merge": gettext_lazy("Merged"),
    "bodies": gettext_lazy("Body changed in bulk"),
    "bodies_undone": gettext_lazy("Bulk change undone"),
}
REASONS: dict[str, str | Promise] = {"grid": gettext_lazy("The grid was cut anew")}
Difference = tuple[str, str, str]  # label, before, after


@dataclass(slots=True)
class Step:
    """One change of a record."""

    id: int
    at: datetime
    act: str
    reason: str
    changes: list[Difference]
    user_id: int | None
    asked_by_id: int | None
    request_id: int | None
    person: User | None = None
    asked_by: User | None = None
    fields: list[str] = field(default_factory=list)


def history_of(component: Component) -> list[Step]:
    """Return the changes of a component, newest first: one query, people are not loaded."""
    events = component.events.select_related(*RELATIONS).order_by("-pgh_id")  # type: ignore[attr-defined]
    later: Any = component
    steps = []
    for event in events.defer(*OUTLINES)[:SHOWN]:
        steps.append(_step(event, later, component.type))
        later = event
    return steps


def last_event_of(component_id: int) -> int:
    """Return the id of the last entry of a component's history, 0 without one."""
    events = Component.pgh_event_model.objects  # type: ignore[attr-defined]
    last = events.filter(pgh_obj=component_id).aggregate(last=models.Max("pgh_id"))["last"]
    return last or 0


def may_see_people(user: User) -> bool:
    """Tell whether a person learns who works here: everybody but a sharing partner."""
    return bool(user.roles - {Role.SHARING_PARTNER})


def people_of(steps: Iterable[Step], *more: int | None) -> dict[int, User]:
    """Load the people of some steps, and others, by id: one query, none without people."""
    wanted = {each for step in steps for each in (step.user_id, step.asked_by_id)} | set(more)
    wanted.discard(None)
    people = User.objects.in_bulk(wanted) if wanted else {}
    for step in steps:
        step.person = people.get(step.user_id or 0)
        step.asked_by = people.get(step.asked_by_id or 0)
    return people


def _step(before: Any, after: Any, case_type: CaseType) -> Step:
    context = before.pgh_context.metadata if before.pgh_context else {}
    changed = [name for name in FIELDS if _raw(before, name) != _raw(after, name)]
    return Step(
        id=before.pgh_id,
        at=before.pgh_created_at,
        act=str(ACTS.get(context.get("act", "")) or _guessed(changed, after)),
        reason=str(REASONS.get(context.get("reason", ""), context.get("reason", ""))),
        changes=[each for name in changed for each in _differences(name, before, after, case_type)],
        user_id=_id(context.get("user")),
        asked_by_id=_id(context.get("asked_by")),
        request_id=_id(context.get("request")),
        fields=changed,
    )


def _id(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _raw(row: Any, name: str) -> Any:
    column = Component._meta.get_field(name)
    return getattr(row, column.attname)  # type: ignore[union-attr]


def _guessed(changed: list[str], after: Any) -> str | Promise:
    if "ending" in changed and after.ending:
        return str(Component.Ending(after.ending).label)
    return ACTS["move"] if "geometry" in changed else ACTS["change"]


def _differences(name: str, before: Any, after: Any, case_type: CaseType) -> Iterator[Difference]:
    column = Component._meta.get_field(name)
    label = str(column.verbose_name)  # type: ignore[union-attr]
    if name == "geometry":
        yield _("Place"), *_places(before, after)
    elif name == "attributes":
        yield from _attributes(before.attributes, after.attributes, case_type)
    else:
        yield label, value_words(name, before), value_words(name, after)


def _places(before: Any, after: Any) -> tuple[str, str]:
    old, new = before.point, after.point
    words = f"{old.x:.6f}, {old.y:.6f}", f"{new.x:.6f}, {new.y:.6f}"
    moved = distance_m((old.x, old.y), (new.x, new.y))
    away = _("%(metres).1f m away") % {"metres": moved}
    return words[0], f"{words[1]} ({away})"


def _attributes(
    before: Mapping[str, Any], after: Mapping[str, Any], case_type: CaseType
) -> Iterator[Difference]:
    for key in dict.fromkeys([*before, *after]):
        if before.get(key) != after.get(key):
            old, new = (attribute_words(case_type, key, each.get(key)) for each in (before, after))
            yield attribute_label(case_type, key), old, new


def value_words(name: str, row: Any) -> str:
    """Return what a row says in one of its columns, as people read it."""
    column = Component._meta.get_field(name)
    if isinstance(column, models.ForeignKey):
        thing = getattr(row, name)
        return "–" if thing is None else _name_of(thing)
    if column.choices:  # type: ignore[union-attr]
        return str(dict(column.flatchoices).get(_raw(row, name), "")) or "–"  # type: ignore[union-attr]
    value = _raw(row, name)
    return value.isoformat() if isinstance(value, date) else str(value or "–")


def _name_of(thing: Any) -> str:
    return thing.code if isinstance(thing, Component | GridCell) else named(thing)


# ── attributes, by the schema of their type ───────────────────────────────────────────────────


def attribute_label(case_type: CaseType, key: str) -> str:
    """Return what an attribute is called: the schema's title, else its key."""
    described = _described(case_type, key)
    english = described.get("title_en", "") if is_english() else ""
    return english or described.get("title", "") or key


def attribute_words(case_type: CaseType, key: str, value: Any) -> str:
    """Return the value of an attribute as people read it: a choice in their language."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if is_english():
        described = _described(case_type, key)
        english = dict(zip(described.get("enum", ()), described.get("enum_en", ()), strict=False))
        value = english.get(value, value)
    return str(value)


def _described(case_type: CaseType, key: str) -> dict[str, Any]:
    described: dict[str, Any] = case_type.attribute_schema.get("properties", {}).get(key, {})
    return described


def attribute_rows(component: Component) -> list[tuple[str, str]]:
    """Return the attributes of a component, those of the schema first, each with its label."""
    known = component.type.attribute_schema.get("properties", {})
    keys = dict.fromkeys([*known, *component.attributes])
    return [
        (
            attribute_label(component.type, key),
            attribute_words(component.type, key, component.attributes.get(key)),
        )
        for key in keys
    ]
