"""What a report is made of: sections of blocks, which a printer turns into pages."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Table:
    """A table: ``numbers`` columns from the right are figures, ``grade`` is the one of letters.

    ``wide`` columns take the room that is left.
    """

    head: list[str]
    rows: list[list[str]]
    numbers: int
    grade: int | None = None
    wide: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing, as SVG without colours of its own, and what it shows."""

    name: str
    svg: str
    caption: str


Block = str | Table | Picture


@dataclass(slots=True)
class Section:
    """A numbered part of the report."""

    title: str
    blocks: list[Block] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Report:
    """The whole document."""

    city: str
    title: str
    month: str
    state: str
    is_draft: bool
    made: str
    sections: list[Section]
    pictures: dict[str, str]
