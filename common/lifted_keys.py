"""Foreign keys lifted while millions of rows are copied, and checked as a whole afterwards.

Row by row they cost more than making and copying the rows.
What was lifted is kept in a table, so that a run that was killed is put right by the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg2 import sql

from common.owner import owner_cursor

_REMEMBER = """
CREATE TABLE IF NOT EXISTS common_lifted_key (
    relation text NOT NULL, name text NOT NULL, definition text NOT NULL,
    PRIMARY KEY (relation, name)
);
INSERT INTO common_lifted_key
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'f' AND conrelid = ANY (%s::regclass[])
ON CONFLICT DO NOTHING
"""


@contextmanager
def keys_checked_at_the_end(tables: Sequence[str]) -> Iterator[None]:
    """Lift the foreign keys of these tables, as their owner, and put them back at the end.

    Raise ForeignKeyViolation at the end when a row refers to nothing: then they stay lifted.
    """
    keys_lift(tables)
    try:
        yield
    finally:
        keys_restore()


def keys_lift(tables: Sequence[str]) -> None:
    """Drop the foreign keys of these tables and remember what they said."""
    with owner_cursor() as owner:
        owner.execute("BEGIN")
        owner.execute(_REMEMBER, [list(tables)])
        for relation, name, _definition in _lifted(owner):
            owner.execute(
                sql.SQL("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}").format(
                    sql.Identifier(relation), sql.Identifier(name)
                )
            )
        owner.execute("COMMIT")


def keys_restore() -> None:
    """Put lifted keys back; every row is checked against them."""
    with owner_cursor() as owner:
        owner.execute("BEGIN")
        owner.execute("SET LOCAL maintenance_work_mem = '512MB'")
        for relation, name, definition in _lifted(owner):
            owner.execute(
                sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
                    sql.Identifier(relation), sql.Identifier(name), sql.SQL(definition)
                )
            )
        owner.execute("DROP TABLE common_lifted_key")
        owner.execute("COMMIT")


def _lifted(owner: Any) -> list[tuple[str, str, str]]:
    owner.execute("SELECT relation, name, definition FROM common_lifted_key ORDER BY 1, 2")
    return owner.fetchall()
