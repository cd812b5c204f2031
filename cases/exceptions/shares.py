"""How often departments ask for exceptions: shares of what was dispatched, beside the city's caps.

share = granted requests of a kind asked in the month / cases dispatched to the department in the
month (lead orders). Green below the amber part of the cap, amber up to the cap, red beyond; without
a cap there is no light. A proxy case's dispatched order is the squad's; the share stands with the
department that had the case.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Count, OuterRef, Subquery

from accounts.models import Organisation
from cases.exceptions.ledger import Month
from cases.models import ApprovalRequest, RequestCap, SubOrder
from cases.time_limits import Light
from cases.workflow import RequestKind

SHARED = (
    RequestKind.RETURN,
    RequestKind.EXTENSION,
    RequestKind.SUSPENSION,
    RequestKind.VOID,
    RequestKind.PROXY,
)
GRANTED = ApprovalRequest.Status.APPROVED


@dataclass(frozen=True, slots=True)
class Cap:
    """A cap as a share, and the part of it from which the light is amber."""

    ratio: Decimal
    amber_from: Decimal


@dataclass(frozen=True, slots=True)
class Share:
    """Granted out of dispatched, beside the cap that holds."""

    granted: int
    dispatched: int
    cap: Cap | None

    @property
    def ratio(self) -> Decimal | None:
        """The share, 0 or more; None where nothing was dispatched."""
        return Decimal(self.granted) / self.dispatched if self.dispatched else None

    @property
    def light(self) -> Light | None:
        """Green, yellow or red; None without a cap. Granted without any dispatch is beyond any."""
        if self.cap is None:
            return None
        if self.ratio is None:
            return Light.RED if self.granted else Light.GREEN
        if self.ratio > self.cap.ratio:
            return Light.RED
        is_near = self.ratio >= self.cap.ratio * self.cap.amber_from and self.granted > 0
        return Light.YELLOW if is_near else Light.GREEN

    @property
    def is_over(self) -> bool:
        """Whether the cap is exceeded."""
        return self.light is Light.RED

    def with_one_more(self) -> Share:
        """The share if one more were granted."""
        return Share(self.granted + 1, self.dispatched, self.cap)


class Caps:
    """The caps of a city that hold on a day: one query."""

    def __init__(self, city_id: int, on: date) -> None:
        rows = RequestCap.objects.valid_on(on).filter(city=city_id).order_by("valid_from")
        self._caps = {
            (row.kind, row.organisation_id): Cap(row.ratio, row.amber_from) for row in rows
        }

    def of(self, kind: str, organisation_id: int | None) -> Cap | None:
        """Return the department's own cap, else the one for every department."""
        return self._caps.get((kind, organisation_id)) or self._caps.get((kind, None))


def last_day_of(month: Month, today: date) -> date:
    """Return the day whose caps are shown: the month's last, or today in the present month."""
    return min(month.following - timedelta(days=1), max(today, month.first))


@dataclass(frozen=True, slots=True)
class ShareRow:
    """One department's month; ``organisation`` None is the whole city."""

    organisation: Organisation | None
    dispatched: int
    shares: dict[str, Share]

    @property
    def is_over(self) -> bool:
        """Whether any of its caps is exceeded."""
        return any(share.is_over for share in self.shares.values())


def month_shares(city_id: int, month: Month, today: date) -> list[ShareRow]:
    """Return every department with something dispatched or granted in a month, the city first.

    Three queries, by the indexes sub_order_asked_of (each department's months stand together
    there) and request_ledger.
    """
    given = SubOrder.objects.filter(
        month.within("dispatched_at"), is_lead=True, organisation=OuterRef("pk")
    )
    counted = given.order_by().values("organisation").annotate(count=Count("*")).values("count")
    bodies = Organisation.objects.filter(city=city_id).order_by("path")
    granted: dict[int, dict[str, int]] = {}
    for organisation_id, kind, count in _granted(city_id, month):
        granted.setdefault(organisation_id, {})[kind] = count
    caps = Caps(city_id, last_day_of(month, today))
    rows = [
        _row(body, body.dispatched or 0, granted.get(body.pk, {}), caps)
        for body in bodies.annotate(dispatched=Subquery(counted))
        if body.dispatched or body.pk in granted
    ]
    total = {
        kind.value: sum(counts.get(kind.value, 0) for counts in granted.values()) for kind in SHARED
    }
    return [_row(None, sum(row.dispatched for row in rows), total, caps), *rows]


def _granted(city_id: int, month: Month) -> Iterable[tuple[int, str, int]]:
    return (
        ApprovalRequest.objects.filter(
            month.within("asked_at"),
            kind__in=[kind.value for kind in SHARED],
            status=GRANTED,
            department__city=city_id,
        )
        .order_by()
        .values_list("department", "kind")
        .annotate(count=Count("pk"))
    )


def _row(
    organisation: Organisation | None, dispatched: int, granted: dict[str, int], caps: Caps
) -> ShareRow:
    shares = {
        kind.value: Share(
            granted.get(kind.value, 0),
            dispatched,
            caps.of(kind.value, organisation.pk if organisation else None),
        )
        for kind in SHARED
    }
    return ShareRow(organisation, dispatched, shares)


def share_of(
    *, city_id: int, department_id: int, kind: RequestKind, month: Month, today: date
) -> Share:
    """Return one department's share of one kind in a month: three queries."""
    dispatched = SubOrder.objects.filter(
        month.within("dispatched_at"), is_lead=True, organisation=department_id
    ).count()
    granted = ApprovalRequest.objects.filter(
        month.within("asked_at"), kind=kind.value, status=GRANTED, department=department_id
    ).count()
    cap = Caps(city_id, last_day_of(month, today)).of(kind.value, department_id)
    return Share(granted, dispatched, cap)
