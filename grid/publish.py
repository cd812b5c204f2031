"""What the grid tells the apps that stand on it. The only module that knows its signals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.dispatch import Signal

# Sent inside the transaction that closes cells: what points to them moves with it or not at all.
cells_replaced = Signal()


def tell_cells_replaced(*, closed: Sequence[int], opened: Sequence[int], on: date) -> None:
    """Tell that cells (ids) gave way to others from a day on."""
    cells_replaced.send(sender=None, closed=closed, opened=opened, on=on)
