"""How a reorganisation changes areas, codes, cells, successors and who answers where.

Called by ``services`` inside its transaction; the plan's journal remembers which rows were made and
ended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Max
from django.db.models.functions import Length, Substr
from django.utils.translation import gettext as _
from psycopg2.extras import execute_values

from accounts.models import City
from common.errors import DomainError
from grid.models import (
    Area,
    AreaCode,
    AreaSuccession,
    CellSuccession,
    GridCell,
    Jurisdiction,
    PastArea,
    Reorganisation,
    ReorganisationLine,
)
from grid.publish import tell_cells_renamed
from grid.reorganisation.outcome import After, Move, Outcome, outcome
from grid.reorganisation.plan import refused
from grid.selectors import SCHEME
from grid.services import FOLLOWERS

Journal = dict[str, list[Any]]


def carry_out(plan: Reorganisation, lines: Iterable[ReorganisationLine], on: date) -> Outcome:
    """Change everything that these lines change; the plan's journal remembers which rows."""
    seen = outcome(plan.city, lines, on, within=plan)
    if seen.problems:
        raise refused(seen.problems)
    journal: Journal = defaultdict(list, plan.journal)
    _keep_past(plan, seen)
    _change_codes(seen, journal)
    ids = _write_areas(plan, seen, journal)
    _recode_cells(plan, seen, ids)
    _redraw(seen, ids)
    _remember_successors(plan, seen, ids)
    _hand_over(seen, journal)
    journal["after"] += [
        [row.area.pk, row.code, row.name, row.name_en, ids.get(row.parent or "")]
        for row in seen.changed
        if row.area
    ]
    plan.journal = dict(journal)
    return seen


def _keep_past(plan: Reorganisation, seen: Outcome) -> None:
    """Keep what changing areas were called, and the outline of those whose ground changes."""
    changed = {row.area.pk: row for row in seen.changed if row.area}
    rows = Area.objects.in_bulk(list(changed))
    until = dict(
        PastArea.objects.filter(area__in=changed)
        .values("area")
        .annotate(last=Max("valid_to"))
        .values_list("area", "last")
    )
    kept = plan.past_areas.filter(area__in=changed, valid_to=seen.on)  # decided on the same day
    today = set(kept.values_list("area", flat=True))
    for past in kept.filter(geometry=None):
        if changed[past.area_id].gains_ground:
            past.geometry = rows[past.area_id].geometry
            past.save(update_fields=["geometry"])
    PastArea.objects.bulk_create(
        PastArea(
            area=area,
            code=area.code,
            name=area.name,
            name_en=area.name_en,
            parent_id=area.parent_id,
            geometry=area.geometry if changed[pk].gains_ground else None,
            valid_from=until.get(pk, area.valid_from),
            valid_to=seen.on,
            reorganisation=plan,
        )
        for pk, area in sorted(rows.items())
        if pk not in today and area.valid_from < seen.on
    )


def _change_codes(seen: Outcome, journal: Journal) -> None:
    """End the codes of areas that end or get another, then begin the new ones."""
    leaving = [row.area.pk for row in seen.recoded if row.area]
    leaving += [area.pk for area, _codes in seen.ended]
    codes = AreaCode.objects.filter(area__in=leaving, scheme=SCHEME, valid_to=None)
    ids = list(codes.order_by("pk").values_list("pk", flat=True))
    AreaCode.objects.filter(pk__in=ids).update(valid_to=seen.on)
    journal["codes_ended"] += ids


def _write_areas(plan: Reorganisation, seen: Outcome, journal: Journal) -> dict[str, int]:
    """Open, change and end areas; return the id of every area by its code afterwards."""
    ids = {row.code: row.area.pk for row in seen.after.values() if row.area}
    opened = sorted(seen.opened, key=lambda row: len(row.code))
    for row in opened:
        area = Area.objects.create(
            city=plan.city,
            level=row.level,
            parent_id=ids.get(row.parent or ""),
            code=row.code,
            name=row.name,
            name_en=row.name_en,
            geometry=_any_outline(seen, row),
            valid_from=seen.on,
        )
        ids[row.code] = area.pk
    journal["areas_opened"] += [ids[row.code] for row in opened]
    for row in seen.changed:
        Area.objects.filter(pk=ids[row.code]).update(
            code=row.code, name=row.name, name_en=row.name_en, parent=ids.get(row.parent or "")
        )
    ended = [area.pk for area, _codes in seen.ended]
    Area.objects.filter(pk__in=ended).update(valid_to=seen.on)
    journal["areas_ended"] += ended
    new_codes = AreaCode.objects.bulk_create(
        AreaCode(scheme=SCHEME, code=row.code, area_id=ids[row.code], valid_from=seen.on)
        for row in (*seen.recoded, *opened)
    )
    journal["codes_opened"] += [code.pk for code in new_codes]
    return ids


def _any_outline(seen: Outcome, row: After) -> Any:
    """Return an outline to begin with; ``_redraw`` gives the right one."""
    cells = [move.cell for move in seen.moves if move.to.startswith(row.code)]
    first = Area.objects.filter(cells__in=cells[:1] or [move.cell for move in seen.moves[:1]])
    return (first.first() or Area.objects.filter(city__isnull=False).first()).geometry  # type: ignore[union-attr]


# The same ground under another code; the order of ids stays, for points on an edge.
_OPEN = """
INSERT INTO grid_gridcell (city_id, code, community_id, kind, geometry, area_m2, valid_from)
SELECT cell.city_id, made.code, made.community, cell.kind, cell.geometry, cell.area_m2, made.since
FROM (VALUES %s) AS made (closed, code, community, since)
JOIN grid_gridcell AS cell ON cell.id = made.closed
ORDER BY cell.id
RETURNING code, id
"""
_FOLLOW = """
INSERT INTO {table} ({owner}, gridcell_id)
SELECT followed.{owner}, pair.opened_id
FROM grid_cellsuccession AS pair
JOIN {table} AS followed ON followed.gridcell_id = pair.closed_id
WHERE pair.opened_id = ANY (%(opened)s)
"""


def _recode_cells(plan: Reorganisation, seen: Outcome, ids: dict[str, int]) -> None:
    """Close the cells whose code changes, open them under the new one, take along what follows."""
    if not seen.moves:
        return
    codes = _cell_codes(plan.city, seen.moves)
    with connection.cursor() as cursor:
        rows = [(move.cell, code, ids[move.to], seen.on) for move, code in codes.items()]
        made = dict(execute_values(cursor.cursor, _OPEN, rows, page_size=len(rows), fetch=True))
        pairs = {move.cell: made[code] for move, code in codes.items()}
        GridCell.objects.filter(pk__in=list(pairs)).update(valid_to=seen.on)
        CellSuccession.objects.bulk_create(
            CellSuccession(reorganisation=plan, closed_id=closed, opened_id=opened)
            for closed, opened in sorted(pairs.items())
        )
        for table, owner in FOLLOWERS:
            cursor.execute(
                _FOLLOW.format(table=table, owner=owner), {"opened": list(pairs.values())}
            )
    tell_cells_renamed(pairs=pairs, reason=f"reorganisation {plan.pk} applied")


def _cell_codes(city: City, moves: Sequence[Move]) -> dict[Move, str]:
    """Give each moved cell its code: the same number where the community goes on and it is free.

    What comes from elsewhere is numbered after the last number ever given there.
    """
    digits = city.cell_sequence_length
    wanted = {move: f"{move.to}{move.code[-digits:]}" for move in moves}
    communities = {move.to for move in moves}
    borne: dict[str, set[str]] = defaultdict(set)
    known = (
        GridCell.objects.filter(city=city)
        .annotate(owner=Substr("code", 1, Length("code") - digits))
        .filter(owner__in=communities)
    )
    for owner, code in known.values_list("owner", "code"):
        borne[owner].add(code)
    codes: dict[Move, str] = {}
    for move in moves:
        if move.is_renamed and wanted[move] not in borne[move.to]:
            codes[move] = wanted[move]
            borne[move.to].add(wanted[move])
    for move in sorted(moves, key=lambda move: (move.to, move.code)):
        if move in codes:
            continue
        last = max((int(code[-digits:]) for code in borne[move.to]), default=0)
        if last + 1 >= 10**digits:
            raise DomainError(
                "codes_used_up",
                _("Community %(code)s has no codes left: %(digits)s digits number its cells.")
                % {"code": move.to, "digits": digits},
                status=409,
            )
        codes[move] = f"{move.to}{last + 1:0{digits}d}"
        borne[move.to].add(codes[move])
    return codes


# From the cells up: a community is the union of its cells, the others of their children.
_REDRAW_COMMUNITIES = """
UPDATE grid_area AS area SET geometry = drawn.shape
FROM (
    SELECT community_id, ST_Multi(ST_Union(geometry)) AS shape
    FROM grid_gridcell WHERE community_id = ANY (%(ids)s) AND valid_to IS NULL
    GROUP BY community_id
) AS drawn WHERE area.id = drawn.community_id
"""
_REDRAW_ABOVE = """
UPDATE grid_area AS area SET geometry = drawn.shape
FROM (
    SELECT parent_id, ST_Multi(ST_Union(geometry)) AS shape
    FROM grid_area WHERE parent_id = ANY (%(ids)s) AND valid_to IS NULL
    GROUP BY parent_id
) AS drawn WHERE area.id = drawn.parent_id
"""


def _redraw(seen: Outcome, ids: dict[str, int]) -> None:
    """Draw the areas anew whose ground has changed."""
    with connection.cursor() as cursor:
        for level in ("community", "street", "district"):
            statement = _REDRAW_COMMUNITIES if level == "community" else _REDRAW_ABOVE
            marked = [
                ids[row.code]
                for row in seen.after.values()
                if row.level == level and (row.gains_ground or row.is_opened)
            ]
            cursor.execute(statement, {"ids": marked})


# Those who came before a predecessor are followed by its successors too.
_SUCCEED = """
WITH direct AS (
    SELECT * FROM unnest(%(before)s::bigint[], %(after)s::bigint[]) AS pair (before, after)
)
INSERT INTO grid_areasuccession (predecessor_id, successor_id, reorganisation_id)
SELECT before, after, %(plan)s FROM direct
UNION
SELECT earlier.predecessor_id, direct.after, %(plan)s
FROM direct JOIN grid_areasuccession AS earlier ON earlier.successor_id = direct.before
ON CONFLICT DO NOTHING
"""


def _remember_successors(plan: Reorganisation, seen: Outcome, ids: dict[str, int]) -> None:
    pairs = [(before, ids[code]) for before, code in sorted(seen.successions) if code in ids]
    with connection.cursor() as cursor:
        cursor.execute(
            _SUCCEED,
            {"before": [a for a, _b in pairs], "after": [b for _a, b in pairs], "plan": plan.pk},
        )


def _hand_over(seen: Outcome, journal: Journal) -> None:
    """Nobody gains or loses ground: who answered for an area that ended answers for its parts.

    The parts of a district or street are the areas it consisted of; a community has none, its
    successors take its place.
    """
    ended = [area.pk for area, _codes in seen.ended]
    parts: dict[int, list[int]] = defaultdict(list)
    for past in PastArea.objects.filter(parent__in=ended, valid_to=seen.on, area__valid_to=None):
        parts[past.parent_id or 0].append(past.area_id)
    followed = AreaSuccession.objects.filter(predecessor__in=ended, successor__valid_to=None)
    successors: dict[int, list[int]] = defaultdict(list)
    for before, after in followed.values_list("predecessor_id", "successor_id"):
        successors[before].append(after)
    rows = Jurisdiction.objects.filter(area__in=ended, valid_to=None).order_by("pk")
    old = list(rows)
    known = set(
        Jurisdiction.objects.filter(valid_to=None).values_list(
            "organisation_id", "function", "area_id"
        )
    )
    made = []
    for row in old:
        ground = sorted(parts[row.area_id or 0]) or sorted(successors[row.area_id or 0])
        for area in ground:
            if (row.organisation_id, row.function, area) not in known:
                known.add((row.organisation_id, row.function, area))
                made.append(
                    Jurisdiction(
                        organisation_id=row.organisation_id,
                        function=row.function,
                        area_id=area,
                        valid_from=seen.on,
                    )
                )
    Jurisdiction.objects.filter(pk__in=[row.pk for row in old]).update(valid_to=seen.on)
    journal["jurisdictions_ended"] += [row.pk for row in old]
    journal["jurisdictions_opened"] += [row.pk for row in Jurisdiction.objects.bulk_create(made)]
