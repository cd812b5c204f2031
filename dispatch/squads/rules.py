"""Where a roster has holes. Pure: no queries, no clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Hole:
    """From when to when how many are on duty, fewer than asked; half-open."""

    starts_at: datetime
    ends_at: datetime
    on_duty_count: int


def holes(
    shifts: Iterable[tuple[datetime, datetime]], least: int, start: datetime, end: datetime
) -> list[Hole]:
    """Return the spans of [start, end) in which fewer than ``least`` are on duty, in order.

    Shifts 08:00-16:00 and 14:00-20:00, one asked for, seen from 06:00 to 22:00: holes 06:00-08:00
    and 20:00-22:00. Neighbouring spans with the same number are one hole.
    """
    clipped = [(max(a, start), min(b, end)) for a, b in shifts if a < end and b > start]
    edges = sorted({start, end, *(moment for span in clipped for moment in span)})
    found: list[Hole] = []
    for left, right in pairwise(edges):
        count = sum(a <= left and b >= right for a, b in clipped)
        if count >= least:
            continue
        last = found[-1] if found else None
        if last is not None and last.ends_at == left and last.on_duty_count == count:
            found[-1] = Hole(last.starts_at, right, count)
        else:
            found.append(Hole(left, right, count))
    return found
