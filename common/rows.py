"""Reading rows the cheap way."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)


def one_or_none(rows: QuerySet[M]) -> M | None:
    """Return the one row that a filter can match, or None.

    ``first()`` would ask for an order too, and to write the order of a wide query costs Django more
    than to read the row.
    """
    return next(iter(rows.order_by()[:1]), None)
