"""A figure: what was promised, what was measured, and one line to print."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

WIDTHS = (46, 11, 9, 8, 7, 6)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure against its target; ``at_most`` where less is better."""

    name: str
    measured: float
    target: float
    unit: str
    at_most: bool = False
    aim: float | None = None
    peer: float | None = None
    remark: str = ""

    @property
    def passes(self) -> bool:
        """Whether the target is met."""
        return self.measured <= self.target if self.at_most else self.measured >= self.target

    def line(self) -> str:
        """Return the figure as one line."""
        columns = (
            self.name,
            f"{number(self.measured)} {self.unit}",
            f"{'≤' if self.at_most else '≥'} {number(self.target)}",
            number(self.aim),
            number(self.peer),
            "pass" if self.passes else "MISS",
        )
        return f"{in_columns(columns)}{self.remark}".rstrip()


def number(value: float | None) -> str:
    """Return a number with three digits that matter, "–" for none."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def in_columns(columns: Iterable[str]) -> str:
    """Return texts side by side."""
    return "".join(f"{text:<{width}} " for text, width in zip(columns, WIDTHS, strict=True))


HEADER = in_columns(("figure", "measured", "target", "aim", "peer", ""))
