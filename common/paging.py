"""Pages of a long list by cursor: the place of the last row, never a count of all rows.

A cursor is the sort value and id of the row at the edge of a page, so that rows which arrive
meanwhile neither repeat nor hide another.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its rows, newest first, and the addresses before and after."""

    rows: list[Any]
    previous: str
    next: str


def cursor_page(request: HttpRequest, rows: QuerySet, *, size: int, field: str) -> Page:
    """Return the page of the address's ``cursor``: ``size`` rows by a moment, newest first."""
    backwards, place = read_cursor(request.GET.get("cursor", ""))
    if place is not None:
        moment, number = place
        sign = "gt" if backwards else "lt"
        beyond = Q(**{f"{field}__{sign}": moment}) | Q(**{field: moment, f"pk__{sign}": number})
        edge = Q(**{f"{field}__{sign}e": moment})  # lets the index begin at the right place
        rows = rows.filter(edge & beyond)
    order = (field, "pk") if backwards else (f"-{field}", "-pk")
    found = list(rows.order_by(*order)[: size + 1])
    has_more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    has_earlier = has_more if backwards else place is not None
    has_later = True if backwards else has_more
    return Page(
        rows=found,
        previous=address(request, "before", found[0], field) if found and has_earlier else "",
        next=address(request, "after", found[-1], field) if found and has_later else "",
    )


def address(request: HttpRequest, side: str, row: Any, field: str) -> str:
    """Return the present address with the cursor of another page."""
    text = f"{side}|{getattr(row, field).isoformat()}|{row.pk}"
    query = request.GET.copy()
    query["cursor"] = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    return f"?{query.urlencode()}"


def read_cursor(text: str) -> tuple[bool, tuple[datetime, int] | None]:
    """Return the direction and place of a cursor; a broken one means the first page."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        side, moment, number = raw.split("|")
        place = datetime.fromisoformat(moment), int(number)
    except (ValueError, binascii.Error):
        return False, None
    if place[0].tzinfo is None or not 0 < place[1] < 2**62:
        return False, None
    return side == "before", place
