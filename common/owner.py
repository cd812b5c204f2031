"""The owner of the tables, for the few commands that do what the running program may not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import unquote

import environ
import psycopg2
from django.db import connection


def of_database(url: str, name: str) -> str:
    """Return the address of another database of the same server."""
    return f"{url.rsplit('/', 1)[0]}/{name}"


@contextmanager
def owner_cursor(database: str = "") -> Iterator[psycopg2.extensions.cursor]:
    """Open a cursor as the owner, by default in this process's database; each statement commits.

    ``DATABASE_OWNER_URL`` says who that is, ``DATABASE_URL`` where there is only one role.
    """
    url = os.environ.get("DATABASE_OWNER_URL") or os.environ["DATABASE_URL"]
    name = database or str(connection.settings_dict["NAME"])
    server = environ.Env.db_url_config(of_database(url, name))
    opened = psycopg2.connect(
        host=unquote(server["HOST"]) or None,
        port=server["PORT"] or None,
        user=server["USER"] or None,
        password=server["PASSWORD"] or None,
        dbname=server["NAME"],
    )
    opened.autocommit = True
    with closing(opened), opened.cursor() as cursor:
        yield cursor


def database_analyze() -> None:
    """Let the planner know what was just loaded; only the owner of the tables may."""
    with owner_cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
