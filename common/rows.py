"""Reading rows the cheap way."""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)


def one_or_none(rows: QuerySet[M]) -> M | None:
    """Return the one row that a filter can match, or None.

    ``first()`` would ask for an order too, and to write the order of a wide query costs Django more
    than to read the row.
    """
    return next(iter(rows.order_by()[:1]), None)


def rows_estimate(rows: QuerySet[Any]) -> int:
    """Return how many rows the planner expects: nothing is read."""
    compiler = rows.order_by().values("pk").query.get_compiler(DEFAULT_DB_ALIAS)
    try:
        sql, params = compiler.as_sql()
    except EmptyResultSet:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        return int(cursor.fetchone()[0][0]["Plan"]["Plan Rows"])
