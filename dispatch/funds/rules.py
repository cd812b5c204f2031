"""The arithmetic of proxy work: what an entry posts, what a size needs, what an item comes to.

Pure: no queries, no clock. Amounts are whole fen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, TypeVar

from common.money import whole_fen
from dispatch.funds.models.books import EntryKind, Kind

Sides = Mapping[Kind, int]


def moves(kind: EntryKind, amount_fen: int) -> Sides:
    """Return what an entry of a kind posts to each account; the sum is zero.

    A payment is not among them: it depends on what was committed (``charge_moves``).
    """
    to_, from_ = {
        EntryKind.BUDGET: ((Kind.UNALLOCATED,), (Kind.SOURCE,)),
        EntryKind.ALLOCATION: ((Kind.FREE,), (Kind.UNALLOCATED,)),
        EntryKind.COMMITMENT: ((Kind.COMMITTED,), (Kind.FREE,)),
        EntryKind.RELEASE: ((Kind.FREE,), (Kind.COMMITTED,)),
        EntryKind.RECEIVABLE: ((Kind.RECEIVABLE,), (Kind.CLAIMS,)),
        EntryKind.REFUND: ((Kind.FREE, Kind.CLAIMS), (Kind.RECOVERED, Kind.RECEIVABLE)),
    }[kind]
    return dict.fromkeys(to_, amount_fen) | dict.fromkeys(from_, -amount_fen)


def charge_moves(committed_fen: int, cost_fen: int) -> Sides:
    """Return what a payment posts: the commitment ends, the cost is paid, the rest is free again.

    Committed 3,000.00 and cost 2,800.00: committed −3,000.00, paid +2,800.00, free +200.00. A cost
    above the commitment takes the rest out of what is free.
    """
    sides = {
        Kind.COMMITTED: -committed_fen,
        Kind.PAID: cost_fen,
        Kind.FREE: committed_fen - cost_fen,
    }
    return {kind: fen for kind, fen in sides.items() if fen}


class Threshold(Protocol):
    """What a size needs."""

    from_fen: int
    quote_count: int
    accepted_by: str
    overrun_percent: int


T = TypeVar("T", bound=Threshold)


@dataclass(frozen=True, slots=True)
class NoThreshold:
    """What holds where a city has set nothing: the leader decides, nothing above the quote."""

    from_fen: int = 0
    quote_count: int = 1
    accepted_by: str = "leader"
    overrun_percent: int = 0


def threshold_for(rows: Iterable[T], amount_fen: int) -> T | NoThreshold:
    """Return the row with the largest amount not above this one."""
    fitting = [row for row in rows if row.from_fen <= amount_fen]
    return max(fitting, key=lambda row: row.from_fen) if fitting else NoThreshold()


def is_overrun(cost_fen: int, quote_fen: int, percent: int) -> bool:
    """Tell whether a cost lies too far above the quote: 1,100.01 on 1,000.00 at 10 %."""
    return cost_fen * 100 > quote_fen * (100 + percent)


def item_amount(quantity: Decimal, price_fen: int) -> int:
    """Return quantity times price in fen, half a fen rounded up: 2.5 × 0.33 → 0.83."""
    return whole_fen(quantity * price_fen)
