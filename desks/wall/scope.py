"""How far a wall sees: the whole city, or one district of it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from accounts.models import City
from cases.models import Case
from grid.models import Area


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of the city: ``district`` None is all of it. Names one snapshot, shared by walls."""

    city: int
    district: int | None = None
    code: str = ""  # of the district

    @property
    def key(self) -> str:
        """What addresses and channels call it."""
        return self.code or "city"

    def cases(self) -> QuerySet[Case]:
        """Return the cases of this part, as ``visible_to`` gives them to who sees the city."""
        cases = Case.objects.filter(city=self.city)
        return cases if self.district is None else cases.filter(district=self.district)

    def open_cases(self) -> QuerySet[Case]:
        """Return those that wait for something."""
        return self.cases().filter(is_open=True)

    def contains(self, other: Scope) -> bool:
        """Tell whether somebody bound to this part may look at the other."""
        return self.city == other.city and self.district in (None, other.district)


def city_scope() -> Scope | None:
    """Return the whole city of this installation; None before it has one."""
    city = City.objects.order_by("pk").values_list("pk", flat=True).first()
    return None if city is None else Scope(city)


def scope_of(key: str, within: Scope) -> Scope | None:
    """Return the part of this key inside another; None where there is none to be seen."""
    if key in ("", within.key):
        return within
    if within.district is not None:
        return None
    if key == "city":
        return within
    found = (
        Area.objects.filter(city=within.city, level=Area.Level.DISTRICT, code=key, valid_to=None)
        .values_list("pk", "code")
        .first()
        if "\0" not in key
        else None
    )
    return None if found is None else Scope(within.city, *found)
