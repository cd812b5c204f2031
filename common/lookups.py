"""Lookups of our own for querysets."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import CharField, Field, Lookup, QuerySet


@Field.register_lookup
class AnyOf(Lookup):
    """``pk__any_of=array_of(rows)``: ``id = ANY(ARRAY(SELECT …))``.

    Like ``pk__in=rows``, but PostgreSQL reads the subquery first, once, and can then use an index
    for what it found, also where two such conditions are joined by OR. For few rows.
    """

    lookup_name = "any_of"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Write the condition."""
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} = ANY({right})", (*left_params, *right_params)


@CharField.register_lookup
class OneOf(Lookup):
    """``state__one_of=[…]``: like ``in``, but asked of rows that another condition finds.

    No index that begins with the field is read for it. PostgreSQL multiplies how often values
    occur as if they had nothing to do with each other, and takes an index of open cases by their
    state for almost empty.
    """

    lookup_name = "one_of"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Write the condition."""
        left, left_params = self.process_lhs(compiler, connection)
        return f"({left} || '') = ANY(%s)", (*left_params, [str(each) for each in self.rhs])


def array_of(rows: QuerySet[Any, Any]) -> ArraySubquery:
    """Return a queryset of one column as what ``any_of`` is compared with."""
    return ArraySubquery(rows)
