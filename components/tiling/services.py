"""Keeping the counts of the register: folding in what changed, making them anew, proving them."""

from __future__ import annotations

from django.db import connection, transaction

from common.owner import owner_cursor
from components.tiling.sql import DIFFERENCES, FOLD, REBUILD

_LOCK = "components_componentcount"


@transaction.atomic
def counts_fold() -> int:
    """Sum the changes since the last time into the counts; return how many there were.

    One at a time: whoever finds another at it leaves the work to the other. Readers see the same
    numbers before, meanwhile and after.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute("SET LOCAL work_mem = '128MB'; SET LOCAL statement_timeout = 0")
        cursor.execute(FOLD)
        folded: int = cursor.fetchone()[0]
    return folded


def counts_rebuild() -> int:
    """Make the counts anew from the register, as the owner of the tables; return their number.

    Writers of the register wait until it is done; tiles are read as they were.
    """
    with owner_cursor() as owner:
        owner.execute("BEGIN")
        owner.execute("SET LOCAL work_mem = '256MB'; SET LOCAL statement_timeout = 0")
        owner.execute("LOCK components_component IN SHARE MODE")
        owner.execute("DELETE FROM components_componentdelta")
        owner.execute("DELETE FROM components_componentcount")
        owner.execute(REBUILD)
        made: int = owner.rowcount
        owner.execute("COMMIT")
        owner.execute("VACUUM ANALYZE components_componentcount, components_componentdelta")
    return made


def counts_differ() -> int:
    """Return in how many places the counts and the changes to come differ from the register."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '128MB'; SET LOCAL statement_timeout = 0")
        cursor.execute(DIFFERENCES)
        different: int = cursor.fetchone()[0]
    return different
