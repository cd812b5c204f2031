"""Which department gets a case, and why, in words.

The rule of thumb of the field: a component's case goes to its owner first, then to the territory;
an event's to the territory first. Territory is the body whose trade is the type's and that answers
in the smallest area around the place; then the city's body of that trade. Pure: no queries.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.models import Organisation
from components.models import Component

# The smaller the ground a body answers for, the nearer it is.
NEARNESS = {"community": 0, "street": 1, "management_area": 2, "district": 3, "city": 4}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A department and the reason in words; a person confirms."""

    organisation: Organisation
    reason: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A body of the right trade, with the level of the ground it answers for here."""

    organisation: Organisation
    level: str


def route(component: Component | None, candidates: Iterable[Candidate]) -> Suggestion | None:
    """Return the department to suggest; None where nobody answers."""
    if component is not None:
        if component.maintainer is not None and component.maintainer.is_active:
            return Suggestion(component.maintainer, _("Maintains the component"))
        if component.owner is not None and component.owner.is_active:
            return Suggestion(component.owner, _("Owns the component"))
    nearest = min(candidates, key=lambda found: NEARNESS[found.level], default=None)
    return Suggestion(nearest.organisation, _reason(nearest.level)) if nearest else None


def _reason(level: str) -> str:
    return {
        "community": _("Answers for this trade in the community"),
        "street": _("Answers for this trade in the street"),
        "management_area": _("Answers for this trade in the management area"),
        "district": _("Answers for this trade in the district"),
        "city": _("Answers for this trade in the whole city"),
    }[level]
