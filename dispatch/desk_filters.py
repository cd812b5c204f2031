"""What narrows the lists of the desks: type, street, words; and the choices that lead somewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.saved_filters import FilteredPage, filtered_page_add
from cases.api.filters import filter_cases
from cases.models import Case
from cases.queues import Narrow, Queue, dispatch_queues, inbox_queues, queue_rows
from common.errors import DomainError
from common.templatetags.ui import is_english
from dispatch.selectors import nobody_queue

PARAMETERS = ("type", "street", "q")
MOST_CHOICES = 400


def filter_of(query: QueryDict) -> QueryDict:
    """Return what of an address narrows a desk's list."""
    kept = QueryDict(mutable=True)
    for name in PARAMETERS:
        if value := query.get(name, "").strip():
            kept[name] = value
    return kept


def narrowed(user: User, query: QueryDict, now: datetime) -> Narrow:
    """Return what keeps only the cases an address asks for.

    Raise DomainError ``invalid`` for a value that means nothing.
    """
    kept = filter_of(query)
    if not kept:
        return lambda cases: cases
    filter_cases(Case.objects.none(), kept, now, user=user)  # a wrong value is refused here
    return lambda cases: filter_cases(cases, kept, now, user=user)


def choices_in(
    user: User, queue: Queue, chosen: QueryDict
) -> list[tuple[str, Any, list[tuple[str, str]]]]:
    """Return the types and streets of the cases in a queue: one query for both."""
    suffix = "name_en" if is_english() else "name"
    names = ("type__code", f"type__{suffix}", "street__code", f"street__{suffix}")
    rows = queue_rows(user, queue).order_by().values_list(*names).distinct()[:MOST_CHOICES]
    types: dict[str, str] = {}
    streets: dict[str, str] = {}
    for type_code, type_name, street_code, street_name in rows:
        if type_code:
            types[type_code] = f"{type_code[1:]} {type_name}"
        streets[street_code] = street_name
    for name, known in (("type", types), ("street", streets)):
        if (code := chosen.get(name, "")) and code not in known:
            known[code] = code
    return [
        ("type", _("Type"), sorted(types.items())),
        ("street", _("Street"), sorted(streets.items())),
    ]


def _desk_rows(
    queues_of: Callable[[User, datetime], Sequence[Queue]],
) -> Callable[[User, QueryDict, datetime], QuerySet[Case]]:
    def rows(user: User, query: QueryDict, now: datetime) -> QuerySet[Case]:
        queues = queues_of(user, now)
        wanted = query.get("queue", queues[0].key)
        queue = next((each for each in queues if each.key == wanted), None)
        if queue is None:
            raise DomainError("invalid", _("There is no such queue."))
        return narrowed(user, query, now)(queue_rows(user, queue))

    return rows


def register() -> None:
    """Let the filters of both desks be kept."""
    inbox = _desk_rows(inbox_queues)
    desk = _desk_rows(lambda user, _now: [*dispatch_queues(user), nobody_queue()])
    filtered_page_add(FilteredPage("inbox", "dispatch:inbox", inbox))
    filtered_page_add(FilteredPage("dispatch", "dispatch:dispatch", desk))
