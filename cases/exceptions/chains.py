"""Who agrees to a request, post after post: chosen once, when it is asked.

The first row of ``ApprovalChain`` that fits is taken; where none does, the chain the workflow's
table names. A request keeps its chain, so that an edit of the rows reaches only later ones. What a
request is as big as is measured here too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Q
from django.utils import timezone

from cases.models import ApprovalChain
from cases.time_limits import Calendar, Limit, Unit, limit_duration
from cases.workflow import RULE_OF, RequestKind
from common.prepared import Prepared, Slot

FINELY = Decimal("0.0001")  # a second in an hour is told apart
NATURAL_DAY = timedelta(days=1)
Chain = list[list[str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What decides about the chain: kind, number among its kind, size, urgency and profile.

    ``days`` are working days of an extension in working time, else natural days; ``ratio`` is how
    many times the original limit. None where a kind has no size.
    """

    kind: RequestKind
    ordinal: int = 1
    days: Decimal | None = None
    ratio: Decimal | None = None
    urgency: str = ""
    profile: str = ""


CHAINS = Prepared(
    ApprovalChain.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gt=Slot("day")),
        city=Slot("city"),
        kind=Slot("kind"),
        valid_from__lte=Slot("day"),
    ).order_by("position", "id")
)


def chain_for(city_id: int, asked: Asked, on: date) -> Chain:
    """Return the posts of each step for what is asked on a day: one query."""
    rows = CHAINS(city=city_id, kind=asked.kind.value, day=on)
    return fitting_chain(rows, asked)


def fitting_chain(rows: Iterable[ApprovalChain], asked: Asked) -> Chain:
    """Return the steps of the first row that fits, in their order; else those of the table."""
    for row in rows:
        if fits(row, asked):
            return [list(step) for step in row.steps]
    return [[post.value for post in step] for step in RULE_OF[asked.kind].usual_chain]


def fits(row: ApprovalChain, asked: Asked) -> bool:
    """Tell whether every condition of a row holds; one left empty always does."""
    return (
        asked.ordinal >= row.from_ordinal
        and _is_over(asked.days, row.over_days)
        and _is_over(asked.ratio, row.over_ratio)
        and row.urgency in ("", asked.urgency)
        and row.profile in ("", asked.profile)
    )


def _is_over(size: Decimal | None, bound: Decimal | None) -> bool:
    return bound is None or (size is not None and size > bound)


def extension_size(
    calendar: Calendar, original: Limit, value: Decimal, unit: Unit
) -> tuple[Decimal, Decimal]:
    """Return an extension in days and as a multiple of the original limit.

    A working unit is counted in the calendar's working days, a natural one in days of 24 hours.

    Raises:
        CalendarError: it is longer than a calendar reaches.
    """
    length = limit_duration(calendar, Limit(value, unit))
    day = timedelta(minutes=calendar.nominal_day_minutes) if unit.is_working else NATURAL_DAY
    whole = limit_duration(calendar, original)
    ratio = _share(length, whole) if whole else Decimal(0)
    return _share(length, day), ratio


def suspension_days(now: datetime, review_at: datetime) -> Decimal:
    """Return the natural days until the review."""
    return _share(review_at - now, NATURAL_DAY)


def _share(part: timedelta, whole: timedelta) -> Decimal:
    microsecond = timedelta(microseconds=1)
    share = Decimal(part // microsecond) / Decimal(whole // microsecond)
    return share.quantize(FINELY)


def next_working_moment(calendar: Calendar, moment: datetime) -> datetime:
    """Return the moment itself on a working day, else the same hour of the next working day."""
    local = timezone.localtime(moment)
    day = local.date()
    while not calendar.is_working_day(day):
        day += timedelta(days=1)
    return moment + (day - local.date())
