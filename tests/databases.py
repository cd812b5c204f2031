"""Two databases for the tests of a process: a bare one, and one in which the cast is there already.

Building the cast takes half a second, longer than most tests. It is built once, in a copy of the
bare database, and every test that asks for it begins there; what the test does is rolled back.
Tests that commit keep to the bare database, which is emptied after them.
"""

from __future__ import annotations

from django.db import connection, connections

from tests.cast import build_cast
from tests.geo_city import load_mini_city

# Keys of the copy differ from those of the bare one: what is remembered by key is not mixed up.
_APART = """
DO $$ DECLARE found record; BEGIN
    FOR found IN SELECT * FROM pg_sequences WHERE schemaname = 'public' AND max_value > 2000000000
    LOOP
        PERFORM setval(format('%I.%I', found.schemaname, found.sequencename), 1000000);
    END LOOP;
END $$
"""


def database_use(name: str) -> None:
    """Let this process's tests work in a database."""
    if connection.settings_dict["NAME"] != name:
        connection.close()
        connection.settings_dict["NAME"] = name


def cast_database_make(bare: str) -> str:
    """Copy the bare database, build the cast in it, and return its name."""
    name = f"{bare}_cast"
    _maintain(f'DROP DATABASE IF EXISTS "{name}"', f'CREATE DATABASE "{name}" TEMPLATE "{bare}"')
    database_use(name)
    with connection.cursor() as cursor:
        cursor.execute(_APART)
    build_cast(load_mini_city())
    return name


def cast_database_drop(name: str) -> None:
    """Remove what ``cast_database_make`` made."""
    _maintain(f'DROP DATABASE IF EXISTS "{name}"')


def _maintain(*statements: str) -> None:
    """Run statements about databases, beside them all."""
    connections["default"].close()
    with connection._nodb_cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
