"""What every test may stand on: the database and its two roles."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations

from accounts.models import City, User
from tests.cast import Cast, build_cast, find_cast
from tests.databases import cast_database_drop, cast_database_make, database_use
from tests.geo_city import load_mini_city

TRUNCATE_GUARDS = """
    SELECT format('ALTER TABLE %%s %s TRIGGER %%I', tgrelid::regclass, tgname)
    FROM pg_trigger WHERE tgname LIKE '%%\\_no\\_truncate' AND NOT tgisinternal
"""


@pytest.fixture(scope="session", autouse=True)
def flush_append_only_tables() -> Iterator[None]:
    """Let Django empty the tables after a transactional test: their owner may lift the guard."""
    flush = DatabaseOperations.execute_sql_flush

    def switch_guards(cursor, state: str) -> list[str]:
        cursor.execute(TRUNCATE_GUARDS % state)
        return [statement for (statement,) in cursor.fetchall()]

    def execute_sql_flush(operations, sql_list: list[str]) -> None:
        with operations.connection.cursor() as cursor:
            off, on = (switch_guards(cursor, state) for state in ("DISABLE", "ENABLE"))
        flush(operations, [*off, *sql_list, *on])

    DatabaseOperations.execute_sql_flush = execute_sql_flush
    yield
    DatabaseOperations.execute_sql_flush = flush


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """Nothing that one test cached reaches the next."""
    yield
    cache.clear()


@pytest.fixture
def as_app_role(db) -> Iterator[None]:
    """Run the test as the role of the running program, which owns no table."""
    call_command("grant_app_role")
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE citymgmt_app")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")


@pytest.fixture(scope="session")
def bare_database(django_db_setup) -> str:
    """The name of the database that tests without the cast use."""
    return connection.settings_dict["NAME"]


@pytest.fixture(scope="session")
def cast_database(bare_database, django_db_blocker) -> Iterator[str]:
    """The name of the database in which the cast is there already."""
    with django_db_blocker.unblock():
        name = cast_database_make(bare_database)
    yield name
    with django_db_blocker.unblock():
        database_use(bare_database)
        cast_database_drop(name)


@pytest.fixture
def _right_database(request, bare_database) -> None:
    """Go to the database of the cast where a test asks for it and commits nothing."""
    marker = request.node.get_closest_marker("django_db")
    commits = bool(marker and marker.kwargs.get("transaction"))
    commits = commits or {"transactional_db", "live_server"} & set(request.fixturenames)
    asks = "cast" in request.fixturenames
    database_use(
        request.getfixturevalue("cast_database" if asks and not commits else "bare_database")
    )


@pytest.fixture
def _django_db_helper(_right_database, _django_db_helper) -> None:
    """Choose the database before pytest-django opens a test's transaction in it."""


@pytest.fixture(scope="session")
def mini_city_once(bare_database, django_db_blocker) -> None:
    """Load five streets of the demo city once for all tests of this process."""
    with django_db_blocker.unblock():
        database_use(bare_database)
        load_mini_city()


@pytest.fixture
def mini_city(mini_city_once, db) -> City:
    """The small city; loaded again where a transactional test has emptied the tables."""
    return City.objects.filter(area__isnull=False).first() or load_mini_city()


@pytest.fixture
def cast(db) -> Cast:
    """The small city with its catalogue, settings, bodies and people."""
    city = City.objects.filter(area__isnull=False).first() or load_mini_city()
    return find_cast(city) if User.objects.exists() else build_cast(city)
