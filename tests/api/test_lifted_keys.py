"""Foreign keys lifted for bulk loading come back as they were, whatever happened in between."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection
from psycopg2.errors import ForeignKeyViolation

from common.lifted_keys import keys_checked_at_the_end, keys_lift

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = ("cases_caseperson", "cases_casephoto")
DANGLING = "INSERT INTO cases_caseperson (case_id, name, phone) VALUES (-7, '', '')"


def keys() -> list[tuple[str, str]]:
    """Return the foreign keys of the tables, with what they say."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE contype = 'f' AND conrelid = ANY (%s::regclass[]) ORDER BY 1",
            [list(TABLES)],
        )
        return cursor.fetchall()


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_keys_are_lifted_and_come_back_as_they_were():
    before = keys()
    assert len(before) == 3
    with keys_checked_at_the_end(TABLES):
        assert keys() == []
    assert keys() == before


def test_a_row_that_refers_to_nothing_is_found_and_the_next_run_puts_it_right():
    before = keys()
    with pytest.raises(ForeignKeyViolation), keys_checked_at_the_end(TABLES):
        run(DANGLING)
    assert keys() == []
    run("DELETE FROM cases_caseperson")
    with keys_checked_at_the_end(TABLES):
        pass
    assert keys() == before
    with pytest.raises(IntegrityError):
        run(DANGLING)


def test_an_error_in_between_leaves_no_key_lifted():
    before = keys()
    with pytest.raises(ZeroDivisionError), keys_checked_at_the_end(TABLES):
        raise ZeroDivisionError
    assert keys() == before


def test_a_killed_run_is_put_right_by_the_next():
    before = keys()
    keys_lift(TABLES)
    assert keys() == []
    with keys_checked_at_the_end(TABLES):
        pass
    assert keys() == before
