"""Facts made again from the events: they must be the same rows.

``facts_check`` compares and writes nothing but its finding; every night it looks at what was
written lately and at a part of all else, so that in four weeks everything has been looked at.
``facts_rebuild`` writes them all anew, for a database that lost them; only the owner of the tables
may, because their triggers have to be lifted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from cases.models import Case
from evaluation.models import DAY_SUMS, DirtyDay, Fact, FactCheck
from evaluation.services.facts import READER, repeats_made
from evaluation.services.stories import facts_made
from live.models import EventPosition, EventReader
from live.readers import reader_run

BATCH = 500
PARTS = 28  # nights in which every case has been looked at
LATELY = timedelta(days=2)
MOST_NAMED = 50
COLUMNS = [field.attname for field in Fact._meta.concrete_fields]


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact that is not what the events say."""

    fact_id: int
    case_id: int
    kind: str
    what: str  # missing, unfounded, or the columns that differ

    def __str__(self) -> str:
        return f"case {self.case_id}: {self.kind} {self.fact_id}: {self.what}"


def facts_compare(case_ids: Iterable[int] | None = None) -> Iterator[Difference]:
    """Yield where stored facts differ from those made of the events the reader has read."""
    until = _read_until()
    waiting = iter(_every_case() if case_ids is None else case_ids)
    while batch := list(islice(waiting, BATCH)):
        yield from _compare(batch, until)


def _read_until() -> int:
    rows = EventReader.objects.filter(name=READER.name)
    return rows.values_list("position", flat=True).first() or 0


def _every_case() -> Iterator[int]:
    after = 0
    while batch := list(_ids().filter(pk__gt=after).order_by("pk")[:BATCH]):
        yield from batch
        after = batch[-1]


def _ids() -> Any:
    return Case.objects.values_list("pk", flat=True)


def _compare(case_ids: list[int], until: int) -> Iterator[Difference]:
    numbered = EventPosition.objects.filter(event__case__in=case_ids, position__lte=until)
    rows = numbered.values_list("event__case_id", "event__sequence", "position")
    made = facts_made({(case, sequence): position for case, sequence, position in rows})
    wanted = {fact.pk: fact for fact in (*made, *repeats_made(made))}
    stored = {fact.pk: fact for fact in Fact.objects.filter(case__in=case_ids, position__lte=until)}
    for pk in sorted({*wanted, *stored}):
        what = _difference(wanted.get(pk), stored.get(pk))
        if what:
            fact = wanted.get(pk) or stored[pk]
            yield Difference(pk, fact.case_id, fact.kind, what)


def _difference(wanted: Fact | None, stored: Fact | None) -> str:
    if stored is None:
        return "missing"
    if wanted is None:
        return "unfounded"
    columns = [name for name in COLUMNS if getattr(wanted, name) != getattr(stored, name)]
    return ", ".join(columns)


def facts_check(*, now: datetime) -> FactCheck:
    """Look at what was written lately and at tonight's part of the rest; keep what was found."""
    count = 0

    def counted() -> Iterator[int]:
        nonlocal count
        for case_id in _cases_of_tonight(now):
            count += 1
            yield case_id

    differences = list(facts_compare(counted()))
    return FactCheck.objects.create(
        checked_at=now,
        case_count=count,
        difference_count=len(differences),
        differences=[str(difference) for difference in differences[:MOST_NAMED]],
    )


def _cases_of_tonight(now: datetime) -> Iterator[int]:
    since = timezone.localdate(now - LATELY)
    lately = Fact.objects.filter(day__gte=since).order_by("case_id")
    yield from lately.values_list("case_id", flat=True).distinct().iterator(BATCH)
    part = timezone.localdate(now).toordinal() % PARTS
    others = _ids().annotate(part=F("pk") % PARTS).filter(part=part).order_by("pk")
    yield from others.iterator(BATCH)


@transaction.atomic
def facts_rebuild(*, now: datetime) -> int:
    """Write every fact anew, as the owner of the table; returns how many there are then.

    One transaction: readers of figures see the old facts until the new ones are there.
    """
    EventReader.objects.select_for_update().filter(name=READER.name).first()
    _run("SET LOCAL statement_timeout = 0", CHECK_KEYS, _GUARD.format("DISABLE"))
    _run("DELETE FROM evaluation_fact")
    for model in DAY_SUMS:
        model._default_manager.all().delete()
    DirtyDay.objects.all().delete()
    EventReader.objects.filter(name=READER.name).update(
        position=0, failed_position=None, failure="", failed_at=None, failure_count=0
    )
    while reader_run(reader=READER, now=now):
        pass
    _run(CHECK_KEYS, _GUARD.format("ENABLE"))  # what refers to a fact finds it again
    return Fact.objects.count()


CHECK_KEYS = "SET CONSTRAINTS ALL IMMEDIATE"
_GUARD = "ALTER TABLE evaluation_fact {} TRIGGER evaluation_fact_append_only"


def _run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
