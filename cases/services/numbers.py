"""Case numbers: the day and five digits, without gap or collision."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.utils import timezone

from common.prepared import Statement

# One row a city and day; the row's lock is held until the case commits or rolls back, so that a
# number is never skipped and never given twice. It is the last lock a report takes.
_NEXT = Statement(
    "next_number",
    """
INSERT INTO cases_numbercounter AS counter (city_id, day, last) VALUES (%s, %s, 1)
ON CONFLICT ON CONSTRAINT one_counter_a_day DO UPDATE SET last = counter.last + 1
RETURNING last
""",
)


def next_number(city_id: int, now: datetime) -> str:
    """Return the next number of the local day, e.g. 2026112200137."""
    day = timezone.localdate(now)
    with connection.cursor() as cursor:
        _NEXT.execute(cursor, [city_id, day])
        return f"{day:%Y%m%d}{cursor.fetchone()[0]:05d}"
