"""Copies of a case with its live clocks, for sizes that no walk through the door reaches in time.

Benchmarks and fault tests use it. A copy has no events of its own yet: its chain goes on from where
the original's stood, so its history is not one that would pass verification.
"""

from __future__ import annotations

from django.db import connection, transaction

from cases.models import Case, CaseClock

CASE_COLUMNS = ", ".join(
    field.column for field in Case._meta.concrete_fields if field.name not in ("id", "number")
)
CLOCK_COLUMNS = ", ".join(
    field.column for field in CaseClock._meta.concrete_fields if field.name not in ("id", "case")
)


@transaction.atomic
def cases_multiply(case_id: int, count: int) -> list[int]:
    """Copy a case so many times; returns the ids of the copies."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(
            f"INSERT INTO cases_case (number, {CASE_COLUMNS})"  # noqa: S608  names of our columns
            f" SELECT number || '-' || copy, {CASE_COLUMNS}"
            " FROM cases_case, generate_series(1, %s) AS copy WHERE id = %s RETURNING id",
            [count, case_id],
        )
        ids = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            f"INSERT INTO cases_caseclock (case_id, {CLOCK_COLUMNS})"  # noqa: S608  the same
            f" SELECT copy.id, {CLOCK_COLUMNS}"
            " FROM cases_caseclock, unnest(%s) AS copy (id)"
            " WHERE case_id = %s AND stopped_at IS NULL",
            [ids, case_id],
        )
    return ids
