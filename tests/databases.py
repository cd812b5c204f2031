"""The databases that tests work in: copies, so that none is migrated or filled twice.

*Template*: migrated once and kept until a migration changes, under a name that says of which
migrations it was made. Every process of every run begins with a copy of it.
*Bare*: that copy; what a test does in it is rolled back.
*Cast*: a copy in which the cast is there already; building it takes half a second,
longer than most tests. What a test does in it is rolled back too.
*Own*: for a test that commits, a copy of one of them, dropped with whatever the test left in it.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from tests.cast import build_cast
from tests.geo_city import load_mini_city

TEMPLATE = "test_template_"
LOCK = 7_301_116  # of whoever makes the template, among the server's advisory locks

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


def template_make() -> str:
    """Return the name of the migrated database; make it where no run before has.

    Two processes at once: one migrates, the other waits for it.
    """
    usual = connection.settings_dict["NAME"]
    name = TEMPLATE + _fingerprint()
    try:
        with connection._nodb_cursor() as cursor:
            cursor.execute("SET lock_timeout = 0")
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            cursor.execute(
                "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [TEMPLATE]
            )
            found = {row[0] for row in cursor.fetchall()}
            if name not in found:
                for old in found:
                    cursor.execute(f'DROP DATABASE "{old}"')
                cursor.execute(f'CREATE DATABASE "{name}_new"')
                _migrate(f"{name}_new")
                cursor.execute(f'ALTER DATABASE "{name}_new" RENAME TO "{name}"')
    finally:
        database_use(usual)
    return name


def cast_database_make(template: str, bare: str) -> str:
    """Copy the template, build the cast in it, and return its name."""
    name = f"{bare}_cast"
    database_copy(template, name)
    database_use(name)
    with connection.cursor() as cursor:
        cursor.execute(_APART)
    build_cast(load_mini_city())
    return name


def database_copy(source: str, name: str) -> None:
    """Copy a database that nobody is connected to any more."""
    database_drop(name)
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')


def database_drop(name: str) -> None:
    """Remove a database, whoever still holds a connection to it."""
    connection.close()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _migrate(name: str) -> None:
    """Migrate a new database."""
    database_use(name)
    with _fewer_collections():
        call_command("migrate", verbosity=0, interactive=False, run_syncdb=True)
    connection.close()


@contextmanager
def _fewer_collections() -> Iterator[None]:
    """Look for garbage seldom: of migrating, which makes 20,000 classes, it is a quarter."""
    usual = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    yield
    gc.set_threshold(*usual)


def _fingerprint() -> str:
    """Return a hash over the migrations and the modules that they name.

    What escapes it is no danger: the copies are migrated too, as far as that is needed.
    """
    files: set[str] = set()
    for migration in MigrationLoader(None).disk_migrations.values():
        module = sys.modules[type(migration).__module__]
        named = {getattr(value, "__module__", None) for value in vars(module).values()}
        modules = [module, *(sys.modules[name] for name in named if name in sys.modules)]
        files.update(filter(None, (getattr(one, "__file__", None) for one in modules)))
    digest = sha256()
    for path in sorted(files):
        digest.update(path.encode() + Path(path).read_bytes())
    return digest.hexdigest()[:12]
