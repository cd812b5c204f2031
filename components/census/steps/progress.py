"""Statements of the steps, and how far a survey came; both commit together."""

from __future__ import annotations

from typing import Any

from django.db import connection

# An import may take the planner's and the disk's time that a page may not. What is committed a
# moment late and lost with the machine is lost together with the note that it was done. The
# statement of a worker that was killed ends soon after it: until then the survey is locked.
_MANNERS = """
SELECT set_config('statement_timeout', '0', true), set_config('synchronous_commit', 'off', true),
    set_config('work_mem', '64MB', true), set_config('client_connection_check_interval', '2s', true)
"""

# The row of a finding, always found by its key: the planner knows nothing yet of a survey that was
# loaded a moment ago, takes it for one row and would read all of its rows for each finding.
ROW_OF_FINDING = """LATERAL (
    SELECT * FROM components_surveyrow AS row
    WHERE row.survey_id = finding.survey_id AND row.line = finding.line OFFSET 0
) AS row ON true"""


def manners_set() -> None:
    """Give this transaction the time and the memory that work on a million rows needs."""
    statement(_MANNERS)


def statement(sql: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Run one statement; return its rows, none where it returns none."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values or {})
        return cursor.fetchall() if cursor.description else []


def table_make(name: str, query: str, values: dict[str, Any] | None = None) -> int:
    """Make a temporary table of a query for the rest of the transaction; return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
        cursor.execute(f"CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS {query}", values or {})
        return cursor.rowcount


def changed_by(sql: str, values: dict[str, Any] | None = None) -> int:
    """Run one statement; return how many rows it wrote."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values or {})
        return cursor.rowcount
