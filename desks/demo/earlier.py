"""The demo city as it was before a reorganisation: its plan read backwards, on a fresh pack.

Only for a database that was loaded a moment ago: rows are rewritten, not versioned. The pack knows
the ground of today's communities alone. Where a community exists in one of the years only, its
ground is schematic: the old ones of a street share the ground of its new ones; where a street has
no such old one, a neighbour had the ground.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

from django.db import connection, transaction
from psycopg2.extras import execute_values

from accounts.models import City
from grid.models import Area, AreaCode, Beat, GridCell, ManagementArea, Zone
from grid.reorganisation.plan import LEVELS, PlanLine

PARENT_DIGITS = {9: 6, 12: 9}


@transaction.atomic
def divisions_take_back(city: City, lines: Iterable[PlanLine], *, since: date) -> None:
    """Give a freshly loaded city the codes, names and areas it had before the plan."""
    areas = {area.code: area for area in Area.objects.filter(city=city).defer("geometry")}
    plan = [line for line in lines if line.old_code]
    before: dict[str, PlanLine] = {}
    for line in plan:
        if line.new_code in areas:
            same = line.old_code == line.new_code
            before[line.new_code] = line if same else before.get(line.new_code, line)
    old = _Earlier(city, areas, before, since)
    old.rename()
    old.add_districts(plan)
    old.hang()
    old.share_ground(plan)
    old.number_cells()
    old.date_everything()


class _Earlier:
    """The areas under their old codes, and the cells in their old communities."""

    def __init__(
        self, city: City, areas: dict[str, Area], before: dict[str, PlanLine], since: date
    ) -> None:
        self.city, self.since = city, since
        self.new = areas
        self.pool = {
            code: area for code, area in areas.items() if len(code) == 12 and code not in before
        }
        self.areas = {line.old_code: areas[code] for code, line in before.items() if code in areas}
        self.names = {line.old_code: line.old_name for line in before.values()}
        self.given: dict[int, int] = {}  # cell → community, where it is another than in the pack

    def rename(self) -> None:
        """Give the areas their old codes and names."""
        for code, area in self.areas.items():
            area.code, area.name = code, self.names[code] or area.name
        Area.objects.bulk_update(self.areas.values(), ["code", "name"], batch_size=500)

    def add_districts(self, plan: Sequence[PlanLine]) -> None:
        """Add the districts that are no more, where a street of theirs is here."""
        needed = {code[:6] for code in self.areas if len(code) == 9}
        for code in sorted(needed - self.areas.keys()):
            name = next(line.old_name for line in plan if line.old_code == code)
            self.areas[code] = self._add(code, name, next(iter(self.new.values())))

    def hang(self) -> None:
        """Hang streets and communities below the parents that their old codes name."""
        for code, area in self.areas.items():
            digits = PARENT_DIGITS.get(len(code))
            if digits and code[:digits] in self.areas:
                area.parent = self.areas[code[:digits]]
        Area.objects.bulk_update(self.areas.values(), ["parent"], batch_size=500)

    def share_ground(self, plan: Sequence[PlanLine]) -> None:
        """Give away the ground of communities that did not exist yet."""
        missing: dict[str, list[PlanLine]] = defaultdict(list)
        for line in plan:
            if len(line.old_code) == 12 and line.old_code not in self.areas:
                missing[line.old_code[:9]].append(line)
        founded: dict[str, list[Area]] = defaultdict(list)
        street_of = {area.pk: code for code, area in self.areas.items() if len(code) == 9}
        for area in self.pool.values():
            founded[street_of[area.parent_id or 0]].append(area)
        for street, communities in sorted(founded.items()):
            if olds := missing[street]:
                self._divide(street, communities, olds)
            else:
                for community in communities:
                    self._give_to_neighbour(community)

    def _divide(self, street: str, communities: Sequence[Area], olds: Sequence[PlanLine]) -> None:
        """Divide cells among old communities, in the order of their codes, in like numbers."""
        cells = list(
            GridCell.objects.filter(community__in=communities)
            .order_by("code")
            .values_list("pk", flat=True)
        )
        for number, line in enumerate(olds):
            area = self._add(line.old_code, line.old_name, communities[0], self.areas[street])
            self.areas[line.old_code] = area
            part = cells[len(cells) * number // len(olds) : len(cells) * (number + 1) // len(olds)]
            self.given |= dict.fromkeys(part, area.pk)

    def _give_to_neighbour(self, community: Area) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_NEIGHBOUR, {"id": community.pk, "old": self._old_ids()})
            (neighbour,) = cursor.fetchone()
        cells = GridCell.objects.filter(community=community).values_list("pk", flat=True)
        self.given |= dict.fromkeys(cells, neighbour)

    def _old_ids(self) -> list[int]:
        return [area.pk for code, area in self.areas.items() if len(code) == 12]

    def _add(self, code: str, name: str, like: Area, parent: Area | None = None) -> Area:
        outline = Area.objects.values_list("geometry", flat=True).get(pk=like.pk)
        return Area.objects.create(
            city=self.city,
            level=LEVELS[len(code)],
            parent=parent,
            code=code,
            name=name,
            geometry=outline,
            valid_from=self.since,
        )

    def number_cells(self) -> None:
        """Give cells and beats the codes of their old communities; draw all areas anew."""
        with connection.cursor() as cursor:
            moves = list(self.given.items())
            if moves:
                execute_values(cursor.cursor, _MOVE_CELLS, moves, page_size=len(moves))
            cursor.execute(_FREE_CODES, {"city": self.city.pk})
            cursor.execute(
                _NUMBER, {"city": self.city.pk, "digits": self.city.cell_sequence_length}
            )
            cursor.execute(_NAME_BEATS, {"city": self.city.pk})
        AreaCode.objects.filter(area__city=self.city).delete()
        Area.objects.filter(pk__in=[area.pk for area in self.pool.values()]).delete()
        with connection.cursor() as cursor:
            cursor.execute(_DRAW_COMMUNITIES, {"city": self.city.pk})
            for level in ("street", "district"):
                cursor.execute(_DRAW_ABOVE, {"city": self.city.pk, "level": level})

    def date_everything(self) -> None:
        """Let everything hold from the day of the old list."""
        for model in (Area, GridCell, Zone, Beat, ManagementArea):
            model.objects.filter(city=self.city).update(valid_from=self.since)
        AreaCode.objects.bulk_create(
            AreaCode(code=code, area=area, valid_from=self.since)
            for code, area in sorted(self.areas.items())
        )


# The community of the same street with the longest common border, else the nearest.
_NEIGHBOUR = """
SELECT other.id
FROM grid_area AS one JOIN grid_area AS other
    ON other.parent_id = one.parent_id AND other.id = ANY (%(old)s)
WHERE one.id = %(id)s
ORDER BY ST_Length(ST_Intersection(ST_Boundary(one.geometry), ST_Boundary(other.geometry))) DESC,
    ST_Distance(one.geometry, other.geometry), other.code
LIMIT 1
"""
_MOVE_CELLS = """
UPDATE grid_gridcell AS cell SET community_id = given.community
FROM (VALUES %s) AS given (cell, community) WHERE cell.id = given.cell
"""
# No code may be borne twice on the way from one numbering to the other.
_FREE_CODES = "UPDATE grid_gridcell SET code = 'x' || code WHERE city_id = %(city)s"
# Those that were there keep their order, those that came are counted after them.
_NUMBER = """
UPDATE grid_gridcell AS cell SET code = numbered.code
FROM (
    SELECT cell.id, area.code || lpad(row_number() OVER (
        PARTITION BY area.id ORDER BY cell.code)::text, %(digits)s, '0') AS code
    FROM grid_gridcell AS cell JOIN grid_area AS area ON area.id = cell.community_id
    WHERE cell.city_id = %(city)s
) AS numbered WHERE cell.id = numbered.id
"""
_NAME_BEATS = """
UPDATE grid_beat AS beat SET code = named.code
FROM (
    SELECT beat.id, area.code || '-' || lpad(row_number() OVER (
        PARTITION BY area.id ORDER BY beat.code)::text, 2, '0') AS code
    FROM grid_beat AS beat
    CROSS JOIN LATERAL (
        SELECT cell.community_id FROM grid_beat_cells AS walked
        JOIN grid_gridcell AS cell ON cell.id = walked.gridcell_id
        WHERE walked.beat_id = beat.id ORDER BY cell.id LIMIT 1
    ) AS first
    JOIN grid_area AS area ON area.id = first.community_id
    WHERE beat.city_id = %(city)s
) AS named WHERE beat.id = named.id
"""
_DRAW_COMMUNITIES = """
UPDATE grid_area AS area SET geometry = drawn.shape
FROM (
    SELECT community_id, ST_Multi(ST_Union(geometry)) AS shape
    FROM grid_gridcell WHERE city_id = %(city)s GROUP BY community_id
) AS drawn WHERE area.id = drawn.community_id
"""
_DRAW_ABOVE = """
UPDATE grid_area AS area SET geometry = drawn.shape
FROM (
    SELECT parent_id, ST_Multi(ST_Union(geometry)) AS shape
    FROM grid_area WHERE city_id = %(city)s GROUP BY parent_id
) AS drawn WHERE area.id = drawn.parent_id AND area.level = %(level)s
"""
