"""The ledger's pages: columns, lines and page breaks, worked out here. Pure.

A table of five thousand rows costs a typesetting program half a gigabyte, because every cell is
laid out by itself. So each column of a page is handed over as one text whose lines already match
those of its neighbours; widths are estimated a little too wide, and nothing is cut off.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from components.atlas.sheets import Paper

NARROW_EM, WIDE_EM = 0.58, 1.0  # widths of Latin and Chinese characters, a little too much
CAPITAL_EM = 0.68
POINT_MM = 25.4 / 72
NOTHING = "\u00a0"  # keeps an empty line
COLUMNS = (
    "number", "code", "type", "place", "cell", "sheet", "state", "competent", "owner", "maintainer",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LedgerStyle:
    """Sizes of a ledger on a paper: points and millimetres."""

    size_pt: float
    line_mm: float
    widths: tuple[float, ...]
    height_mm: float  # for rows, below the page's heading


STYLES = {
    "a3": LedgerStyle(7.6, 4.1, (11, 34, 54, 66, 17, 13, 17, 60, 60, 60), 240),
    "a4": LedgerStyle(6.2, 3.3, (9, 27, 36, 43, 13, 11, 14, 41, 41, 42), 161),
}


def ledger_pages(rows: Sequence[Sequence[str]], paper: Paper) -> Iterator[dict[str, Any]]:
    """Yield pages: the text of each column, and the stripes behind rows as (top, height) in mm."""
    style = STYLES[paper.key]
    room = int(style.height_mm / style.line_mm)
    columns: list[list[str]] = [[] for _each in COLUMNS]
    stripes: list[tuple[float, float]] = []
    used = count = 0
    for row in rows:
        cells = [_wrapped(text, _room_em(style, at)) for at, text in enumerate(row)]
        lines = max(len(cell) for cell in cells)
        if count and used + lines > room:
            yield _page(columns, stripes)
            columns, stripes, used, count = [[] for _each in COLUMNS], [], 0, 0
        if count % 2:
            stripes.append((used * style.line_mm, lines * style.line_mm))
        for column, cell in zip(columns, cells, strict=True):
            column += [*cell, *[NOTHING] * (lines - len(cell))]
        used, count = used + lines, count + 1
    if count:
        yield _page(columns, stripes)


def _page(columns: list[list[str]], stripes: list[tuple[float, float]]) -> dict[str, Any]:
    return {"columns": ["\n".join(column) for column in columns], "stripes": stripes}


def _room_em(style: LedgerStyle, column: int) -> float:
    return (style.widths[column] - 2) / (style.size_pt * POINT_MM)


@lru_cache(maxsize=10_000)  # bodies, types and streets come again and again
def _wrapped(text: str, room_em: float) -> list[str]:
    """Break a text into lines that fit: between words, or anywhere beside a Chinese character."""
    lines: list[str] = []
    line, width = "", 0.0
    for word in _words(text):
        needed = _width(word)
        if line and width + needed > room_em:
            lines.append(line.rstrip())
            line, width = "", 0.0
        while needed > room_em:  # one word wider than the column
            head = max(int(len(word) * room_em / needed), 1)
            lines.append(word[:head])
            word, needed = word[head:], _width(word[head:])  # noqa: PLW2901
        line, width = line + word, width + needed
    return [*lines, line.rstrip() or NOTHING]


def _words(text: str) -> Iterator[str]:
    word = ""
    for character in " ".join(text.split()):
        if _is_wide(character):
            if word:
                yield word
            yield character
            word = ""
        elif character == " ":
            yield word + " "
            word = ""
        else:
            word += character
    if word:
        yield word


def _width(text: str) -> float:
    return sum(
        WIDE_EM if _is_wide(each) else CAPITAL_EM if each.isupper() else NARROW_EM for each in text
    )


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WFA"
