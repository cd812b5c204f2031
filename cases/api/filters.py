"""How the list of cases is narrowed and ordered: every parameter named, everything else refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from cases.errors import invalid
from cases.milestones import passed_since
from cases.models import Case, Source
from cases.search.reading import read_query
from cases.search.selectors import case_search
from cases.workflow import State

ORDERINGS = {
    "-reported_at": ("-reported_at", "-id"),
    "reported_at": ("reported_at", "id"),
    "due_at": ("due_at", "id"),
    "-due_at": ("-due_at", "-id"),
}
DEFAULT_ORDERING = "-reported_at"
PAGING = frozenset({"cursor", "page_size", "ordering", "format", "column"})


def _one_of(values: list[str]) -> Callable[[str, str], list[str]]:
    def read(name: str, raw: str) -> list[str]:
        wanted = raw.split(",")
        if not set(wanted) <= set(values):
            raise invalid(name, _("Choose one of: %(values)s.") % {"values": ", ".join(values)})
        return wanted

    return read


def _moment(name: str, raw: str) -> datetime:
    try:
        value = parse_datetime(raw.replace(" ", "+")) or parse_date(raw)
    except ValueError:
        value = None
    if value is None:
        raise invalid(name, _("This must be a date or a moment."))
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001  made aware below
    return value if timezone.is_aware(value) else timezone.make_aware(value)


def filter_cases(
    cases: QuerySet[Case], query: QueryDict, now: datetime, *, user: User
) -> QuerySet[Case]:
    """Narrow a list by the parameters of the API; unknown ones are refused, empty ones ignored.

    ``q`` is searched as the reader may search (``cases.search``).

    A list ordered by deadline holds only cases that wait for one: a cursor cannot stand on a null.
    """
    if query.get("ordering", "").endswith("due_at"):
        cases = cases.filter(is_open=True, due_at__isnull=False)  # the index of open cases
    for name in query:
        raw = query[name]
        if name in PAGING or raw == "":
            continue
        if "\x00" in raw:
            raise invalid(name, _("This contains characters that cannot be searched."))
        if name == "q":
            cases = cases.filter(_search(raw, now, user))
            continue
        narrow = FILTERS.get(name)
        if narrow is None:
            raise invalid(name, _("There is no such filter."))
        cases = cases.filter(narrow(name, raw, now))
    return cases


def is_narrowed(query: QueryDict) -> bool:
    """Tell whether ``filter_cases`` would leave anything out but for the order and the page."""
    return any(query[name] for name in query if name not in PAGING)


def ordering_of(query: QueryDict) -> tuple[str, ...]:
    """Return the columns to order by, always ending in the id."""
    name = query.get("ordering") or DEFAULT_ORDERING
    if name not in ORDERINGS:
        raise invalid(
            "ordering", _("Choose one of: %(values)s.") % {"values": ", ".join(ORDERINGS)}
        )
    return ORDERINGS[name]


def _light(name: str, raw: str, now: datetime) -> Q:
    light = _one_of(["green", "yellow", "red"])(name, raw)[0]
    return (
        Q(is_open=True)
        & {
            "green": Q(warn_at__gt=now),
            "yellow": Q(warn_at__lte=now, due_at__gte=now),
            "red": Q(due_at__lt=now),
        }[light]
    )


def _search(raw: str, now: datetime, user: User) -> Q:
    if read_query(raw).is_empty:
        raise invalid("q", _("Type at least two characters."))
    return case_search(text=raw, user=user, now=now)


FILTERS: dict[str, Callable[[str, str, datetime], Q]] = {
    "state": lambda n, raw, _now: Q(state__in=_one_of([s.value for s in State])(n, raw)),
    "type": lambda _n, raw, _now: Q(type__code__in=raw.upper().split(",")),
    "department": lambda _n, raw, _now: Q(department__code=raw),
    "street": lambda _n, raw, _now: Q(street__code=raw),
    "district": lambda _n, raw, _now: Q(district__code=raw),
    "cell": lambda _n, raw, _now: Q(cell__code=raw),
    "light": _light,
    "source": lambda n, raw, _now: Q(source__in=_one_of(list(Source.values))(n, raw)),
    "reported_after": lambda n, raw, _now: Q(reported_at__gte=_moment(n, raw)),
    "filed_after": lambda n, raw, _now: passed_since("filed", _moment(n, raw)),
    "handled_after": lambda n, raw, _now: passed_since("handled", _moment(n, raw)),
    "closed_after": lambda n, raw, _now: passed_since("closed", _moment(n, raw)),
    "reported_before": lambda n, raw, _now: Q(reported_at__lt=_moment(n, raw)),
}
