"""Give the running program's database role what it needs, and nothing to rewrite history with.

Run as the owner after every migrate: `DB_ROLE=owner manage.py grant_app_role`.
"""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from psycopg2 import sql

from common.models import AppendOnlyModel


class Command(BaseCommand):
    help = "Grant the application's database role its rights on every table of this database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--role", default=settings.DATABASE_APP_ROLE)

    def handle(self, *args: Any, **options: Any) -> None:
        role = sql.Identifier(options["role"])
        with connection.cursor() as cursor:
            for statement in self.statements(role):
                cursor.execute(statement)

    def statements(self, role: sql.Identifier) -> list[sql.Composed]:
        name = sql.Identifier(connection.settings_dict["NAME"])
        grants = [
            sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(name, role),
            sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role),
            sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(role),
        ]
        written_once = append_only_tables()
        for table in connection.introspection.django_table_names(only_existing=True):
            rights = "SELECT, INSERT" if table in written_once else "SELECT, INSERT, UPDATE, DELETE"
            target = sql.Identifier(table)
            grants.append(sql.SQL("REVOKE ALL ON {} FROM {}").format(target, role))
            grants.append(sql.SQL(f"GRANT {rights} ON {{}} TO {{}}").format(target, role))
        grants.append(sql.SQL("GRANT SELECT ON django_migrations TO {}").format(role))
        return grants


def append_only_tables() -> set[str]:
    """Return the tables whose rows are written once."""
    return {m._meta.db_table for m in apps.get_models() if issubclass(m, AppendOnlyModel)}
