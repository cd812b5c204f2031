"""The preview of a reorganisation in words, for the command and the admin page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from grid.models import ReorganisationLine
from grid.publish import Stake
from grid.reorganisation.outcome import After, Outcome

SHOWN = 12


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its count and its lines."""

    label: str
    count: int
    lines: tuple[str, ...]


def sections(seen: Outcome, stakes: Sequence[Stake]) -> list[Section]:
    """Return everything the preview says, in the order in which it matters."""
    names = {row.code: row.name for row in seen.after.values()}
    ended = [
        f"{area.code} {area.name} → " + (", ".join(_named(code, names) for code in codes) or "?")
        for area, codes in seen.ended
    ]
    moved = [row for row in seen.changed if row.is_moved]
    renamed = [row for row in seen.changed if row.area and row.area.name != row.name]
    return [
        Section(_("Areas that end"), len(ended), tuple(ended)),
        Section(_("Areas that are opened"), len(seen.opened), _each(seen.opened)),
        Section(_("Areas that get another code"), len(seen.recoded), _changes(seen.recoded)),
        Section(_("Areas that get another name"), len(renamed), _changes(renamed)),
        Section(
            _("Areas whose ground changes"),
            sum(row.gains_ground for row in seen.changed),
            _each([row for row in seen.changed if row.gains_ground]),
        ),
        Section(_("Areas that lie elsewhere then"), len(moved), _changes(moved)),
        Section(_("Cells that get another code"), len(seen.moves), _cells(seen)),
        *(Section(stake.label, stake.count, stake.examples) for stake in stakes),
        Section(
            _("Successors to be decided"),
            len(seen.undecided),
            tuple(open_line(line) for line in seen.undecided),
        ),
        Section(
            _("Lines that lie outside this installation"),
            len(seen.outside),
            tuple(f"{line} {line.old_name or line.name}" for line in seen.outside),
        ),
    ]


def report(seen: Outcome, stakes: Sequence[Stake]) -> Iterator[str]:
    """Yield the preview line by line."""
    for section in sections(seen, stakes):
        yield f"{section.label}: {section.count:,}"
        yield from (f"  {line}" for line in section.lines[:SHOWN])
        if len(section.lines) > SHOWN:
            yield f"  … {len(section.lines) - SHOWN:,}"
    for problem in seen.problems:
        yield f"! {problem}"


def open_line(line: ReorganisationLine) -> str:
    """Say what is to be decided of a line."""
    if not line.old_code:
        return _("%(code)s %(name)s: founded, its cells are not said") % {
            "code": line.new_code,
            "name": line.name,
        }
    note = f" ({line.note})" if line.note else ""
    return f"{line.old_code} {line.old_name}{note}"


def _named(code: str, names: dict[str, str]) -> str:
    return f"{code} {names[code]}" if code in names else code


def _each(rows: Sequence[After]) -> tuple[str, ...]:
    return tuple(f"{row.code} {row.name}" for row in rows)


def _changes(rows: Sequence[After]) -> tuple[str, ...]:
    return tuple(
        f"{row.area.code} {row.area.name} → {row.code} {row.name}" for row in rows if row.area
    )


def _cells(seen: Outcome) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    for move in seen.moves:
        counts[move.to] = counts.get(move.to, 0) + 1
    names = {row.code: row.name for row in seen.after.values()}
    return tuple(f"{code} {names.get(code, '')}: {count}" for code, count in sorted(counts.items()))
