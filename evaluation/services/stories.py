"""Reading histories, and making facts of them: a fixed number of queries for any number of cases.

Everything comes from what cannot change any more: events, clocks that have stopped (a trigger keeps
them as they are; of a running one only whose it is and since when), and what a cell's code meant
and where it lay on the day the case was placed there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from cases.models import CaseClock, CaseEvent
from cases.services.clocks import calendar_of
from cases.time_limits import Limit, Unit, advance, elapsed, limit_duration
from cases.workflow import ClockKind
from components.models import CaseType
from evaluation.models import PLACES, Fact
from evaluation.story import Draft, Step, StoryClock, drafts_of

SECOND = timedelta(seconds=1)
Positions = Mapping[tuple[int, int], int]  # of the events of a case, by case and sequence


def facts_made(positions: Positions) -> list[Fact]:
    """Return the facts of these events, in the order of their keys, but for repeats; not saved."""
    case_ids = sorted({case_id for case_id, _sequence in positions})
    clocks = _read_clocks(case_ids, positions)
    found: list[tuple[int, int, Draft]] = []
    for case_id, steps in _read_steps(case_ids):
        place: dict[int, int] = defaultdict(int)
        for draft in drafts_of(steps, clocks[case_id]):
            position = positions.get((case_id, draft.sequence))
            if position is not None:
                found.append((position * PLACES + place[position], case_id, draft))
                place[position] += 1
    found.sort(key=itemgetter(0))
    return _with_keys(found)


def _read_steps(case_ids: list[int]) -> Iterable[tuple[int, list[Step]]]:
    rows = (
        CaseEvent.objects.filter(case__in=case_ids)
        .order_by("case_id", "sequence")
        .values_list(
            "case_id",
            "sequence",
            "run",
            "action",
            "actor_id",
            "organisation_id",
            "new_state",
            "at",
            "data",
        )
    )
    for case_id, group in groupby(rows, key=itemgetter(0)):
        yield case_id, [Step(*row[1:]) for row in group]


# ── clocks ────────────────────────────────────────────────────────────────────────────────────


def _read_clocks(case_ids: list[int], positions: Positions) -> dict[int, list[StoryClock]]:
    clocks: dict[int, list[StoryClock]] = defaultdict(list)
    lead = Q(kind=ClockKind.HANDLE.value) | Q(stopped_sequence__isnull=False)
    for row in CaseClock.objects.filter(lead, case__in=case_ids).order_by("case_id", "id"):
        is_wanted = (row.case_id, row.stopped_sequence) in positions
        clocks[row.case_id].append(_story_clock(row, is_wanted))
    return clocks


def _story_clock(row: CaseClock, is_wanted: bool) -> StoryClock:
    known: dict[str, Any] = {}
    if is_wanted:
        used, paused = time_taken(row)
        known = {
            "standard_id": row.standard_id,
            "due_at": row.due_at,
            "actual_end_at": row.actual_end_at,
            "used_seconds": used // SECOND,
            "paused_seconds": paused // SECOND,
        }
        if row.kind == ClockKind.ACCEPT:
            known["pause_dues"] = tuple(pause_dues(row))
    return StoryClock(
        id=row.pk,
        run=row.run,
        kind=row.kind,
        is_part=row.sub_order_id is not None,
        organisation_id=row.organisation_id,
        person_id=row.person_id,
        started_at=row.started_at,
        stopped_sequence=row.stopped_sequence,
        outcome=row.outcome,
        **known,
    )


def time_taken(clock: CaseClock) -> tuple[timedelta, timedelta]:
    """Return the time used and the time paused of a stopped clock, both as its limit counts.

    The whole has no unit: it counts natural time.
    """
    assert clock.actual_end_at is not None
    paused = clock.paused_total or timedelta()
    if clock.limit_unit and Unit(clock.limit_unit).is_working:
        calendar = calendar_of(clock.calendar_version_id)
        return elapsed(calendar, True, clock.started_at, clock.actual_end_at) - paused, paused
    return clock.actual_end_at - clock.started_at - paused, paused


def pause_dues(clock: CaseClock) -> Iterable[tuple[datetime, datetime]]:
    """Yield the beginning of each pause with the deadline as it stood then."""
    assert clock.limit_value is not None
    limit = Limit(clock.limit_value, Unit(clock.limit_unit))
    calendar, is_working = calendar_of(clock.calendar_version_id), limit.unit.is_working
    allowed = limit_duration(calendar, limit)
    for start, end in _pauses(clock):
        yield start, advance(calendar, is_working, clock.started_at, allowed)
        if end is not None:
            allowed += elapsed(calendar, is_working, start, end)


def _pauses(clock: CaseClock) -> Iterable[tuple[datetime, datetime | None]]:
    for start, end in clock.pauses:
        yield datetime.fromisoformat(start), datetime.fromisoformat(end)
    if clock.actual_end_at is not None and clock.actual_end_at != clock.stopped_at:
        yield clock.actual_end_at, None  # it was resting when it was stopped


# ── keys for codes ────────────────────────────────────────────────────────────────────────────


class PlaceKeys(NamedTuple):
    """A cell and the areas it lay in on a day."""

    cell_id: int
    community_id: int
    street_id: int
    district_id: int


# By the exclusion constraint on (code, validity); what areas were, by the index on their past.
_PLACES = """
SELECT wanted.code, wanted.day, cell.id, community.id, street.id, district.id
FROM unnest(%s::text[], %s::date[]) AS wanted (code, day)
JOIN LATERAL (
    SELECT id, community_id FROM grid_gridcell WHERE code = wanted.code
    ORDER BY (valid_from <= wanted.day AND (valid_to IS NULL OR valid_to > wanted.day)) DESC,
        valid_from
    LIMIT 1
) AS cell ON true
JOIN grid_area AS community ON community.id = cell.community_id
LEFT JOIN grid_pastarea AS community_past ON community_past.area_id = community.id
    AND community_past.valid_from <= wanted.day AND community_past.valid_to > wanted.day
JOIN grid_area AS street ON street.id = coalesce(community_past.parent_id, community.parent_id)
LEFT JOIN grid_pastarea AS street_past ON street_past.area_id = street.id
    AND street_past.valid_from <= wanted.day AND street_past.valid_to > wanted.day
JOIN grid_area AS district ON district.id = coalesce(street_past.parent_id, street.parent_id)
"""


def _place_keys(wanted: set[tuple[str, date]]) -> dict[tuple[str, date], PlaceKeys]:
    pairs = sorted(wanted)
    with connection.cursor() as cursor:
        cursor.execute(_PLACES, [[code for code, _day in pairs], [day for _code, day in pairs]])
        return {(row[0], row[1]): PlaceKeys(*row[2:]) for row in cursor.fetchall()}


def _with_keys(found: list[tuple[int, int, Draft]]) -> list[Fact]:
    drafts = [draft for _pk, _case_id, draft in found]
    places = _place_keys({(d.cell_code, _placed_on(d)) for d in drafts})
    codes = {d.type_code for d in drafts if d.type_code}
    types = dict(CaseType.objects.filter(code__in=codes).values_list("code", "pk"))
    return [
        Fact(
            id=pk,
            position=pk // PLACES,
            case_id=case_id,
            sequence=draft.sequence,
            clock_id=draft.clock_id,
            run=draft.run,
            kind=draft.kind.value,
            outcome=draft.outcome,
            action=draft.action,
            is_part=draft.is_part,
            is_late=draft.is_late,
            day=timezone.localdate(draft.at),
            happened_at=draft.at,
            started_at=draft.started_at,
            planned_end_at=draft.planned_end_at,
            actual_end_at=draft.actual_end_at,
            used_seconds=draft.used_seconds,
            paused_seconds=draft.paused_seconds,
            organisation_id=draft.organisation_id,
            person_id=draft.person_id,
            source=draft.source,
            type_id=types[draft.type_code] if draft.type_code else None,
            standard_id=draft.standard_id,
            cell_code=draft.cell_code,
            **places[draft.cell_code, _placed_on(draft)]._asdict(),
        )
        for pk, case_id, draft in found
    ]


def _placed_on(draft: Draft) -> date:
    assert draft.placed_at is not None
    return timezone.localdate(draft.placed_at)
