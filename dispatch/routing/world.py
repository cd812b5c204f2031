"""What rules may refer to, as it is on a day: types, areas, bodies. Read for the analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from django.utils import timezone

from accounts.models import City, Organisation
from cases.fields import HANDLING_KINDS
from components.models import CaseType
from grid.models import Area, ManagementArea


@dataclass(frozen=True, slots=True)
class TypeInForce:
    """A type of the catalogue that cases may be of."""

    code: str
    type_class: int
    kind: str
    trade: str


@dataclass(frozen=True, slots=True)
class World:
    """The city on a day. ``communities`` are the leaves below each area that is in force."""

    on: date
    types: Mapping[str, TypeInForce] = field(default_factory=dict)
    communities: Mapping[int, frozenset[int]] = field(default_factory=dict)
    management_areas: frozenset[int] = frozenset()
    handling: frozenset[int] = frozenset()  # bodies that are active and handle cases
    active: frozenset[int] = frozenset()
    trades: frozenset[str] = frozenset()  # that some active body does


def world_on(city: City, now: datetime) -> World:
    """Return what rules of a city may refer to today: four queries."""
    today = timezone.localdate(now)
    types = CaseType.objects.valid_on(today)
    bodies = Organisation.objects.filter(city=city, is_active=True)
    rows = list(bodies.values_list("pk", "kind", "department_kind"))
    managed = ManagementArea.objects.filter(city=city).valid_on(today)
    return World(
        on=today,
        types={
            row.code: TypeInForce(row.code, row.type_class_id, row.kind, row.lead_department_kind)
            for row in types
        },
        communities=_communities(city, today),
        management_areas=frozenset(managed.values_list("pk", flat=True)),
        handling=frozenset(pk for pk, kind, _trade in rows if kind in HANDLING_KINDS),
        active=frozenset(pk for pk, _kind, _trade in rows),
        trades=frozenset(trade for _pk, kind, trade in rows if trade and kind in HANDLING_KINDS),
    )


def _communities(city: City, today: date) -> dict[int, frozenset[int]]:
    rows = Area.objects.filter(city=city).valid_on(today).values_list("pk", "parent_id", "level")
    parents = {pk: parent for pk, parent, _level in rows}
    below: dict[int, set[int]] = {pk: set() for pk in parents}
    for pk, _parent, level in rows:
        if level != Area.Level.COMMUNITY:
            continue
        above: int | None = pk
        while above in parents:
            below[above].add(pk)
            above = parents[above]
    return {pk: frozenset(leaves) for pk, leaves in below.items()}
