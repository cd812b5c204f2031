"""What every test may stand on: the database and its two roles."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import TransactionTestCase

from accounts.models import City
from desks.wall.day import day_of_city
from desks.wall.open_cases import open_cases
from tests.api.evaluation.contracted import contract, march_on_the_lot  # noqa: F401  fixtures
from tests.busy_month import busy_month  # noqa: F401  a fixture
from tests.cast import Cast
from tests.databases import (
    FILLED,
    database_copy,
    database_drop,
    database_use,
    filled_database_make,
    found_in,
    template_make,
)

HERE = Path(__file__).parent
# The folders with the longest tests first, so that none of them is left over at the end.
LONGEST_FIRST = ("browser", "faults", "scripts", "matrix", "live", "api", "web")
WITHOUT_DATABASE = "unit"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long tests in one process and with those that need no database in the other.

    Of two processes each begins with one half: while the first makes the migrated database, the
    second need not wait for it.
    """
    by_folder: dict[str, list[pytest.Item]] = {}
    for item in items:
        folder = item.path.relative_to(HERE).parts[0]
        by_folder.setdefault(folder, []).append(item)
    alone = by_folder.pop(WITHOUT_DATABASE, [])
    longest = [item for folder in LONGEST_FIRST for item in by_folder.pop(folder, [])]
    longest += [item for rest in by_folder.values() for item in rest]
    half = len(items) // 2
    items[:] = [*longest[:half], *alone, *longest[half:]]


def pytest_collection_finish() -> None:
    """Let nobody look for garbage among modules, models and 3,000 tests: they stay to the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """Nothing that one test cached reaches the next."""
    yield
    cache.clear()
    for known in (open_cases, day_of_city):
        known.cache_clear()


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
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix, django_db_blocker
) -> None:
    """Begin with a copy of the migrated database."""
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = template_make()


@pytest.fixture(scope="session")
def bare_database(django_db_setup) -> str:
    """The name of the database that tests without the cast use."""
    return connection.settings_dict["NAME"]


@pytest.fixture(scope="session")
def filled_databases(bare_database, django_db_blocker) -> Iterator[dict[str, str]]:
    """The names of the databases that are filled already, by what is in them."""
    names: dict[str, str] = {}
    yield names
    with django_db_blocker.unblock():
        database_use(bare_database)
        for name in names.values():
            database_drop(name)


@pytest.fixture(scope="session")
def nothing_to_flush() -> Iterator[None]:
    """Leave the tables as they are after a test that commits: its database is dropped."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: None)
        yield


def _with_bases(kinds: list[str]) -> list[str]:
    """Return kinds of databases after those that they are copies of."""
    while kinds and (base := FILLED[kinds[0]].base):
        kinds = [base, *kinds]
    return kinds


@pytest.fixture
def _right_database(
    request, bare_database, filled_databases, nothing_to_flush, django_db_blocker
) -> Iterator[str]:
    """Go to a filled database where a test asks for one; a test that commits has its own.

    Gives the kind that it is.
    """
    marker = request.node.get_closest_marker("django_db")
    commits = bool(marker and marker.kwargs.get("transaction"))
    commits = commits or {"transactional_db", "live_server"} & set(request.fixturenames)
    template = connection.settings_dict["TEST"]["TEMPLATE"]
    source = template if commits else bare_database
    own = f"{bare_database}_own"
    with django_db_blocker.unblock():
        kinds = _with_bases([kind for kind in FILLED if kind in request.fixturenames][-1:])
        for kind in kinds:
            if kind not in filled_databases:
                filled_databases[kind] = filled_database_make(
                    filled_databases.get(FILLED[kind].base, template), bare_database, kind
                )
            source = filled_databases[kind]
        if commits:
            database_copy(source, own)
        database_use(own if commits else source)
    yield kinds[-1] if kinds else ""
    if commits:
        with django_db_blocker.unblock():
            database_use(bare_database)
            database_drop(own)


@pytest.fixture
def _django_db_helper(_right_database, _django_db_helper) -> None:
    """Choose the database before pytest-django opens a test's transaction in it."""


@pytest.fixture
def mini_city(db) -> City:
    """Five streets of the demo city."""
    return City.objects.get()


@pytest.fixture
def cast(db, _right_database) -> Cast:
    """The small city with its catalogue, settings, bodies and people."""
    return found_in(_right_database)


@pytest.fixture
def demo_city(db) -> City:
    """The same streets with the demo's own organisations and people."""
    return City.objects.get()
