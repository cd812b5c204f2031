"""The databases that tests work in: copies, so that none is migrated or filled twice.

*Template*: migrated once and kept until a migration changes, under a name that says of which
migrations it was made. Every process of every run begins with a copy of it.
*Bare*: that copy; what a test does in it is rolled back.
*Filled*: copies in which the small city, the cast in it, or the demo's own is there already, or on
top of one of them what a module's tests share; building them takes longer than most tests. What a
test does in them is rolled back too.
*Own*: for a test that commits, a copy of one of them, dropped with whatever the test left in it.
"""

from __future__ import annotations

import gc
import json
import pickle
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.models import Field

from accounts.models import City
from tests.cast import build_cast, find_cast
from tests.city import build_test_city
from tests.geo_city import load_mini_city

TEMPLATE = "test_template_"
IMPORTED = re.compile(r"^from (\S+) import", re.MULTILINE)
LOCK = 7_301_116  # of whoever makes the template, among the server's advisory locks


@dataclass(frozen=True)
class Filling:
    """What a fixture of its name finds in a database of its own, on top of another's."""

    fill: Callable[..., object]
    base: str = ""
    found: Callable[[], object] = City.objects.get


FILLED: dict[str, Filling] = {
    "mini_city": Filling(load_mini_city),
    "cast": Filling(build_cast, "mini_city", lambda: find_cast(City.objects.get())),
    "demo_city": Filling(build_test_city),
}


def filled(base: str) -> Callable[[Callable[[Any], object]], Any]:
    """Make a fixture of a function that fills a database once for all tests of a process.

    The function gets what the base is, a city or its cast, and so do the tests. As in a test,
    nothing follows a commit.
    """

    def register(fill: Callable[[Any], object]) -> Any:
        name = fill.__name__
        assert name not in FILLED, f"two databases are called {name}"
        FILLED[name] = Filling(fill, base, FILLED[base].found)

        @pytest.fixture(name=name)
        def there_already(db: None, _right_database: str) -> object:
            return found_in(_right_database)

        return there_already

    return register


_found: dict[str, bytes] = {}


def found_in(kind: str) -> Any:
    """Return what a filled database holds, as if read anew: each test may change what it gets."""
    return pickle.loads(_found[kind])


# Keys of the copies differ from those of the bare one: what is remembered by key is not mixed up.
_APART = """
DO $$ DECLARE found record; BEGIN
    FOR found IN SELECT * FROM pg_sequences WHERE schemaname = 'public' AND max_value > 2000000000
    LOOP
        PERFORM setval(format('%%I.%%I', found.schemaname, found.sequencename), %s);
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

    One that lacks nothing but the newest migrations is taken further. Two processes at once: one
    migrates, the other waits for it.
    """
    usual = connection.settings_dict["NAME"]
    sources = _sources()
    name = TEMPLATE + sha256(json.dumps(sources).encode()).hexdigest()[:12]
    try:
        with connection._nodb_cursor() as cursor:
            cursor.execute("SET lock_timeout = 0")
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            cursor.execute(
                "SELECT datname, coalesce(shobj_description(oid, 'pg_database'), '{}')"
                " FROM pg_database WHERE starts_with(datname, %s)",
                [TEMPLATE],
            )
            made_of = {row[0]: json.loads(row[1]) for row in cursor.fetchall()}
            if name not in made_of:
                whole = {old: files for old, files in made_of.items() if files}
                older = [old for old, files in whole.items() if files.items() <= sources.items()]
                start = max(older, key=lambda old: len(whole[old]), default="template1")
                _drop(cursor, f"{name}_new")
                cursor.execute(f'CREATE DATABASE "{name}_new" TEMPLATE "{start}"')
                _migrate(f"{name}_new")
                cursor.execute(f'COMMENT ON DATABASE "{name}_new" IS %s', [json.dumps(sources)])
                for old in made_of:
                    _drop(cursor, old)
                cursor.execute(f'ALTER DATABASE "{name}_new" RENAME TO "{name}"')
    finally:
        database_use(usual)
    return name


def filled_database_make(source: str, bare: str, kind: str) -> str:
    """Copy a database, fill the copy and return its name."""
    name = f"{bare}_{kind}"
    database_copy(source, name)
    database_use(name)
    with connection.cursor() as cursor:
        cursor.execute(_APART, [1_000_000 * (1 + list(FILLED).index(kind))])
    filling = FILLED[kind]
    if not filling.base:
        filling.fill()
    else:
        with transaction.atomic():
            filling.fill(found_in(filling.base))
            connection.run_on_commit.clear()
    _found[kind] = pickle.dumps(filling.found())
    return name


def database_copy(source: str, name: str) -> None:
    """Copy a database that nobody is connected to any more."""
    database_drop(name)
    with connection._nodb_cursor() as cursor:
        _end_sessions(cursor, source)  # threads of tests leave theirs behind
        cursor.execute("SHOW fsync")
        # Files are copied in half the time that the log takes, but synced: dear on a disk.
        how = "FILE_COPY" if cursor.fetchone() == ("off",) else "WAL_LOG"
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY {how}')


def database_drop(name: str) -> None:
    """Remove a database, whoever still holds a connection to it."""
    connection.close()
    with connection._nodb_cursor() as cursor:
        _drop(cursor, name)


def _drop(cursor: Any, name: str) -> None:
    """Drop a database; not WITH (FORCE): that would end a vacuum, which only a superuser may."""
    _end_sessions(cursor, name)
    cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')


def _end_sessions(cursor: Any, name: str) -> None:
    """End the sessions of our own roles at a database."""
    cursor.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = %s AND pg_has_role(usesysid, 'MEMBER') AND pid <> pg_backend_pid()",
        [name],
    )


def _migrate(name: str) -> None:
    """Migrate a new database."""
    database_use(name)
    with _cheap_states():
        call_command("migrate", verbosity=0, interactive=False, run_syncdb=True)
    connection.close()


@contextmanager
def _cheap_states() -> Iterator[None]:
    """Do without what makes migrating, which renders 27,000 models, twice as slow.

    Fields that no model has yet are copied, not built anew; which settings name a model is looked
    up once; garbage is looked for seldom.
    """
    build = Field.clone
    look_up = type(apps).get_swappable_settings_name.__wrapped__
    usual = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Field, "clone", lambda f: build(f) if hasattr(f, "model") else deepcopy(f))
        patch.setattr(apps, "get_swappable_settings_name", cache(partial(look_up, apps)))
        yield
    gc.set_threshold(*usual)


def _sources() -> dict[str, str]:
    """Return the digest of every migration and of the modules that they import from, by file."""
    digests: dict[str, str] = {}
    for migration in MigrationLoader(None).disk_migrations.values():
        path = Path(str(sys.modules[type(migration).__module__].__file__))
        imported = IMPORTED.findall(path.read_text(encoding="utf-8"))
        files = (sys.modules[name].__file__ for name in imported)
        for each in {str(path), *filter(None, files)}:
            digests[each] = sha256(Path(each).read_bytes()).hexdigest()[:16]
    return dict(sorted(digests.items()))
