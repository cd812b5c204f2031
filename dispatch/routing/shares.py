"""How the rules do: how often people followed them, how often cases came back, rule by rule.

Counted over the orders that leads were given (``SubOrder``), which keep what was suggested, by
which rule of which version; index sub_order_given_out by day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Q, QuerySet

from accounts.models import City
from cases.models import Case, SubOrder

CAME_BACK = (
    SubOrder.Outcome.RETURNED,
    SubOrder.Outcome.RECALLED,
    SubOrder.Outcome.REASSIGNED,
)
FOLLOWED = Q(suggested=F("organisation"))
RETURNED = Q(outcome=SubOrder.Outcome.RETURNED)
# What may be counted, and listed: name → orders.
PARTS: dict[str, Q] = {
    "given_out": Q(),
    "followed": FOLLOWED,
    "not_followed": Q(suggested__isnull=False) & ~FOLLOWED,
    "nobody": Q(suggested__isnull=True),
    "returned": RETURNED,
    "followed_returned": FOLLOWED & RETURNED,
    "came_back": Q(outcome__in=CAME_BACK),
    "by_system": Q(dispatched_by__isnull=True),
}


@dataclass(frozen=True, slots=True)
class Share:
    """The orders given out under one rule ("": no rule applied) and what became of them.

    Ratios are 0-1, None without a case: of what had a suggestion, how much was followed; of what
    was given out as suggested, how much its department returned.
    """

    rule: str
    given_out: int
    followed: int
    not_followed: int
    nobody: int
    returned: int
    followed_returned: int
    came_back: int
    by_system: int

    @property
    def followed_ratio(self) -> float | None:
        """Followed among those that had a suggestion: 45 followed, 5 not → 0.9."""
        suggested = self.followed + self.not_followed
        return self.followed / suggested if suggested else None

    @property
    def returned_ratio(self) -> float | None:
        """Returned by the department among those given out as suggested: 2 of 45 → 0.044."""
        return self.followed_returned / self.followed if self.followed else None


def orders(city: City, since: datetime, until: datetime) -> QuerySet[SubOrder]:
    """Return the leads' orders given out in [since, until) with what the rules said of them."""
    return SubOrder.objects.filter(
        is_lead=True,
        rules_version__isnull=False,
        dispatched_at__gte=since,
        dispatched_at__lt=until,
        case__city=city,
    )


def shares(city: City, since: datetime, until: datetime) -> list[Share]:
    """Return the shares of every rule that led somewhere in a time, the most used first."""
    counts = {name: Count("pk", filter=part) for name, part in PARTS.items() if name != "given_out"}
    rows = (
        orders(city, since, until)
        .order_by()
        .values("routing_rule")
        .annotate(given_out=Count("pk"), **counts)
        .order_by("-given_out", "routing_rule")
    )
    return [Share(rule=row.pop("routing_rule"), **row) for row in rows]


def total_of(rows: list[Share]) -> Share:
    """Return all rules as one."""
    return Share("", *(sum(getattr(row, name) for row in rows) for name in Share.__slots__[1:]))


def cases_behind(
    city: City, since: datetime, until: datetime, *, rule: str | None, part: str
) -> QuerySet[Case]:
    """Return the cases behind a count; ``rule`` None is every rule. Raises KeyError."""
    found = orders(city, since, until).filter(PARTS[part])
    if rule is not None:
        found = found.filter(routing_rule=rule)
    return Case.objects.filter(pk__in=found.order_by().values("case")).order_by("-reported_at")
