"""Moving running deadlines to a new version of their calendar: only where an administrator asks.

A calendar that is edited moves nothing by itself. Asked, each clock counts its limit, grants and
pauses again from its start by the new version; a case whose deadline moves gets an event with the
old and the new one. What has to be done is a row, so that a killed worker's rest is done by the
next; clocks that follow the version already are not touched again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import attrgetter

from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import CONFIGURE, may
from cases.deadlines.engine import CASE_FIELDS, calendar_of_clock
from cases.deadlines.publish import recalculate_later
from cases.deadlines.recomputing import deadline, grants_counted, limit_counted, paused_time
from cases.deadlines.rules import Ladder, RuleBook
from cases.deadlines.steps import is_whole, pass_over, set_next
from cases.models import (
    CalendarVersion,
    Case,
    CaseClock,
    CaseEvent,
    DeadlineRecalculation,
    FieldTask,
    WorkCalendar,
)
from cases.services.clocks import (
    CHANGING_FIELDS,
    add_parts,
    calendar_of,
    grant_all,
    in_utc,
    part_ends,
)
from cases.services.history import event_chain, events_append
from cases.services.marks import deadlines_mark
from cases.time_limits import Unit, elapsed
from common.errors import DomainError

BATCH = 200  # cases locked at once
MOST_PREVIEWED = 20_000
EXAMPLES = 20
ADMINISTRATOR = "ADM"

# Open cases by the partial index case_due, their clocks by case.
_BEHIND = """
SELECT clock.id, clock.case_id
FROM cases_case AS held JOIN cases_caseclock AS clock ON clock.case_id = held.id
WHERE held.is_open AND clock.stopped_at IS NULL AND clock.due_at IS NOT NULL AND (
    clock.calendar_version_id = ANY (%(old)s)
    OR clock.kind = 'whole' AND EXISTS (
        SELECT FROM jsonb_array_elements(clock.parts -> 'limits') AS part
        WHERE (part ->> 'calendar_version')::bigint = ANY (%(old)s)
    )
)
ORDER BY clock.case_id, clock.id
"""


class NothingToRecalculate(DomainError):
    """Every running clock follows the current version already, or it is not the current one."""

    def __init__(self) -> None:
        message = _("The calendar was published again meanwhile, or nothing is behind it.")
        super().__init__("not_possible", message, status=409)


@dataclass
class Preview:
    """What a recalculation would do; nothing is written."""

    later: int = 0
    earlier: int = 0
    kept: int = 0
    seen: int = 0
    total: int = 0
    examples: list[tuple[CaseClock, datetime, datetime]] = field(default_factory=list)

    @property
    def moved(self) -> int:
        """Deadlines that would move."""
        return self.later + self.earlier


def old_versions(calendar: WorkCalendar) -> list[int]:
    """Return the versions of a calendar that are no longer current."""
    versions = CalendarVersion.objects.filter(calendar=calendar)
    return list(versions.exclude(pk=calendar.current_version_id).values_list("pk", flat=True))


def clocks_behind(calendar: WorkCalendar) -> list[tuple[int, int]]:
    """Return the running and resting clocks that count by an old version, with their cases."""
    with connection.cursor() as cursor:
        cursor.execute(_BEHIND, {"old": old_versions(calendar)})
        return cursor.fetchall()


def recalculation_preview(calendar: WorkCalendar) -> Preview:
    """Return how many deadlines would move and some examples; at most 20,000 clocks are tried."""
    behind, old = clocks_behind(calendar), frozenset(old_versions(calendar))
    preview, version = Preview(total=len(behind)), calendar.current_version
    if version is None:
        return preview
    ids = [clock for clock, _case in behind[:MOST_PREVIEWED]]
    for clock in CaseClock.objects.filter(pk__in=ids).select_related("case").order_by("pk"):
        preview.seen += 1
        before = clock.due_at
        assert before is not None
        if not recalculate(clock, old, version):
            preview.kept += 1
            continue
        assert clock.due_at is not None
        preview.later += clock.due_at > before
        preview.earlier += clock.due_at < before
        if len(preview.examples) < EXAMPLES:
            preview.examples.append((clock, before, clock.due_at))
    return preview


def recalculate(clock: CaseClock, old: frozenset[int], version: CalendarVersion) -> bool:
    """Let a clock in memory count by the version; tell whether its deadline moved.

    A deadline that does not follow from what is stored about it (a pause from before pauses were
    kept) stays as it is: nobody could say how the new one came about.
    """
    before = clock.due_at
    if is_whole(clock):
        if clock.parts and part_ends(clock.parts)[-1] == clock.due_at:
            limits = [
                {**part, "calendar_version": version.pk}
                if part["calendar_version"] in old
                else part
                for part in clock.parts["limits"]
            ]
            clock.parts = {**clock.parts, "limits": limits}
            add_parts(clock)
        return clock.due_at != before
    calendar = calendar_of_clock(clock)
    granted = sum(grants_counted(clock, calendar), timedelta())
    is_known = deadline(clock, calendar, limit_counted(clock, calendar) + granted) == clock.due_at
    if is_known and Unit(clock.limit_unit).is_working:
        calendar = calendar_of(version.pk)
        clock.original_due_at = deadline(clock, calendar, limit_counted(clock, calendar))
        if clock.pauses:
            clock.paused_total = paused_time(clock, calendar)
        grant_all(clock, calendar)
        if clock.paused_at is not None:
            assert clock.due_at is not None
            clock.remaining = elapsed(calendar, True, clock.paused_at, clock.due_at)
    clock.calendar_version = version
    return clock.due_at != before


# ── asking and doing ──────────────────────────────────────────────────────────────────────────


@transaction.atomic
def recalculation_ask(
    *, actor: User, calendar: WorkCalendar, version: int, reason: str, now: datetime
) -> DeadlineRecalculation:
    """Ask that running deadlines follow the current version, which the actor has seen.

    Raises:
        DomainError: role_refused 403, missing_field 400 without a reason.
        NothingToRecalculate: another version is current by now, or nothing is behind (409).
    """
    if not may(actor.roles, CONFIGURE):
        raise DomainError("role_refused", _("Your role does not allow this."), status=403)
    if not reason.strip():
        message = _("Say why running deadlines should move: everybody concerned will ask.")
        raise DomainError("missing_field", message, {"reason": [message]})
    calendar = WorkCalendar.objects.select_for_update().get(pk=calendar.pk)
    if calendar.current_version_id != version or not clocks_behind(calendar):
        raise NothingToRecalculate
    asked = DeadlineRecalculation.objects.create(
        version_id=version, asked_by=actor, asked_at=now, reason=reason.strip()[:300]
    )
    recalculate_later(asked.pk)
    return asked


def recalculations_waiting() -> list[int]:
    """Return the recalculations that are not finished, oldest first."""
    waiting = DeadlineRecalculation.objects.filter(finished_at__isnull=True).order_by("pk")
    return list(waiting.values_list("pk", flat=True))


def recalculation_work(*, recalculation_id: int, now: datetime) -> int:
    """Do what was asked, in batches; returns how many deadlines this call moved.

    May be killed and repeated, and run twice at once. A version published meanwhile wins: what is
    left then waits until somebody asks again.
    """
    related = "version__calendar__current_version", "asked_by"
    asked = DeadlineRecalculation.objects.select_related(*related).get(pk=recalculation_id)
    calendar, moved = asked.version.calendar, 0
    if asked.finished_at is None and calendar.current_version_id == asked.version_id:
        case_ids = sorted({case for _clock, case in clocks_behind(calendar)})
        old = frozenset(old_versions(calendar))
        for start in range(0, len(case_ids), BATCH):
            moved += _move(asked, case_ids[start : start + BATCH], old, now)
    DeadlineRecalculation.objects.filter(pk=asked.pk, finished_at__isnull=True).update(
        finished_at=now
    )
    return moved


@transaction.atomic
def _move(
    asked: DeadlineRecalculation, case_ids: list[int], old: frozenset[int], now: datetime
) -> int:
    """Move the clocks of a batch of cases; what fell due by the old deadline is done first."""
    locked = Case.objects.filter(pk__in=case_ids).order_by("pk").select_for_update()
    cases = {case.pk: case for case in locked.only(*CASE_FIELDS, "clock_kind", "due_at", "warn_at")}
    clocks = list(
        CaseClock.objects.filter(
            case__in=case_ids, stopped_at__isnull=True, due_at__isnull=False
        ).order_by("case_id", "pk")
    )
    book, ladder, events, changed = RuleBook(), Ladder(clocks), [], []
    moved = kept = 0
    for case_id, own in groupby(clocks, key=attrgetter("case_id")):
        case = cases[case_id]
        behind = [clock for clock in own if _is_behind(clock, old)]
        events += deadlines_mark(
            case,
            behind,
            now=now,
            rules_of=book.of,
            calendar_of=calendar_of_clock,
            ladder=ladder,
        )
        for clock in behind:
            changed.append(clock)
            before = clock.due_at
            if not recalculate(clock, old, asked.version):
                kept += 1
                continue
            moved += 1
            assert before is not None
            events.append(_moved_event(asked, case, clock, before, now))
            clock.deadline_number += 1
            rules = book.of(case, clock.kind)
            pass_over(clock, calendar_of_clock(clock), rules, now)
            set_next(clock, calendar_of_clock(clock), rules)
            _show(case, clock)
    _store(cases, changed, events)
    DeadlineRecalculation.objects.filter(pk=asked.pk).update(
        moved_count=F("moved_count") + moved, kept_count=F("kept_count") + kept
    )
    return moved


def _is_behind(clock: CaseClock, old: frozenset[int]) -> bool:
    parts = clock.parts.get("limits", ()) if is_whole(clock) else ()
    return clock.calendar_version_id in old or any(p["calendar_version"] in old for p in parts)


def _moved_event(
    asked: DeadlineRecalculation, case: Case, clock: CaseClock, before: datetime, now: datetime
) -> CaseEvent:
    assert clock.due_at is not None
    event = CaseEvent(
        case=case,
        run=case.run,
        action="recalculate",
        actor_id=asked.asked_by_id,
        role=ADMINISTRATOR,
        organisation_id=asked.asked_by.organisation_id,
        old_state=case.state,
        new_state=case.state,
        at=now,
        data={
            "clock": str(clock.kind),
            "clock_id": clock.pk,
            "calendar": asked.version.calendar.code,
            "version": asked.version.number,
            "from": before.astimezone(UTC).isoformat(),
            "to": in_utc(clock.due_at),
            "recalculation": asked.pk,
        },
    )
    return event_chain(case, event, {})[0]


def _show(case: Case, clock: CaseClock) -> None:
    """Repeat the deadline on the case that waits for this clock."""
    if clock.kind == case.clock_kind and clock.sub_order_id is None:
        case.due_at, case.warn_at = clock.due_at, clock.warn_at


def _store(cases: dict[int, Case], clocks: list[CaseClock], events: list[CaseEvent]) -> None:
    touched = {event.case_id for event in events}
    events_append(events, [cases[pk] for pk in touched])
    Case.objects.bulk_update(
        [cases[pk] for pk in sorted(touched)], ["due_at", "warn_at"], batch_size=BATCH
    )
    for task in _tasks(touched):
        task.due_at = cases[task.case_id].due_at
        task.save(update_fields=["due_at"])
    if clocks:
        CaseClock.objects.bulk_create(
            clocks,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=[*CHANGING_FIELDS],
        )


def _tasks(case_ids: set[int]) -> Iterator[FieldTask]:
    """Yield the collectors' open tasks: each is due when its case is."""
    yield from FieldTask.objects.filter(case__in=case_ids, ended_at__isnull=True)
