"""Filters of lists under a name, with live counts, shared in an organisation.

A list joins by saying where it is and which rows an address stands for (``filtered_page_add`` in
its app's ``ready()``): the count beside a name and the list it opens come from the same function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import F, Max, Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import SavedFilter, User
from common.errors import DomainError, Sentence

MOST = 30  # of one person on one page
MOST_COUNTED = 999  # beyond it "999+": a count must never read a city's whole history
MAX_QUERY = 1000
PASSING = frozenset({"cursor", "page", "case", "density", "csrfmiddlewaretoken"})

Rows = Callable[[User, QueryDict, datetime], QuerySet]


@dataclass(frozen=True, slots=True)
class FilteredPage:
    """A list whose filters can be kept: its address, and the rows a filter stands for."""

    key: str
    url_name: str
    rows: Rows


PAGES: dict[str, FilteredPage] = {}


def filtered_page_add(page: FilteredPage) -> None:
    """Let the filters of a list be kept."""
    PAGES[page.key] = page


def canonical(query: QueryDict) -> str:
    """Return a filter as it is kept: sorted, without empty values and what only passes by."""
    pairs = [
        (name, value)
        for name, values in query.lists()
        for value in values
        if value and name not in PASSING
    ]
    return urlencode(sorted(pairs))


# ── reading ───────────────────────────────────────────────────────────────────────────────────


def filters_of(user: User, page: FilteredPage) -> list[SavedFilter]:
    """Return one's own filters of a list in their order, then those shared by colleagues."""
    shared = Q(is_shared=True, owner__organisation=user.organisation_id)
    if user.organisation_id is None:
        shared = Q(pk__in=[])
    rows = SavedFilter.objects.filter(Q(owner=user.pk) | shared, page=page.key)
    return sorted(rows.select_related("owner"), key=lambda row: row.owner_id != user.pk)


def counts_of(
    user: User, page: FilteredPage, filters: Sequence[SavedFilter], now: datetime
) -> list[int | None]:
    """Return how many rows each filter keeps, up to MOST_COUNTED + 1: one query for all.

    None where a filter no longer means anything (a district that was renamed).
    """
    parts = [_count_sql(user, page, each, now) for each in filters]
    asked = [part for part in parts if part and part[0]]
    found: Iterable[int] = ()
    if asked:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT " + ", ".join(sql for sql, _params in asked),
                [value for _sql, params in asked for value in params],
            )
            found = cursor.fetchone()
    counted = iter(found)
    return [None if part is None else next(counted) if part[0] else 0 for part in parts]


def _count_sql(
    user: User, page: FilteredPage, kept: SavedFilter, now: datetime
) -> tuple[str, tuple] | None:
    """Return a scalar subquery; ("", ()) for what is surely empty, None for what means nothing."""
    try:
        rows = page.rows(user, QueryDict(kept.query), now)
        limited = rows.order_by().values("pk")[: MOST_COUNTED + 1]
        sql, params = limited.query.sql_with_params()
    except DomainError:
        return None
    except EmptyResultSet:
        return "", ()
    # Compiled by Django, values apart.
    return f"(SELECT count(*) FROM ({sql}) AS kept)", tuple(params)  # noqa: S608


# ── writing ───────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def filter_save(
    *, owner: User, page: FilteredPage, name: str, query: QueryDict, is_shared: bool, now: datetime
) -> SavedFilter:
    """Keep a filter under a name; a name that is there gets the new filter.

    Raise DomainError ``invalid`` for no name, or a filter that the list does not understand;
    ``too_many`` 409 above MOST.
    """
    name, kept = " ".join(name.split()), canonical(query)
    if not name or len(name) > 40 or "\x00" in name:
        raise _invalid("name", _("Give it a name of at most 40 characters."))
    if len(kept) > MAX_QUERY:
        raise _invalid("query", _("This filter is too long to be kept."))
    page.rows(owner, QueryDict(kept), now)  # what the list would refuse is not kept
    User.objects.select_for_update().get(pk=owner.pk)  # two clicks: one after the other
    own = SavedFilter.objects.filter(owner=owner.pk, page=page.key)
    if own.exclude(name=name).count() >= MOST:
        message = _("At most %(most)s filters on a page: delete one first.") % {"most": MOST}
        raise DomainError("too_many", message, status=409)
    last = own.aggregate(last=Max("position"))["last"] or 0
    row, _is_new = own.update_or_create(
        name=name,
        defaults={"query": kept, "is_shared": is_shared},
        create_defaults={
            "owner_id": owner.pk,
            "page": page.key,
            "query": kept,
            "is_shared": is_shared,
            "position": last + 1,
        },
    )
    return row


@transaction.atomic
def filter_change(*, owner: User, filter_id: int, change: str) -> None:
    """Delete one's own filter ("delete"), share it or not ("share"), or move it up ("up").

    Raise DomainError ``not_found`` 404 for somebody else's, ``invalid`` for another change.
    """
    row = SavedFilter.objects.select_for_update().filter(pk=filter_id, owner=owner.pk).first()
    if row is None:
        raise DomainError("not_found", _("There is no such filter."), status=404)
    if change == "delete":
        row.delete()
    elif change == "share":
        SavedFilter.objects.filter(pk=row.pk).update(is_shared=~F("is_shared"))
    elif change == "up":
        own = list(SavedFilter.objects.filter(owner=owner.pk, page=row.page))
        at = next(index for index, each in enumerate(own) if each.pk == row.pk)
        if at:
            own[at - 1], own[at] = own[at], own[at - 1]
        for position, each in enumerate(own, start=1):
            each.position = position
        SavedFilter.objects.bulk_update(own, ["position"])
    else:
        raise _invalid("change", _("There is no such change."))


def _invalid(name: str, message: Sentence) -> DomainError:
    return DomainError("invalid", message, {name: [message]})
