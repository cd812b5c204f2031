"""Operations for migrations: triggers that no code path can forget."""

from django.db.migrations import RunSQL
from django.db.migrations.operations.base import Operation

REFUSE_CHANGE = """
CREATE FUNCTION common_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: its rows are written once', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$
"""
DROP_REFUSE_CHANGE = "DROP FUNCTION common_refuse_change()"


def append_only_operations(table: str) -> list[Operation]:
    """Return the operations that make `table` refuse UPDATE, DELETE and TRUNCATE."""
    return [
        RunSQL(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION common_refuse_change()",
            f"DROP TRIGGER {table}_append_only ON {table}",
        ),
        RunSQL(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION common_refuse_change()",
            f"DROP TRIGGER {table}_no_truncate ON {table}",
        ),
    ]
