"""The next stretch of the log: numbered first, then read, with who sees what of it."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field

from django.db import connection

from common.prepared import Statement
from live.hub.lines import Told
from live.hub.sight import Scope, seen_by
from live.services import events_sequence, has_pending, head

MOST_AT_ONCE = 500  # positions; further behind, everybody loads again

# By primary keys; versions are those of now, which cover the event.
_STRETCH = Statement(
    "stretch",
    """
SELECT given.position, held.id, held.number, held.version, event.action, event.old_state,
    event.new_state, extract(epoch FROM clock_timestamp() - given.written_at)::float8
FROM live_eventposition AS given
    JOIN cases_caseevent AS event ON event.id = given.event_id
    JOIN cases_case AS held ON held.id = event.case_id
WHERE given.position > %s::bigint AND given.position <= %s::bigint
ORDER BY given.position
""",
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """What came after a position: up to where, the events, and which cases each scope sees."""

    until: int
    since: int = 0
    events: list[Told] = field(default_factory=list)
    seen: dict[Scope, set[int]] = field(default_factory=dict)
    is_too_much: bool = False


def begin() -> int:
    """Return where a hub that begins now stands: what is committed is numbered."""
    events_sequence()
    return head()


def read_on(after: int, scopes: Collection[Scope]) -> Stretch:
    """Number what is committed and return what came after a position.

    With nothing new that is two small queries. Of too much only the end is told.
    """
    if has_pending():
        events_sequence()
    until = head()
    if until <= after:
        return Stretch(max(until, after), after)
    if until - after > MOST_AT_ONCE:
        return Stretch(until, after, is_too_much=True)
    return read_between(after, until, scopes)


def read_between(after: int, until: int, scopes: Collection[Scope]) -> Stretch:
    """Return what stands in the log in (``after``, ``until``]: one query, one for each shape."""
    with connection.cursor() as cursor:
        _STRETCH.execute(cursor, [after, until])
        rows = cursor.fetchall()
    read_at = time.monotonic()
    events = [
        Told(*values, written_at=None if age is None else read_at - age) for *values, age in rows
    ]
    seen = seen_by(scopes, sorted({told.case_id for told in events}))
    return Stretch(until, after, events, seen)
