"""Facts follow the event log: an ordered reader writes those of each event, exactly once.

What was written commits with the reader's position (``live.readers``); the key of a fact is made of
the event's position, so that even a mistake could not write it twice. Days touched are noted in the
same transaction: until their sums are made anew they are read from the facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from django.db import connection

from evaluation.models import PLACES, EvaluationPolicy, Fact
from evaluation.services.stories import facts_made
from evaluation.story import FactKind
from live.models import EventPosition
from live.readers import Begin, Reader, Stretch

BATCH = 500
REPEAT_PLACE = PLACES - 1  # a repeat is found when the filing's own facts are there

_TOUCH = """
INSERT INTO evaluation_dirtyday (day, touch_count) SELECT unnest(%s::date[]), 1
ON CONFLICT (day) DO UPDATE SET touch_count = evaluation_dirtyday.touch_count + 1
"""
# By the partial index fact_filed_place.
_REPEATS = """
SELECT fact.id FROM evaluation_fact AS fact
JOIN unnest(%s::bigint[], %s::int[]) AS given (id, days) ON given.id = fact.id
WHERE EXISTS (
    SELECT FROM evaluation_fact AS earlier
    WHERE earlier.kind = 'filed' AND earlier.cell_id = fact.cell_id
        AND earlier.type_id = fact.type_id AND earlier.case_id <> fact.case_id
        AND earlier.happened_at > fact.happened_at - make_interval(days => given.days)
        AND earlier.happened_at <= fact.happened_at AND earlier.id < fact.id
)
"""


def facts_write(stretch: Stretch) -> None:
    """Write the facts of a stretch of the log."""
    rows = EventPosition.objects.filter(position__gt=stretch.after, position__lte=stretch.until)
    numbered = rows.values_list("event__case_id", "event__sequence", "position")
    facts = facts_made({(case, sequence): position for case, sequence, position in numbered})
    Fact.objects.bulk_create(facts, batch_size=BATCH)
    repeats = repeats_made(facts)
    Fact.objects.bulk_create(repeats, batch_size=BATCH)
    days_touch({fact.day for fact in facts})


def repeats_made(facts: Iterable[Fact]) -> list[Fact]:
    """Return the facts that a filed case came back: the same type in the same cell before.

    Of first filings among ``facts``, which are stored; what counts are filings with lower keys.
    """
    filings = {fact.pk: fact for fact in facts if fact.kind == FactKind.EFFECTIVE and fact.type_id}
    if not filings:
        return []
    policies = list(EvaluationPolicy.objects.order_by("-valid_from"))
    days = [_repeat_days(policies, fact.day) for fact in filings.values()]
    with connection.cursor() as cursor:
        cursor.execute(_REPEATS, [list(filings), days])
        found = sorted(row[0] for row in cursor.fetchall())
    return [_repeat_of(filings[pk]) for pk in found]


def _repeat_days(policies: Sequence[EvaluationPolicy], day: date) -> int:
    return next((row.repeat_days for row in policies if row.valid_from <= day), 0)


def _repeat_of(filing: Fact) -> Fact:
    values = {field.attname: getattr(filing, field.attname) for field in Fact._meta.concrete_fields}
    return Fact(
        **{
            **values,
            "id": filing.position * PLACES + REPEAT_PLACE,
            "kind": FactKind.REPEATED.value,
            "person_id": None,
            "organisation_id": None,
        }
    )


def days_touch(days: Iterable[date]) -> None:
    """Note that the sums of these days do not hold all their facts."""
    with connection.cursor() as cursor:
        cursor.execute(_TOUCH, [sorted(days)])


READER = Reader("facts", facts_write, batch=BATCH, begin=Begin.START)
