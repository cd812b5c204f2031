"""Pages of a long list by cursor: the place of the last row, never a count of all rows.

A cursor is the sort value and id of the row at the edge of a page, so that rows which arrive
meanwhile neither repeat nor hide another.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import BooleanField, F, Func, Q, QuerySet, Value
from django.http import Http404, HttpRequest

from common.lookups import array_of
from common.text import whole_number

MOST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its rows, newest first, and the addresses before and after."""

    rows: list[Any]
    previous: str
    next: str


def cursor_page(
    request: HttpRequest, rows: QuerySet, *, size: int, field: str, shown: QuerySet | None = None
) -> Page:
    """Return the page of the address's ``cursor``: ``size`` rows by a moment, newest first.

    ``shown`` are all rows with what a page shows of one. The page is then chosen before anything
    is joined: many that have to be sorted first are sorted by their keys alone.
    """
    backwards, place = read_cursor(request.GET.get("cursor", ""))
    if place is not None:
        moment, number = place
        sign = "gt" if backwards else "lt"
        beyond = Q(**{f"{field}__{sign}": moment}) | Q(**{field: moment, f"pk__{sign}": number})
        edge = Q(**{f"{field}__{sign}e": moment})  # lets the index begin at the right place
        rows = rows.filter(edge & beyond)
    order = (field, "pk") if backwards else (f"-{field}", "-pk")
    chosen = rows.order_by(*order)
    if shown is None:
        found = list(chosen[: size + 1])
    else:
        keys = array_of(chosen.values("pk")[: size + 1])
        found = list(shown.filter(pk__any_of=keys).order_by(*order))
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


def place_asked_for(request: HttpRequest) -> int:
    """Return how many rows stand before those asked for (``from``); 404 for nonsense."""
    place = whole_number(request.GET.get("from") or "0", MOST_DIGITS)
    if place is None:
        raise Http404
    return place


def page_number(query: Mapping[str, str]) -> int:
    """Return the page of a list that an address names (``page``); the first for nonsense."""
    return whole_number(query.get("page", ""), MOST_DIGITS) or 1


class RowBeyond(Func):
    """``(a, b, c) > (x, y, z)``: PostgreSQL begins an index that starts with a, b at that place."""

    output_field = BooleanField()

    def __init__(self, columns: Sequence[str], values: Sequence[Any], sign: str) -> None:
        super().__init__(*(F(name) for name in columns), *(Value(value) for value in values))
        self.count, self.sign = len(columns), sign

    def as_sql(
        self, compiler: Any, connection: Any, *_args: Any, **_kwargs: Any
    ) -> tuple[str, Any]:
        """Write both rows."""
        parts = [compiler.compile(part) for part in self.get_source_expressions()]
        left, right = parts[: self.count], parts[self.count :]
        rows = (", ".join(sql for sql, _params in side) for side in (left, right))
        params = [value for _sql, values in parts for value in values]
        return f"({next(rows)}) {self.sign} ({next(rows)})", params


@dataclass(frozen=True, slots=True)
class KeyPage:
    """One page by several columns: the ids of its rows, and the cursors before and after."""

    ids: list[int]
    previous: str
    next: str


def key_page(
    rows: QuerySet, cursor: str, *, size: int, order: Sequence[str], is_sorted: bool = False
) -> KeyPage:
    """Return the page of a cursor in an order of columns that end in a unique one.

    All columns go up, or all go down ("-pk"). A broken cursor means the first page. ``is_sorted``
    finds the rows first and sorts them, where an index in this order would lead past too many.
    """
    columns = [name.lstrip("-") for name in order]
    goes_down = order[0].startswith("-")
    meta = rows.model._meta
    fields = [meta.pk if name == "pk" else meta.get_field(name) for name in columns]
    backwards, place = _read_key(cursor, fields)
    if place is not None:
        sign = "<" if goes_down is not backwards else ">"
        rows = rows.filter(RowBeyond(columns, place, sign))
    marks = "-" if goes_down is not backwards else ""
    if is_sorted:
        rows = rows.annotate(sorted_by=Func(F(columns[0]), template="(SELECT %(expressions)s)"))
        ordered = rows.order_by(f"{marks}sorted_by", *(marks + name for name in columns[1:]))
    else:
        ordered = rows.order_by(*(marks + name for name in columns))
    found = list(ordered.values_list(*columns, "pk")[: size + 1])
    has_more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    has_earlier = has_more if backwards else place is not None
    has_later = backwards or has_more
    return KeyPage(
        ids=[row[-1] for row in found],
        previous=_key("before", found[0][:-1]) if found and has_earlier else "",
        next=_key("after", found[-1][:-1]) if found and has_later else "",
    )


def _key(side: str, values: Sequence[Any]) -> str:
    text = json.dumps([side, *values], separators=(",", ":"), default=str)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_key(text: str, fields: Sequence[Any]) -> tuple[bool, list[Any] | None]:
    """Return the direction and place of a cursor, each value as its column holds it."""
    try:
        side, *values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not all(map(_is_key, values)):
            return False, None
        place = [column.to_python(value) for column, value in zip(fields, values, strict=True)]
    except (ValueError, TypeError, RecursionError, ValidationError):
        return False, None
    return side == "before", place


def _is_key(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= 40 and "\x00" not in value
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**62
