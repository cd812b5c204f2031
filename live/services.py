"""The sequencer: moves committed events from the outbox into the numbered log."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction

from common.prepared import Prepared
from live.models import EventPosition

BATCH = 5000
LOCK = 0x53455155  # "SEQU": one sequencer at a time, whoever it is

# The outbox shows what is committed; rows deleted here are locked, so nobody numbers them twice.
_SEQUENCE = """
WITH taken AS (
    DELETE FROM cases_eventoutbox WHERE event_id IN (
        SELECT event_id FROM cases_eventoutbox ORDER BY event_id LIMIT %s
    ) RETURNING event_id, written_at
), head AS (
    SELECT coalesce(max(position), 0) AS position FROM live_eventposition
)
INSERT INTO live_eventposition (position, event_id, written_at)
SELECT head.position + row_number() OVER (ORDER BY taken.event_id), taken.event_id,
    taken.written_at
FROM taken, head
"""

_NUMBER = """
INSERT INTO live_eventposition (position, event_id)
SELECT head.position + given.place, given.event_id
FROM unnest(%s::bigint[]) WITH ORDINALITY AS given (event_id, place),
    (SELECT coalesce(max(position), 0) AS position FROM live_eventposition) AS head
"""


def events_sequence() -> int:
    """Number what was committed since; returns how many events got a position.

    Any process may call it at any time: a transaction lock lets one through, the others wait for
    it, and what they wanted numbered is numbered when they return.
    """
    numbered = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            cursor.execute(_SEQUENCE, [BATCH])
            count = cursor.rowcount
        numbered += count
        if count < BATCH:
            return numbered


@transaction.atomic
def events_number(event_ids: Sequence[int]) -> None:
    """Number events loaded in bulk, which never were in the outbox, in the order given."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute(_NUMBER, [list(event_ids)])


def has_pending() -> bool:
    """Tell whether committed events wait for their position."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM cases_eventoutbox)")
        return cursor.fetchone()[0]


_HEAD = Prepared(EventPosition.objects.order_by("-position").values_list("position", flat=True)[:1])


def head() -> int:
    """Return the highest position given; every page asks it."""
    return next(iter(_HEAD()), 0)
