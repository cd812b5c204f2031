"""Prepared querysets of what a person may see.

``visible_to(user)`` is one policy with several shapes: which conditions it has depends on the
roles and the kind of organisation, only the values in them on the person. So such a queryset
is compiled once for each kind of person (``shape_of``), for somebody who stands for all of them
(``stand_in``), and run with the values of one (``values_of``).
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet

from accounts.models import User
from common.prepared import Prepared, Slot

M = TypeVar("M", bound=Model)

Shape = tuple[Any, ...]


class PreparedFor(Generic[M]):
    """A prepared queryset as a function of a person and the values of its slots.

    CASE = PreparedFor(lambda viewer: Case.objects.visible_to(viewer).filter(pk=Slot("case")))
    CASE(user, case=7)
    """

    def __init__(self, rows_for: Callable[[Any], QuerySet[M, Any]]) -> None:
        self.rows_for = rows_for
        self._by_shape: dict[Shape, Prepared[M]] = {}

    def __call__(self, user: User, **values: Any) -> list[Any]:
        """Run the query for this person."""
        shape = shape_of(user)
        prepared = self._by_shape.get(shape)
        if prepared is None:
            prepared = self._by_shape[shape] = Prepared(self.rows_for(stand_in(shape)))
        return prepared(**values_of(user), **values)


def shape_of(user: User) -> Shape:
    """Return what decides which conditions a policy has for this person."""
    kind = user.organisation.kind if user.organisation else None
    return user.is_active, user.roles, user.city_id is not None, kind


def values_of(user: User) -> dict[str, Any]:
    """Return the values of the slots that ``stand_in`` has."""
    body = user.organisation
    return {
        "viewer": user.pk,
        "viewer_city": user.city_id,
        "viewer_organisation": body.pk if body else None,
        "viewer_path": body.path if body else "",
    }


def stand_in(shape: Shape) -> SimpleNamespace:
    """Return somebody of this shape, with slots for what is the person's own."""
    is_active, roles, has_city, kind = shape
    organisation = None
    if kind is not None:
        organisation = SimpleNamespace(
            kind=kind, pk=Slot("viewer_organisation"), path=Slot("viewer_path")
        )
    return SimpleNamespace(
        is_active=is_active,
        roles=roles,
        pk=Slot("viewer"),
        city_id=Slot("viewer_city") if has_city else None,
        organisation=organisation,
        organisation_id=organisation and organisation.pk,
        body_ids=Slot("viewer_bodies"),  # of values_of not: they are a query of their own
    )
