"""Of what figures are asked: what was known when (``Mark``), which part of the city (``Scope``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

# Where a running clock has what a fact says about the same thing.
OF_CLOCK = {
    "organisation": "organisation_id",
    "person": "person_id",
    "type": "case__type_id",
    "cell": "case__cell_id",
    "community": "case__community_id",
    "street": "case__street_id",
    "district": "case__district_id",
    "source": "case__source",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """High-water marks: what was known when figures were frozen, and what has come since others.

    Facts of events in (``after``, ``position``], counter-entries in (``entries_after``,
    ``entries``]. ``is_head``: no fact beyond ``position`` is there, and none is written meanwhile
    (the reader of facts is held), so that the sums of days may be read in place of their facts.
    """

    position: int
    entries: int
    after: int = -1
    entries_after: int = -1
    is_head: bool = False

    @property
    def facts(self) -> Q:
        """The facts that count."""
        return Q(position__gt=self.after, position__lte=self.position)

    @property
    def counted(self) -> Q:
        """The counter-entries that count."""
        return Q(pk__gt=self.entries_after, pk__lte=self.entries)


@dataclass(frozen=True, slots=True)
class Scope:
    """What part of the city is meant: keys by dimension; a dimension left out is not narrowed."""

    keys: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def narrowed(self, dimension: str, key: Any) -> Scope:
        """Return the scope within one object of a dimension; None: those that have none."""
        return Scope({**self.keys, dimension: [key]})

    def condition(self, columns: Mapping[str, str] | None = None) -> Q:
        """Return the scope as a condition on facts, sums, or what ``columns`` names."""
        wanted = Q()
        for dimension, keys in self.keys.items():
            column = columns[dimension] if columns else column_of(dimension)
            some = Q(**{f"{column}__in": [key for key in keys if key is not None]})
            wanted &= some | Q(**{f"{column}__isnull": True}) if None in keys else some
        return wanted


EVERYWHERE = Scope()


def column_of(dimension: str) -> str:
    return dimension if dimension in ("day", "source") else f"{dimension}_id"
