"""The file of a reorganisation: one line for each old code and what comes after it.

Pure: no queries. What a line means for the areas of a city says ``outcome``.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from common.errors import DomainError

REQUIRED = ("old_code", "new_code")
OPTIONAL = (
    "old_name",
    "name",
    "name_en",
    "parent",
    "cells",
    "note",
    "effective_date",
)
LENGTHS = {"name": 60, "old_name": 60, "name_en": 100, "note": 200}
LEVELS = {6: "district", 9: "street", 12: "community"}  # by the digits of a code, GB/T 10114
PARENT_DIGITS = {9: 6, 12: 9}
MAX_BYTES = 5_000_000
SHOWN = 20
CODE = re.compile(r"(\d{6}|\d{9}|\d{12})?", re.ASCII)
CELLS = re.compile(r"\d+(-\d+)?( +\d+(-\d+)?)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A line of the file, its words trimmed; ``number`` is its line there."""

    number: int
    old_code: str = ""
    new_code: str = ""
    old_name: str = ""
    name: str = ""
    name_en: str = ""
    parent: str = ""
    cells: str = ""
    note: str = ""


def read_plan(data: bytes) -> tuple[list[PlanLine], date | None]:
    """Return the lines of a CSV file and the day it takes effect, where it says so.

    Raise DomainError ``invalid`` with what is wrong, line by line.
    """
    if len(data) > MAX_BYTES:
        raise refused([_("The file is larger than %(size)d MB.") % {"size": MAX_BYTES // 10**6}])
    reader = csv.DictReader(io.StringIO(_text(data), newline=""), strict=True)
    try:
        columns = [(name or "").strip().lower() for name in reader.fieldnames or ()]
        if missing := [name for name in REQUIRED if name not in columns]:
            raise refused(
                [_("The first line lacks the columns %(names)s.") % {"names": ", ".join(missing)}]
            )
        reader.fieldnames = columns
        rows = [
            (reader.line_num, {key: (row.get(key) or "").strip() for key in (*REQUIRED, *OPTIONAL)})
            for row in reader
        ]
    except csv.Error as error:
        raise refused([_("This is no CSV file: %(reason)s.") % {"reason": error}]) from error
    rows = [(number, row) for number, row in rows if any(row.values())]
    lines = [
        PlanLine(number, **{key: row[key] for key in row if key != "effective_date"})
        for number, row in rows
    ]
    dates = {row["effective_date"] for _number, row in rows if row["effective_date"]}
    problems = [*_date_problems(dates), *problems_of(lines)]
    if not lines:
        problems.append(_("The file has no lines."))
    if problems:
        raise refused(problems)
    return lines, date.fromisoformat(dates.pop()) if dates else None


def problems_of(lines: Iterable[PlanLine]) -> list[str]:
    """Say what cannot be meant, in sentences."""
    lines = list(lines)
    problems = [
        _("Line %(number)d: %(problem)s") % {"number": line.number, "problem": problem}
        for line in lines
        for problem in _line_problems(line)
    ]
    seen: dict[tuple[str, str], int] = {}
    described: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for line in lines:
        first = seen.setdefault((line.old_code, line.new_code), line.number)
        if first != line.number:
            problems.append(
                _("Line %(number)d says the same as line %(first)d.")
                % {"number": line.number, "first": first}
            )
        for field in ("name", "parent"):
            if line.new_code and getattr(line, field):
                described[line.new_code][field].add(getattr(line, field))
    problems += [
        _("The lines for %(code)s differ: %(values)s.")
        % {"code": code, "values": ", ".join(sorted(values))}
        for code, fields in described.items()
        for values in fields.values()
        if len(values) > 1
    ]
    return problems


def _line_problems(line: PlanLine) -> list[str]:
    codes = (line.old_code, line.new_code, line.parent)
    if bad := [code for code in codes if not CODE.fullmatch(code)]:
        return [_("%(code)s is no code: 6, 9 or 12 digits.") % {"code": bad[0][:20]}]
    if not (line.old_code or line.new_code):
        return [_("neither an old nor a new code.")]
    digits = len(line.new_code or line.old_code)
    problems = []
    if line.old_code and line.new_code and len(line.old_code) != digits:
        problems.append(_("the codes are of different levels."))
    if line.parent and len(line.parent) != PARENT_DIGITS.get(digits):
        problems.append(_("%(code)s is no parent of it.") % {"code": line.parent})
    if line.cells and (digits != 12 or not CELLS.fullmatch(line.cells)):
        problems.append(_("cells are numbers like 001-012 015, and only of a community."))
    problems += [
        _("%(field)s is longer than %(length)d characters.") % {"field": field, "length": length}
        for field, length in LENGTHS.items()
        if len(getattr(line, field)) > length
    ]
    return problems


def _date_problems(dates: set[str]) -> list[str]:
    if len(dates) > 1:
        return [_("A plan takes effect on one day, this one names several.")]
    try:
        for text in dates:
            date.fromisoformat(text)
    except ValueError:
        return [_("The day must be written like 2021-04-09.")]
    return []


def _text(data: bytes) -> str:
    """Decode UTF-8 with or without a mark, or GB 18030."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise refused([_("This is no text file in UTF-8 or GB 18030.")])


def refused(problems: Sequence[str]) -> DomainError:
    """Return the refusal that names all problems, the first in its sentence."""
    more = len(problems) - SHOWN
    shown = [
        *problems[:SHOWN],
        *([_("… and %(count)d more.") % {"count": more}] if more > 0 else []),
    ]
    return DomainError("invalid", " ".join(shown), {"plan": list(problems)})


def cells_named(text: str, community: str, digits: int) -> set[str]:
    """Return the codes of cells that "001-012 015" names, of full codes these themselves.

    >>> sorted(cells_named("001-002 005", "330106005003", 3))
    ['330106005003001', '330106005003002', '330106005003005']
    """
    codes = set()
    for part in text.split():
        first, _dash, last = part.partition("-")
        if len(first) > digits:
            codes.add(first)
            continue
        numbers = range(int(first), int(last or first) + 1)
        codes |= {f"{community}{number:0{digits}d}" for number in numbers[: 10**digits]}
    return codes
