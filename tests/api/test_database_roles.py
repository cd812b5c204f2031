"""The running program's database role: it owns nothing, and what is written once stays written."""

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from common.management.commands.grant_app_role import append_only_tables
from common.models import AppendOnlyModel, Heartbeat

APPEND_ONLY = sorted(append_only_tables())
KEYS = {model._meta.db_table: model._meta.pk.column for model in apps.get_models()}


def refused(statement: str) -> str:
    """Return why the database refuses the statement."""
    with (
        pytest.raises(DatabaseError) as refusal,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    return str(refusal.value)


def test_there_are_append_only_tables():
    assert "cases_caseevent" in APPEND_ONLY


def test_the_role_works_on_ordinary_tables(as_app_role):
    row = Heartbeat.objects.create(name="x", at="2026-10-01T00:00Z")
    Heartbeat.objects.filter(pk=row.pk).update(name="y")
    assert Heartbeat.objects.filter(name="y").delete()[0] == 1


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize(
    "verb", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0} CASCADE"]
)
def test_the_role_may_not_touch_what_is_written_once(as_app_role, table, verb):
    assert f"permission denied for table {table}" in refused(verb.format(table, KEYS[table]))


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_the_role_may_not_lift_the_guards(as_app_role, table):
    assert "must be owner" in refused(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    assert "must be owner" in refused(f"DROP TABLE {table}")


@pytest.mark.django_db
@pytest.mark.parametrize("table", APPEND_ONLY)
def test_even_the_owner_cannot_truncate_without_lifting_the_guard(table):
    assert "its rows are written once" in refused(f"TRUNCATE {table} CASCADE")


@pytest.mark.django_db
def test_every_append_only_table_has_its_guards():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, count(*) FROM pg_trigger"
            " JOIN pg_proc ON pg_proc.oid = tgfoid AND proname = 'common_refuse_change' GROUP BY 1"
        )
        guarded = dict(cursor.fetchall())
    assert {table: guarded.get(table) for table in APPEND_ONLY} == dict.fromkeys(APPEND_ONLY, 2)


@pytest.mark.django_db
def test_the_role_owns_nothing():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relowner = 'citymgmt_app'::regrole")
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db(transaction=True)
def test_the_tables_can_be_emptied_between_tests():
    assert all(
        not model.objects.exists()
        for model in apps.get_models()
        if issubclass(model, AppendOnlyModel)
    )
