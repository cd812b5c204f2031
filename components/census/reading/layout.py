"""What every reader returns: the layout of a file and its lines in batches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

from common.errors import DomainError

BATCH = 20_000
MOST_COLUMNS = 2_000
SEPARATOR = "\x1f"  # between the texts of a line, wherever they are stored together


class Kind(StrEnum):
    """The three ways a file is read."""

    TEXT = "text"
    SHEET = "sheet"
    SHAPES = "shapes"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is written; ``line_count`` is 0 where only reading it would tell."""

    kind: Kind
    headers: tuple[str, ...]
    encoding: str = ""
    delimiter: str = ""
    crs: str = ""
    has_shapes: bool = False
    line_count: int = 0
    remarks: tuple[str, ...] = ()


@dataclass(slots=True)
class Batch:
    """Some lines in a row: their numbers as a spreadsheet counts them, texts, shapes (WKB)."""

    numbers: list[int]
    values: list[list[str]]
    shapes: Any = None
    problems: dict[int, str] = field(default_factory=dict)  # position in the batch: problem


def headers_of(names: Iterable[Any]) -> tuple[str, ...]:
    """Return names of columns that are there and differ, however the file calls them."""
    texts = [clean(name) for name in names]
    while texts and not texts[-1]:
        texts.pop()
    if len(texts) > MOST_COLUMNS:
        raise refused(
            _("This file has %(count)s columns; at most %(most)s can be read.")
            % {"count": len(texts), "most": MOST_COLUMNS}
        )
    headers: dict[str, None] = {}
    for position, name in enumerate(texts, 1):
        text = wanted = name or _("column %(number)s") % {"number": position}
        again = 2
        while text in headers:
            text, again = f"{wanted} ({again})", again + 1
        headers[text] = None
    return tuple(headers)


def clean(value: Any) -> str:
    """Return a cell's text without what a database or a stored line cannot hold."""
    text = str(value).strip()
    return text.replace("\x00", "").replace(SEPARATOR, " ") if not text.isprintable() else text


def fitted(texts: list[str], width: int) -> list[str]:
    """Return a line with as many texts as there are columns."""
    return texts[:width] if len(texts) >= width else texts + [""] * (width - len(texts))


def refused(sentence: str) -> DomainError:
    """Return the refusal of a file."""
    return DomainError("invalid", sentence, {"file": [sentence]})
