"""What a reorganisation means for the areas of a city: read only, the same for preview and apply.

An area keeps its row, and with it its cases, components and people's ground, when it is the one
heir of a new code; it is then called otherwise. One that is not an heir ends. Codes of areas that
this city does not have lie outside: they are remembered, nothing is changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.utils.translation import gettext as _

from accounts.models import City
from grid.models import (
    Area,
    CellSuccession,
    GridCell,
    PastArea,
    Reorganisation,
    ReorganisationLine,
)
from grid.reorganisation.plan import LEVELS, PARENT_DIGITS, cells_named

AREA_FIELDS = ("id", "level", "code", "name", "name_en", "parent_id", "valid_from", "valid_to")


@dataclass(slots=True)
class After:
    """An area as it will be; ``area`` is None for one that the plan opens."""

    area: Area | None
    level: str
    code: str
    name: str
    name_en: str
    parent: str | None  # the parent's code after the reorganisation
    gains_ground: bool = False  # or loses some
    is_moved: bool = False  # below another parent

    @property
    def is_opened(self) -> bool:
        """Tell whether the plan opens it."""
        return self.area is None


@dataclass(frozen=True, slots=True)
class Move:
    """A cell that gets another code: its community's code changes, or its community."""

    cell: int
    code: str
    community: int  # the community's id so far
    to: str  # the community's code afterwards
    is_renamed: bool  # the community stays, so the sequence may stay


@dataclass(slots=True)
class Outcome:
    """What would change, and what stands in the way."""

    on: date
    after: dict[str, After] = field(default_factory=dict)
    changed: list[After] = field(default_factory=list)
    opened: list[After] = field(default_factory=list)
    ended: list[tuple[Area, list[str]]] = field(default_factory=list)
    undecided: list[ReorganisationLine] = field(default_factory=list)
    outside: list[ReorganisationLine] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    successions: set[tuple[int, str]] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    @property
    def recoded(self) -> list[After]:
        """Areas that keep their row and get another code."""
        return [row for row in self.changed if row.area and row.area.code != row.code]

    @property
    def touched_ids(self) -> list[int]:
        """Ids of all areas that change or end."""
        changed = [row.area.pk for row in self.changed if row.area]
        return [*changed, *(area.pk for area, _to in self.ended)]


def outcome(
    city: City,
    lines: Iterable[ReorganisationLine],
    on: date,
    *,
    within: Reorganisation | None = None,
) -> Outcome:
    """Say what these lines change in a city on a day.

    What the reorganisation ``within`` opened on that very day may change once more: a line of it
    was decided.
    """
    return _Planner(city, list(lines), on, within).run()


class _Planner:
    """The areas of the day and the lines, and what follows from both."""

    def __init__(
        self,
        city: City,
        lines: list[ReorganisationLine],
        on: date,
        within: Reorganisation | None,
    ) -> None:
        self.city, self.on = city, on
        self.within = within.pk if within else None
        self.just_opened = within.journal.get("areas_opened", []) if within else []
        rows = Area.objects.filter(city=city, valid_to=None).only(*AREA_FIELDS).order_by("pk")
        self.here = {area.code: area for area in rows}
        self.by_id = {area.pk: area for area in self.here.values()}
        self.out = Outcome(on)
        self.by_old: dict[str, list[ReorganisationLine]] = defaultdict(list)
        self.by_new: dict[str, list[ReorganisationLine]] = defaultdict(list)
        self.before: dict[str, list[str]] = defaultdict(list)
        for line in lines:
            self.before[line.new_code].append(line.old_code)
        self.staying: set[str] = set()
        for line in lines:
            self._sort_in(line)
        self.heirs = {code: self._heir(code) for code in self.by_new}
        self.heir_of = {area.pk: code for code, area in self.heirs.items() if area}

    def _sort_in(self, line: ReorganisationLine) -> None:
        """Put a line where it counts: decided here, to be decided here, or outside."""
        is_here = line.old_code in self.here if line.old_code else self._is_founded_here(line)
        if not is_here:
            self.out.outside.append(line)
        elif line.is_open:
            self.out.undecided.append(line)
        else:
            self.by_new[line.new_code].append(line)
            if line.old_code:
                self.by_old[line.old_code].append(line)

    def _is_founded_here(self, line: ReorganisationLine) -> bool:
        """Tell whether an area without predecessor concerns this city."""
        parent = _parent_code(line)
        known = [code for code in (parent, *self.before[parent]) if code in self.here]
        return bool(line.cells or known)

    def _main(self, old: str) -> str:
        """Return the code by which an old area goes on: its own, else the one with the rest."""
        lines = self.by_old[old]
        codes = [line.new_code for line in lines]
        rest = [line.new_code for line in lines if not line.cells]
        return old if old in codes else (rest or codes)[0]

    def _heir(self, code: str) -> Area | None:
        """Return the area that goes on under a new code; None where one is opened for it."""
        standing = self.here.get(code)
        is_named = code in self.by_old or any(line.old_code == code for line in self.out.undecided)
        goes_on = any(line.old_code == code for line in self.by_new[code])
        if standing is not None and (goes_on or not is_named):
            return standing
        olds = {line.old_code for line in self.by_new[code] if line.old_code}
        mains = [old for old in sorted(olds) if self._main(old) == code]
        return self.here[mains[0]] if len(mains) == 1 else None

    def run(self) -> Outcome:
        """Fill the outcome."""
        self._stay()
        self._go_on()
        self._end()
        self._drop_empty()
        self._find_parents()
        self._move_cells()
        self._note_ground()
        self.out.changed = [row for row in self.out.after.values() if self._differs(row)]
        self.out.opened = [row for row in self.out.after.values() if row.is_opened]
        self.out.problems += self._day_problems()
        return self.out

    def _stay(self) -> None:
        """Areas that no decided line names stay as they are."""
        for code, area in self.here.items():
            if code in self.by_old or area.pk in self.heir_of:
                continue
            if code in self.by_new:
                self.out.problems.append(
                    _("%(code)s is given to another area while %(name)s still bears it.")
                    % {"code": code, "name": area.name}
                )
            self.staying.add(code)
            self.out.after[code] = After(area, area.level, code, area.name, area.name_en, None)

    def _go_on(self) -> None:
        """Heirs and opened areas, with what their lines say."""
        for code, lines in self.by_new.items():
            area = self.heirs[code]
            name = next((line.name for line in lines if line.name), area.name if area else "")
            renamed = area is None or name != area.name
            english = next((line.name_en for line in lines if line.name_en), "")
            if not name:
                self.out.problems.append(_("%(code)s is new and has no name.") % {"code": code})
            self.out.after[code] = After(
                area,
                LEVELS[len(code)],
                code,
                name,
                english or ("" if renamed or area is None else area.name_en),
                next((line.parent for line in lines if line.parent), None) or self._usual(code),
            )

    def _usual(self, code: str) -> str | None:
        """Return the parent that a code's first digits name."""
        digits = PARENT_DIGITS.get(len(code))
        return code[:digits] if digits else None

    def _end(self) -> None:
        """Areas that are nobody's heir end; all that are named come after them."""
        for old, lines in self.by_old.items():
            area = self.here[old]
            codes = [line.new_code for line in lines]
            goes_on_as = self.heir_of.get(area.pk)
            if goes_on_as is None:
                self.out.ended.append((area, codes))
            self.out.successions |= {(area.pk, code) for code in codes if code != goes_on_as}

    def _drop_empty(self) -> None:
        """A district or street that nothing of this city comes into lies outside."""
        for level in ("street", "district"):
            parents = {row.parent for row in self.out.after.values()}
            for code, row in list(self.out.after.items()):
                if row.is_opened and row.level == level and code not in parents:
                    del self.out.after[code]
        for area, codes in self.out.ended:
            if not any(code in self.out.after for code in codes) and self._has_children(area):
                self.out.problems.append(
                    _("%(name)s ends, and no area of this city comes after it.")
                    % {"name": f"{area.code} {area.name}"}
                )

    def _has_children(self, area: Area) -> bool:
        if area.level == Area.Level.COMMUNITY:
            return True
        return any(row.area and row.area.parent_id == area.pk for row in self.out.after.values())

    def _find_parents(self) -> None:
        """Give every area a parent that stands after the day."""
        for row in self.out.after.values():
            if row.level == Area.Level.DISTRICT:
                continue
            if row.code in self.staying:
                row.parent = self._follow(row)
            if row.parent not in self.out.after:
                self.out.problems.append(
                    _("The plan does not say in which area of this city %(name)s lies then.")
                    % {"name": f"{row.code} {row.name}"}
                )

    def _follow(self, row: After) -> str | None:
        """Return the code under which the parent of today goes on, or its only successor."""
        parent = self.by_id.get(row.area.parent_id) if row.area and row.area.parent_id else None
        if parent is None:
            return None
        if parent.pk in self.heir_of:
            return self.heir_of[parent.pk]
        if parent.code not in self.by_old:
            return parent.code
        codes = [line.new_code for line in self.by_old[parent.code]]
        return codes[0] if len(codes) == 1 and codes[0] in self.out.after else None

    def _move_cells(self) -> None:
        """Say which cells get another code or community."""
        taken = self._found()
        for old, lines in self.by_old.items():
            if self.here[old].level != Area.Level.COMMUNITY:
                continue
            cells = self._cells_of(old)
            for line in lines:
                named = cells_named(line.cells, old, self.city.cell_sequence_length)
                if unknown := sorted(named - cells.keys() | named & taken):
                    self._no_cells(line, unknown)
                for code in sorted(named & cells.keys() - taken):
                    self._move(code, cells.pop(code), self.here[old], line.new_code)
            left = {code: cell for code, cell in cells.items() if code not in taken}
            self._move_rest(old, left)
        self._drop_without_ground()

    def _move_rest(self, old: str, cells: dict[str, int]) -> None:
        """Give the cells that no line names to the first successor without a list of cells."""
        rest = [line.new_code for line in self.by_old[old] if not line.cells]
        if cells and not rest:
            self.out.problems.append(
                _("The plan does not say where %(count)d cells of %(code)s belong: %(cell)s, ….")
                % {"count": len(cells), "code": old, "cell": min(cells)}
            )
            return
        for code, cell in sorted(cells.items()):
            main = self._main(old)
            self._move(code, cell, self.here[old], main if main in rest else rest[0])

    def _drop_without_ground(self) -> None:
        """A community that no cell comes to is a successor in name: nothing is opened for it."""
        grounded = {move.to for move in self.out.moves}
        for code, row in list(self.out.after.items()):
            if row.is_opened and row.level == Area.Level.COMMUNITY and code not in grounded:
                del self.out.after[code]

    def _found(self) -> set[str]:
        """Move the cells that founded communities name; return their codes."""
        taken: set[str] = set()
        for code, lines in self.by_new.items():
            for line in lines:
                if line.old_code or not line.cells:
                    continue
                named = cells_named(line.cells, code, self.city.cell_sequence_length)
                found = {
                    cell_code: (pk, community)
                    for pk, cell_code, community in GridCell.objects.filter(
                        city=self.city, code__in=named, valid_to=None
                    ).values_list("pk", "code", "community_id")
                }
                if unknown := sorted(named - found.keys() | named & taken):
                    self._no_cells(line, unknown)
                for cell_code, (pk, community) in sorted(found.items()):
                    self._move(cell_code, pk, self.by_id[community], code)
                taken |= found.keys()
        return taken

    def _no_cells(self, line: ReorganisationLine, codes: Sequence[str]) -> None:
        self.out.problems.append(
            _("Line %(number)d: %(cells)s are no cells of today, or given twice.")
            % {"number": line.number, "cells": ", ".join(codes[:5])}
        )

    def _cells_of(self, community: str) -> dict[str, int]:
        cells = GridCell.objects.filter(community=self.here[community], valid_to=None)
        return dict(cells.values_list("code", "pk"))

    def _move(self, cell_code: str, cell: int, old: Area, new: str) -> None:
        stays = self.heir_of.get(old.pk) == new
        if not (stays and old.code == new):
            self.out.moves.append(Move(cell, cell_code, old.pk, new, stays))

    def _note_ground(self) -> None:
        """Mark communities and all above them whose ground changes."""
        after_of = {row.area.pk: row.code for row in self.out.after.values() if row.area}
        for move in self.out.moves:
            if not move.is_renamed:
                self._mark(move.to)
                self._mark(after_of.get(move.community))
        for row in list(self.out.after.values()):
            before = row.area.parent_id if row.area else None
            now = self.out.after.get(row.parent or "")
            if now is None or (now.area and now.area.pk == before):
                continue
            self._mark(now.code)
            self._mark(after_of.get(before or 0))

    def _mark(self, code: str | None) -> None:
        while code and (row := self.out.after.get(code)):
            row.gains_ground = True
            code = row.parent

    def _differs(self, row: After) -> bool:
        if row.area is None:
            return False
        parent = self.by_id.get(row.area.parent_id) if row.area.parent_id else None
        now = self.out.after.get(row.parent or "")
        moved = (parent.pk if parent else None) != (now.area.pk if now and now.area else None)
        row.is_moved = row.parent is not None and moved
        named = (row.area.code, row.area.name, row.area.name_en)
        return row.gains_ground or row.is_moved or named != (row.code, row.name, row.name_en)

    def _day_problems(self) -> Iterator[str]:
        """What began on that day or later cannot change on it: the past would be overwritten."""
        ids = [
            *(row.area.pk for row in self.out.changed if row.area),
            *(area.pk for area, _codes in self.out.ended),
        ]
        late = Area.objects.filter(pk__in=ids, valid_from__gte=self.on).exclude(
            pk__in=self.just_opened, valid_from=self.on
        )
        late |= Area.objects.filter(
            pk__in=PastArea.objects.filter(area__in=ids, valid_to__gt=self.on).values("area")
        )
        if names := [area.name for area in late[:5]]:
            yield _("These areas changed on that day or later: %(names)s. Choose a later day.") % {
                "names": ", ".join(names)
            }
        cells = GridCell.objects.filter(
            valid_from__gte=self.on, pk__in=[move.cell for move in self.out.moves]
        )
        just_opened = CellSuccession.objects.filter(reorganisation=self.within)
        cells = cells.exclude(valid_from=self.on, pk__in=just_opened.values("opened_id"))
        if codes := list(cells.order_by("code").values_list("code", flat=True)[:5]):
            yield _("These cells began on that day or later: %(codes)s. Choose a later day.") % {
                "codes": ", ".join(codes)
            }
        ending = Area.objects.filter(city=self.city, valid_to__gt=self.on)
        if names := [area.name for area in ending[:5]]:
            yield _("These areas ended after that day: %(names)s. Choose a later day.") % {
                "names": ", ".join(names)
            }


def _parent_code(line: ReorganisationLine) -> str:
    digits = PARENT_DIGITS.get(len(line.new_code))
    return line.parent or (line.new_code[:digits] if digits else "")
