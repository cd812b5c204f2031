"""How a reorganisation is taken back, and what keeps it from being taken back.

Called by ``services`` inside its transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from common.errors import DomainError
from grid.models import (
    Area,
    AreaCode,
    AreaSuccession,
    Beat,
    CellSuccession,
    GridCell,
    Jurisdiction,
    Reorganisation,
    Zone,
)
from grid.publish import stakes_in, tell_cells_renamed
from grid.reorganisation.applying import Journal
from grid.services import FOLLOWERS

OWNERS: dict[str, type[Beat] | type[Jurisdiction] | type[Zone]] = {
    "beat_id": Beat,
    "jurisdiction_id": Jurisdiction,
    "zone_id": Zone,
}


def final_pairs(plan: Reorganisation) -> dict[int, int]:
    """Return for each opened cell the one that stood there before the plan."""
    rows = CellSuccession.objects.filter(reorganisation=plan)
    before = dict(rows.values_list("opened_id", "closed_id"))
    pairs = {}
    for opened, first in before.items():
        closed = first
        while closed in before:
            closed = before[closed]
        pairs[opened] = closed
    return pairs


_CHANGED_SINCE = """
SELECT DISTINCT followed.{owner} FROM {table} AS followed
WHERE followed.gridcell_id = ANY (%(opened)s) AND NOT EXISTS (
    SELECT FROM {table} AS before
    JOIN grid_cellsuccession AS pair ON pair.closed_id = before.gridcell_id
    WHERE pair.opened_id = followed.gridcell_id AND before.{owner} = followed.{owner})
UNION
SELECT DISTINCT before.{owner} FROM {table} AS before
JOIN grid_cellsuccession AS pair ON pair.closed_id = before.gridcell_id
WHERE pair.opened_id = ANY (%(opened)s) AND NOT EXISTS (
    SELECT FROM {table} AS followed
    WHERE followed.gridcell_id = pair.opened_id AND before.{owner} = followed.{owner})
"""


def later_changes(plan: Reorganisation, pairs: dict[int, int]) -> Iterable[str]:
    """Name what stands on the plan since it was applied."""
    later = Reorganisation.objects.filter(
        city=plan.city, state=Reorganisation.State.APPLIED, applied_at__gt=plan.applied_at
    )
    if later.exists():
        names = ", ".join(later.values_list("name", flat=True))
        yield _("Undo first what was applied later: %(names)s.") % {"names": names}
    opened = list(pairs)
    inner = CellSuccession.objects.filter(reorganisation=plan).values("closed_id")
    gone = GridCell.objects.filter(pk__in=opened).exclude(valid_to=None).exclude(pk__in=inner)
    if codes := list(gone.values_list("code", flat=True)[:3]):
        yield _("Cells were gridded anew since: %(codes)s.") % {"codes": ", ".join(codes)}
    for stake in stakes_in(opened):
        if stake.bound_count:
            yield _("%(label)s since, which keep their cell: %(count)d, such as %(examples)s.") % {
                "label": stake.label,
                "count": stake.bound_count,
                "examples": ", ".join(stake.examples[:3]),
            }
    with connection.cursor() as cursor:
        for table, owner in FOLLOWERS:
            cursor.execute(_CHANGED_SINCE.format(table=table, owner=owner), {"opened": opened})
            if changed := [pk for (pk,) in cursor.fetchall()]:
                yield _("Cells of these were changed since: %(names)s.") % {
                    "names": ", ".join(_names(owner, changed[:5]))
                }
    now = {row[0]: row for row in _present(plan)}
    expected = {row[0]: row for row in map(tuple, plan.journal["after"])}  # the last one counts
    if changed := [now[pk][2] for pk in expected if now[pk] != expected[pk]]:
        yield _("These areas were changed since: %(names)s.") % {"names": ", ".join(changed[:5])}


def _present(plan: Reorganisation) -> Iterable[tuple[Any, ...]]:
    ids = [row[0] for row in plan.journal["after"]]
    return Area.objects.filter(pk__in=ids).values_list("id", "code", "name", "name_en", "parent_id")


def _names(owner: str, ids: Sequence[int]) -> list[str]:
    """Name the owners of followed cells."""
    return [str(row) for row in OWNERS[owner]._default_manager.filter(pk__in=ids)]


def take_back_cells(plan: Reorganisation, pairs: dict[int, int]) -> None:
    """Reopen the cells that were closed; those opened for them go."""
    opened = list(pairs)
    tell_cells_renamed(pairs=pairs, reason=f"reorganisation {plan.pk} undone")
    with connection.cursor() as cursor:
        for table, _owner in FOLLOWERS:
            cursor.execute(f"DELETE FROM {table} WHERE gridcell_id = ANY (%s)", [opened])  # noqa: S608  names of this module
    CellSuccession.objects.filter(reorganisation=plan).delete()
    _delete(GridCell.objects.filter(pk__in=opened))
    GridCell.objects.filter(pk__in=set(pairs.values())).update(valid_to=None)


def take_back_areas(plan: Reorganisation) -> None:
    """Give areas back their codes, names, parents and outlines."""
    journal: Journal = defaultdict(list, plan.journal)
    Jurisdiction.objects.filter(pk__in=journal["jurisdictions_opened"]).delete()
    Jurisdiction.objects.filter(pk__in=journal["jurisdictions_ended"]).update(valid_to=None)
    AreaSuccession.objects.filter(reorganisation=plan).delete()
    AreaCode.objects.filter(pk__in=journal["codes_opened"]).delete()
    AreaCode.objects.filter(pk__in=journal["codes_ended"]).update(valid_to=None)
    Area.objects.filter(pk__in=journal["areas_ended"]).update(valid_to=None)
    # The latest past first: an area that changed twice ends as it was at the beginning.
    for past in plan.past_areas.order_by("-valid_to", "-pk"):
        before: dict[str, Any] = {
            "code": past.code,
            "name": past.name,
            "name_en": past.name_en,
            "parent_id": past.parent_id,
        }
        if past.geometry is not None:
            before["geometry"] = past.geometry
        Area.objects.filter(pk=past.area_id).update(**before)
    plan.past_areas.all().delete()
    opened = Area.objects.filter(pk__in=journal["areas_opened"])
    for level in (Area.Level.COMMUNITY, Area.Level.STREET, Area.Level.DISTRICT):
        _delete(opened.filter(level=level))


def _delete(rows: Any) -> None:
    try:
        rows.delete()
    except ProtectedError as error:
        names = ", ".join(str(row) for row in list(error.protected_objects)[:3])
        message = _("It cannot be undone any more: %(names)s refer to it.") % {"names": names}
        raise DomainError("later_changes", message, status=409) from error
