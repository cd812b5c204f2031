"""The ledger of a kind of request: which rows a filter keeps, and how they are counted.

The page, its figures and its exports read the same parameters here, so that a figure and the list
it opens are the same query. Everything is limited to the cases the reader may see.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from cases.errors import invalid
from cases.models import ApprovalRequest, Case
from cases.workflow import RequestKind
from common.rows import one_or_none

LOOKS = frozenset({"cursor", "format"})
MONTH = re.compile(r"(\d{4})-(\d{2})")
RELATIONS = ("case__type", "asked_by", "organisation", "department", "decided_by")
LATE = Q(was_overdue=True) | Q(status=ApprovalRequest.Status.APPROVED, decided_at__gt=F("due_at"))


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month of the city: its name, its first day and that of the next."""

    name: str
    first: date
    following: date

    @classmethod
    def of(cls, day: date) -> Month:
        """Return the month of a day."""
        following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
        return cls(f"{day:%Y-%m}", day.replace(day=1), following)

    @classmethod
    def parse(cls, name: str, raw: str) -> Month:
        """Read 2026-03; raise DomainError ``invalid`` for anything else."""
        found = MONTH.fullmatch(raw)
        if found is None or not (0 < int(found[2]) <= 12 and 2000 <= int(found[1]) < 2100):
            raise invalid(name, _("A month is written 2026-03."))
        return cls.of(date(int(found[1]), int(found[2]), 1))

    @property
    def span(self) -> tuple[datetime, datetime]:
        """The moments it begins and ends, half-open."""
        first, following = (
            timezone.make_aware(datetime.combine(day, time.min))
            for day in (self.first, self.following)
        )
        return first, following

    def within(self, field: str) -> Q:
        """The condition that a moment lies in the month."""
        first, following = self.span
        return Q(**{f"{field}__gte": first, f"{field}__lt": following})

    @property
    def before(self) -> Month:
        """The month before."""
        return Month.of(date.fromordinal(self.first.toordinal() - 1))


def ledger_of(user: User, kind: RequestKind) -> QuerySet[ApprovalRequest]:
    """Return every request of a kind in the cases a person may see."""
    return ApprovalRequest.objects.filter(
        kind=kind.value, case__in=Case.objects.visible_to(user).order_by()
    )


def ledger_filter(
    rows: QuerySet[ApprovalRequest], user: User, query: Mapping[str, str]
) -> QuerySet[ApprovalRequest]:
    """Narrow a ledger by the parameters of its page; empty ones are ignored.

    Raise DomainError ``invalid`` for an unknown parameter or a value that means nothing.
    """
    for name in query:
        raw = query[name].strip()
        if name in LOOKS or raw == "":
            continue
        reader = READERS.get(name)
        if reader is None:
            raise invalid(name, _("There is no such filter."))
        rows = rows.filter(reader(name, raw, user))
    return rows


def _department(name: str, raw: str, user: User) -> Q:
    if raw == "none":
        return Q(department__isnull=True)
    found = None
    if "\x00" not in raw:
        found = one_or_none(Organisation.objects.filter(city=user.city_id, code=raw))
    if found is None:
        raise invalid(name, _("There is no such organisation."))
    return Q(department=found)


def _status(name: str, raw: str, user: User) -> Q:
    if raw not in ApprovalRequest.Status.values:
        values = ", ".join(ApprovalRequest.Status.values)
        raise invalid(name, _("Choose one of: %(values)s.") % {"values": values})
    return Q(status=raw)


def _reason(name: str, raw: str, user: User) -> Q:
    if "\x00" in raw or len(raw) > 30:
        raise invalid(name, _("There is no such reason."))
    return Q(reason_code="" if raw == "none" else raw)


def _late(name: str, raw: str, user: User) -> Q:
    if raw != "yes":
        raise invalid(name, _("Choose one of: %(values)s.") % {"values": "yes"})
    return LATE


READERS: dict[str, Callable[[str, str, User], Q]] = {
    "department": _department,
    "month": lambda name, raw, _user: Month.parse(name, raw).within("asked_at"),
    "status": _status,
    "reason": _reason,
    "late": _late,
}


def ledger_figures(rows: QuerySet[ApprovalRequest]) -> dict[str, int]:
    """Return how many rows there are by status, in all, and asked or granted late: one query."""
    counts: dict[str, Any] = {
        status: Count("pk", filter=Q(status=status)) for status in ApprovalRequest.Status.values
    }
    return rows.order_by().aggregate(all=Count("pk"), late=Count("pk", filter=LATE), **counts)
