"""What the grid tells and asks the apps that stand on it; no other module knows its signals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.dispatch import Signal

# Sent inside the transaction that closes cells: what points to them moves with it or not at all.
cells_replaced = Signal()
cells_renamed = Signal()
# Who stands on these cells? Receivers return a list of `Stake`.
cells_asked = Signal()


@dataclass(frozen=True, slots=True)
class Stake:
    """What stands on some cells: how many, a few by name, and how many cannot move with them."""

    label: str
    count: int
    examples: tuple[str, ...] = ()
    bound_count: int = 0


def tell_cells_replaced(*, closed: Sequence[int], opened: Sequence[int], on: date) -> None:
    """Tell that cells (ids) gave way to others from a day on."""
    cells_replaced.send(sender=None, closed=closed, opened=opened, on=on)


def tell_cells_renamed(*, pairs: Mapping[int, int], reason: str) -> None:
    """Tell that cells (ids) gave way, each to one on the same ground under another code."""
    cells_renamed.send(sender=None, pairs=pairs, reason=reason)


def stakes_in(cells: Sequence[int]) -> list[Stake]:
    """Return what stands on these cells (ids), as the apps further right say."""
    answers = cells_asked.send(sender=None, cells=cells)
    return [stake for _receiver, stakes in answers for stake in stakes or ()]
