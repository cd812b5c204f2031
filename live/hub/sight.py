"""Which of some cases each scope sees: computed once for each scope, not once for each socket.

A scope is what decides which cases somebody sees: the shape of the policy for people like them and
the values in it that are theirs. Everybody in a department has one scope, every acceptor of a city
another, each collector one of their own. The policy itself is ``Case.objects.visible_to`` and
nothing else: its SQL is written for a stand-in, whose values are then the rows of a table, so that
one statement answers for all scopes of a shape. Each case is reached by its key; the policy's own
indexes answer the rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection

from accounts.models import User
from accounts.scopes import Shape, shape_of, stand_in, values_of
from cases.models import Case
from common.prepared import Slot, Statement, sql_with

SLOTS = ("viewer", "viewer_city", "viewer_organisation", "viewer_path")
_PLACES = {name: f"scope.{name}" for name in SLOTS} | {"case": "wanted.id"}
_SEEN = """
SELECT scope.number::int, wanted.id
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[])
        WITH ORDINALITY AS scope (viewer, viewer_city, viewer_organisation, viewer_path, number)
    CROSS JOIN unnest(%s::bigint[]) AS wanted (id)
WHERE EXISTS ({policy})
"""


@dataclass(frozen=True, slots=True)
class Scope:
    """What decides which cases somebody sees; equal for people who see the same."""

    shape: Shape
    values: tuple[int | str | None, ...]  # in the order of SLOTS, None where the policy has no use


@cache
def _statement_of(shape: Shape) -> tuple[Statement | None, frozenset[str]]:
    """Return the statement for a shape and the slots it has; None where nothing is ever seen."""
    viewer: Any = stand_in(shape)
    case = Case.objects.visible_to(viewer, from_case=True).filter(pk=Slot("case"))
    try:
        policy, slots = sql_with(case.order_by().values("pk"), _PLACES)
    except EmptyResultSet:
        return None, frozenset()
    return Statement("seen", _SEEN.format(policy=policy)), slots


def scope_of(user: User) -> Scope:
    """Return the scope of a person as their rights are now."""
    shape = shape_of(user)
    _statement, slots = _statement_of(shape)
    values = values_of(user)
    return Scope(shape, tuple(values[name] if name in slots else None for name in SLOTS))


def seen_by(scopes: Iterable[Scope], case_ids: Sequence[int]) -> dict[Scope, set[int]]:
    """Return which of these cases each scope sees: one query for each shape among them."""
    by_shape: dict[Shape, list[Scope]] = defaultdict(list)
    for scope in scopes:
        by_shape[scope.shape].append(scope)
    seen: dict[Scope, set[int]] = {}
    for shape, alike in by_shape.items():
        seen.update((scope, set()) for scope in alike)
        statement, _slots = _statement_of(shape)
        if statement is None or not case_ids:
            continue
        columns = [list(column) for column in zip(*(scope.values for scope in alike), strict=True)]
        with connection.cursor() as cursor:
            statement.execute(cursor, [*columns, list(case_ids)])
            for number, case_id in cursor.fetchall():
                seen[alike[number - 1]].add(case_id)
    return seen
