"""A database of its own for a replay, beside the main one: made, migrated and filled once."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys

from django.conf import settings
from django.db import connection
from django.utils import timezone
from psycopg2 import sql

from accounts.models import City
from cases.loading import load_settings
from common.errors import DomainError
from common.owner import database_analyze, of_database, owner_cursor
from components.loading import load_catalogue
from desks.demo.organisations import load_organisations
from dispatch.loading import load_proxy_work, load_routing
from evaluation.loading import load_evaluation
from grid.loading import load_city_pack
from grid.models import Area
from live.notifications.loading import load_notifications

CITY_PACK = settings.BASE_DIR / "fixtures" / "hangzhou"
MANAGE = settings.BASE_DIR / "manage.py"


def database_use(name: str) -> None:
    """Make the database where it is missing, bring it up to date, and let this process use it.

    Raise DomainError ``main_database`` for the database that people use.
    """
    main = connection.settings_dict["NAME"]
    if name == main:
        raise DomainError(
            "main_database", f"“{name}” is the main database: replays have one of their own."
        )
    _create(main, name)
    urls = {key: of_database(os.environ[key], name) for key in URLS if key in os.environ}
    for command in (("migrate", "--verbosity", "0"), ("grant_app_role",)):
        subprocess.run(  # noqa: S603  our own command with fixed words
            [sys.executable, MANAGE, *command, "--skip-checks"],
            env={**os.environ, **urls, "DB_ROLE": "owner"},
            check=True,
        )
    connection.close()
    connection.settings_dict["NAME"] = name
    settings.DATABASES["default"]["NAME"] = name
    os.environ.update(urls)


URLS = ("DATABASE_URL", "DATABASE_OWNER_URL")


def _create(main: str, name: str) -> None:
    with owner_cursor(main) as cursor:
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def city_prepare() -> City:
    """Return the city of this database; what is missing of ground and people is loaded.

    Nobody knows the people's password: they act in the replay only.
    """
    city = City.objects.first()
    if city is None:
        city = load_city_pack(CITY_PACK)
        database_analyze()
    load_catalogue()
    load_settings(city, timezone.now())
    since = Area.objects.filter(city=city).earliest("valid_from").valid_from
    load_organisations(city, since, secrets.token_urlsafe())
    load_routing(city, timezone.now())
    load_notifications(city)
    load_evaluation()
    load_proxy_work(city, timezone.now())
    return city
