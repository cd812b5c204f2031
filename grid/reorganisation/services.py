"""Writing a reorganisation: read in, decided, applied as one transaction, undone as one.

Applying ends what ends and opens what opens on the day; nothing is overwritten that a past day
asks for. Undoing takes back exactly the rows that applying made and ended, and refuses where
something later stands on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import City, User
from common.errors import DomainError
from grid.models import (
    Area,
    Beat,
    Jurisdiction,
    Reorganisation,
    ReorganisationLine,
    ReorganisationStep,
)
from grid.publish import Stake, stakes_in
from grid.reorganisation.applying import carry_out
from grid.reorganisation.outcome import Outcome, outcome
from grid.reorganisation.plan import PlanLine, problems_of, read_plan, refused
from grid.reorganisation.undoing import (
    final_pairs,
    later_changes,
    take_back_areas,
    take_back_cells,
)

State, Kind = Reorganisation.State, ReorganisationStep.Kind


@transaction.atomic
def reorganisation_read(
    *,
    city: City,
    name: str,
    data: bytes,
    now: datetime,
    actor: User | None = None,
    effective_date: date | None = None,
) -> Reorganisation:
    """Store a plan's file with its lines; ``effective_date`` outranks the day the file names.

    Raise DomainError ``invalid`` for a file that is no plan, or a plan without a day.
    """
    lines, day = read_plan(data)
    day = effective_date or day
    if day is None:
        raise refused([_("Say from which day the plan takes effect.")])
    plan = Reorganisation.objects.create(city=city, name=name, effective_date=day)
    ReorganisationLine.objects.bulk_create(
        ReorganisationLine(
            reorganisation=plan, **{field: getattr(line, field) for field in line.__slots__}
        )
        for line in lines
    )
    _note(plan, Kind.READ, now, actor, counts={"lines": len(lines)})
    return plan


def reorganisation_preview(plan: Reorganisation) -> tuple[Outcome, list[Stake]]:
    """Say what applying would change and what stands on the cells; nothing is written."""
    seen = outcome(plan.city, plan.lines.all(), plan.effective_date)
    cells = [move.cell for move in seen.moves]
    return seen, [*_grid_stakes(seen), *stakes_in(cells)]


@transaction.atomic
def reorganisation_apply(
    *, reorganisation: Reorganisation, now: datetime, actor: User | None = None
) -> Outcome:
    """Let the plan hold from its day on.

    Raise DomainError ``not_possible`` 409 when it holds already or its day has not come,
    ``invalid`` with what stands in the way.
    """
    _take_time()
    plan = _locked(reorganisation)
    if plan.state == State.APPLIED:
        raise _not_possible(_("This reorganisation has been applied already."))
    if plan.effective_date > timezone.localdate(now):
        raise _not_possible(
            _("This plan takes effect on %(day)s and can be applied from that day on.")
            % {"day": plan.effective_date}
        )
    seen = carry_out(plan, plan.lines.all(), plan.effective_date)
    plan.state, plan.applied_at = State.APPLIED, now
    plan.save(update_fields=["state", "applied_at", "journal"])
    _note(plan, Kind.APPLIED, now, actor, counts=counts_of(seen))
    return seen


@transaction.atomic
def reorganisation_decide(
    *,
    line: ReorganisationLine,
    successors: Sequence[str],
    now: datetime,
    actor: User | None = None,
    name: str = "",
    cells: str = "",
    reason: str = "",
) -> ReorganisationLine:
    """Say what comes after an open line; in an applied plan it holds from today.

    ``successors`` are codes; the ground goes to the first, the others follow in name. For a founded
    area ``cells`` says its ground. Raise DomainError ``not_possible`` 409 for a line that is
    decided, ``invalid`` for what does not fit.
    """
    _take_time()
    plan = _locked(line.reorganisation)
    line = ReorganisationLine.objects.select_for_update().get(pk=line.pk)
    if not line.is_open:
        raise _not_possible(_("This has been decided already."))
    decided = _decided_lines(line, list(dict.fromkeys(successors)), name, cells, reason)
    for row in decided:
        row.decided_by, row.decided_at = actor, now
        row.save()
    counts: dict[str, int] = {}
    if plan.state == State.APPLIED:
        counts = counts_of(carry_out(plan, decided, timezone.localdate(now)))
        plan.save(update_fields=["journal"])
    said = ", ".join(str(row) for row in decided)
    _note(plan, Kind.DECIDED, now, actor, note=f"{said} {reason}"[:400].strip(), counts=counts)
    return line


@transaction.atomic
def reorganisation_undo(
    *, reorganisation: Reorganisation, now: datetime, actor: User | None = None
) -> Reorganisation:
    """Take an applied plan back: everything is as it was, and the history tells both.

    Raise DomainError ``not_possible`` 409 where it does not hold, and ``later_changes`` 409 with
    what stands on it since.
    """
    _take_time()
    plan = _locked(reorganisation)
    if plan.state != State.APPLIED:
        raise _not_possible(_("This reorganisation is not in force."))
    pairs = final_pairs(plan)
    if reasons := list(later_changes(plan, pairs)):
        raise DomainError(
            "later_changes",
            _("It cannot be undone any more: %(reasons)s") % {"reasons": " ".join(reasons)},
            {"reorganisation": reasons},
            status=409,
        )
    counts = {"cells": len(pairs), "areas": len(plan.journal["after"])}
    take_back_cells(plan, pairs)
    take_back_areas(plan)
    plan.state, plan.journal, plan.applied_at = State.UNDONE, {}, None
    plan.save(update_fields=["state", "journal", "applied_at"])
    _note(plan, Kind.UNDONE, now, actor, counts=counts)
    return plan


def counts_of(seen: Outcome) -> dict[str, int]:
    """Count what an outcome changes."""
    return {
        "recoded": len(seen.recoded),
        "changed": len(seen.changed),
        "opened": len(seen.opened),
        "ended": len(seen.ended),
        "cells": len(seen.moves),
        "undecided": len(seen.undecided),
        "outside": len(seen.outside),
    }


def _decided_lines(
    line: ReorganisationLine, successors: list[str], name: str, cells: str, reason: str
) -> list[ReorganisationLine]:
    """Return the line with its successor, and one more for each further successor."""
    line.name, line.cells, line.reason = name or line.name, cells or line.cells, reason[:300]
    if line.old_code and not successors:
        raise refused([_("Say which area comes after it.")])
    line.new_code = (successors or [line.new_code])[0]
    more = [
        ReorganisationLine(
            reorganisation=line.reorganisation,
            number=line.number,
            old_code=line.old_code,
            old_name=line.old_name,
            new_code=code,
            reason=line.reason,
        )
        for code in successors[1:]
    ]
    if line.is_open:
        raise refused([_("Say which cells belong to it.")])
    lines = [line, *more]
    checked = [
        PlanLine(row.number, **{f: getattr(row, f) for f in PlanLine.__slots__ if f != "number"})
        for row in lines
    ]
    if problems := problems_of(checked):
        raise refused(problems)
    _name_known(lines)
    return lines


def _name_known(lines: Sequence[ReorganisationLine]) -> None:
    """A successor that stands already keeps its name and its place."""
    known = {
        area.code: area
        for area in Area.objects.filter(
            code__in=[line.new_code for line in lines], valid_to=None
        ).select_related("parent")
    }
    for line in lines:
        if (area := known.get(line.new_code)) is not None:
            line.name = area.name
            line.parent = area.parent.code if area.parent else ""


def _grid_stakes(seen: Outcome) -> list[Stake]:
    """Count beats and jurisdictions that follow."""
    cells = [move.cell for move in seen.moves]
    beats = Beat.objects.filter(cells__in=cells, valid_to=None)
    ended = [area.pk for area, _codes in seen.ended]
    ties = Jurisdiction.objects.filter(area__in=ended, valid_to=None).select_related("organisation")
    names = list(beats.distinct().values_list("name", flat=True))
    return [
        Stake(_("Patrol beats"), len(names), tuple(names[:5])),
        Stake(_("Jurisdictions"), ties.count(), tuple(str(tie.organisation) for tie in ties[:5])),
    ]


def _locked(plan: Reorganisation) -> Reorganisation:
    """Lock the city's reorganisations: one at a time."""
    rows = Reorganisation.objects.select_for_update(of=("self",)).select_related("city")
    list(rows.filter(city=plan.city_id).order_by("pk").values_list("pk", flat=True))
    return rows.get(pk=plan.pk)


def _take_time() -> None:
    """Whole cities take longer than a page may."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")


def _note(
    plan: Reorganisation,
    kind: str,
    now: datetime,
    actor: User | None,
    *,
    note: str = "",
    counts: dict[str, int] | None = None,
) -> None:
    ReorganisationStep.objects.create(
        reorganisation=plan, kind=kind, at=now, actor=actor, note=note, counts=counts or {}
    )


def _not_possible(message: str) -> DomainError:
    return DomainError("not_possible", message, status=409)
