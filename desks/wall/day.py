"""What was reported, filed, handled and closed today and yesterday, as this process knows it.

The same as ``cases.milestones`` counts, for every district at once. Moments are kept in order, by
what happened, where and on which day: how many there were until a moment is a place among them.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from django.db.models import CharField, Value
from django.utils import timezone

from cases.milestones import day_spans, milestone_of
from cases.models import Case, CaseEvent
from cases.models.history import MILESTONE_EVENTS, MILESTONES
from desks.wall.followed import Followed
from desks.wall.scope import Scope

DAY = timedelta(days=1)
REPORTED = "reported"

Counted = dict[str, int]  # today until now, yesterday until the same hour


@dataclass
class Passed:
    """How many cases passed what, and what was reported by type (None: not known yet)."""

    milestones: dict[str, Counted]
    reported: dict[int | None, Counted]


@dataclass(slots=True)
class _Known:
    """Where a case lies, of which type it is, and when it first passed what on which day."""

    district: int
    type: int | None
    firsts: dict[tuple[str, date], datetime] = field(default_factory=dict)


class DayOfCity(Followed):
    """Both days of a city."""

    FIELDS = (
        "case__pk",
        "case__district_id",
        "case__type_id",
        "case__reported_at",
        "action",
        "new_state",
        "at",
    )

    def __init__(self, city: int) -> None:
        super().__init__(city)
        self._today: date | None = None

    def passed(self, scope: Scope, now: datetime) -> Passed:
        """Return what happened in a scope: one query, two when all is read anew."""
        with self._guard:
            today = timezone.localdate(now)
            self._bring_up_to(now, anew=today != self._today)
            self._today = today
            spans = day_spans(now)
            return Passed(
                {name: self._counted(name, scope, spans) for name in MILESTONES},
                {
                    type_id: self._counted(type_id, scope, spans)
                    for type_id, district in list(self._moments)
                    if district == scope.district and type_id not in MILESTONES
                },
            )

    def _counted(
        self, what: Any, scope: Scope, spans: dict[str, tuple[datetime, datetime]]
    ) -> Counted:
        days = self._moments[what, scope.district]
        return {
            name: bisect_left(days[timezone.localdate(since)], until)
            for name, (since, until) in spans.items()
        }

    def _read_everything(self, now: datetime) -> None:
        # By milestone, or type of what was reported, and district (None: the city); then by day.
        self._moments: dict[tuple[Any, int | None], dict[date, list[datetime]]] = defaultdict(_days)
        self._known: dict[int, _Known] = {}
        self._since, _until = day_spans(now)["yesterday"]
        reports = (
            Case.objects.filter(city=self._city, reported_at__gte=self._since)
            .annotate(what=Value(REPORTED, CharField()), into=Value("", CharField()))
            .values_list("pk", "district_id", "type_id", "reported_at", "what", "into")
        )
        steps = CaseEvent.objects.filter(
            MILESTONE_EVENTS, at__gte=self._since, case__city=self._city
        ).values_list("case", "case__district", "case__type", "at", "action", "new_state")
        for pk, *place, at, what, state in reports.order_by().union(steps.order_by(), all=True):
            self._pass(self._case(pk, *place), milestone_of(what, state) or what, at)

    def _take(self, values: Sequence[Any], now: datetime) -> None:
        pk, district, type_id, reported_at, action, state, at = values
        milestone = milestone_of(action, state)
        if pk not in self._known and reported_at < self._since and milestone is None:
            return
        case = self._case(pk, district, type_id)
        if (case.district, case.type) != (district, type_id):
            self._count(case, -1)
            case.district, case.type = district, type_id
            self._count(case, 1)
        self._pass(case, REPORTED, reported_at)
        self._pass(case, milestone, at)

    def _case(self, pk: int, district: int, type_id: int | None) -> _Known:
        if pk not in self._known:
            self._known[pk] = _Known(district, type_id)
        return self._known[pk]

    def _pass(self, case: _Known, what: str | None, at: datetime) -> None:
        """Count a case where it passed something the first time that day."""
        if what is None or at < self._since:
            return
        key = what, timezone.localdate(at)
        first = case.firsts.get(key)
        if first is not None and first <= at:
            return
        if first is not None:
            self._count_one(case, key, first, -1)
        case.firsts[key] = at
        self._count_one(case, key, at, 1)

    def _count(self, case: _Known, number: int) -> None:
        for key, at in case.firsts.items():
            self._count_one(case, key, at, number)

    def _count_one(self, case: _Known, key: tuple[str, date], at: datetime, number: int) -> None:
        what, day = key
        label = case.type if what == REPORTED else what
        for district in (None, case.district):
            moments = self._moments[label, district][day]
            if number > 0:
                insort(moments, at)
            else:
                del moments[bisect_left(moments, at)]


def _days() -> dict[date, list[datetime]]:
    return defaultdict(list)


@cache
def day_of_city(city: int) -> DayOfCity:
    """Return what this process knows of a city's two days."""
    return DayOfCity(city)
