"""The open cases as this process knows them, added up case by case.

What the log tells of is read again, and a light changes when its time comes; the whole is read anew
when a clock goes back.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from heapq import heappop, heappush
from itertools import starmap
from typing import Any, NamedTuple

from django.utils import timezone

from cases.models import Case
from cases.time_limits import light
from desks.wall.followed import Followed
from desks.wall.scope import Scope

LIGHTS = ("", "green", "yellow", "red")  # the later the worse
# Threads that looked at the clock one after the other may come the other way round: then the later
# moment holds, for this is no clock that goes back.
OUT_OF_TURN = timedelta(seconds=5)
JUST_AFTER = timedelta(microseconds=1)  # a deadline is missed after its moment, not at it

Counts = Counter[str]  # by light


@dataclass
class Totals:
    """The open cases added up by state and by district, each by light; the cells as they look."""

    states: Mapping[str, Counts] = field(default_factory=lambda: defaultdict(Counter))
    districts: Mapping[int, Counts] = field(default_factory=lambda: defaultdict(Counter))
    cells: dict[str, list[int]] = field(default_factory=dict)  # worst light (of LIGHTS), cases
    oldest: dict[str, datetime] = field(default_factory=dict)


class _Open(NamedTuple):
    """What the wall needs to know of a case."""

    pk: int
    state: str
    district: int
    cell: int
    reported_at: datetime
    warn_at: datetime | None
    due_at: datetime | None

    def light_at(self, now: datetime) -> int:
        """Return the place of the light in LIGHTS, by the rule of ``cases.queues.light_of``."""
        if self.due_at is None or (self.warn_at is None and now <= self.due_at):
            return 0
        return LIGHTS.index(light(now, self.warn_at or self.due_at, self.due_at))

    def next_change(self, now: datetime) -> datetime | None:
        """Return when the light will be another one; None when it stays."""
        moments = (self.warn_at, self.due_at and self.due_at + JUST_AFTER)
        return min((moment for moment in moments if moment and moment > now), default=None)


OF_CASE = ("pk", "state", "district_id", "cell_id", "reported_at", "warn_at", "due_at")


class OpenCases(Followed):
    """The open cases of a city."""

    FIELDS = ("case__is_open", *(f"case__{name}" for name in OF_CASE))

    def __init__(self, city: int) -> None:
        super().__init__(city)
        self._now = timezone.now()

    def totals(self, scope: Scope, now: datetime) -> Totals:
        """Return the open cases of a scope added up: one query, two when all is read anew."""
        with self._guard:
            if self._now - OUT_OF_TURN <= now < self._now:
                now = self._now
            self._bring_up_to(now, anew=now < self._now)
            self._now = now
            self._turn_lights(now)
            return self._added_up(scope)

    def _take(self, values: Sequence[Any], now: datetime) -> None:
        is_open, *known = values
        case = _Open(*known)
        if case.pk in self._known:
            self._count(*self._known.pop(case.pk), -1)
        if is_open:
            self._take_in(case, now)

    def _read_everything(self, now: datetime) -> None:
        self._known: dict[int, tuple[_Open, int]] = {}  # cases with their lights, as counted
        self._states: dict[tuple[int, str], list[int]] = defaultdict(_none_of_each)
        # By cell, for each district and, as None, for the whole city.
        self._cells: dict[int | None, dict[int, list[int]]] = defaultdict(_cells)
        self._looks: dict[int | None, dict[str, list[int]]] = defaultdict(dict)  # as Totals.cells
        self._stale: set[tuple[int | None, int]] = set()  # looks to be made anew
        self._oldest: dict[tuple[int, str], list[tuple[datetime, int]]] = defaultdict(list)
        self._changes: list[tuple[datetime, int]] = []
        cases = Case.objects.filter(city=self._city, is_open=True).order_by()
        for case in starmap(_Open, cases.values_list(*OF_CASE)):
            self._take_in(case, now)

    def _take_in(self, case: _Open, now: datetime) -> None:
        self._set_light(case, now)
        heappush(self._oldest[case.district, case.state], (case.reported_at, case.pk))

    def _set_light(self, case: _Open, now: datetime) -> None:
        place = case.light_at(now)
        self._known[case.pk] = case, place
        self._count(case, place, 1)
        if (moment := case.next_change(now)) is not None:
            heappush(self._changes, (moment, case.pk))

    def _count(self, case: _Open, place: int, number: int) -> None:
        self._states[case.district, case.state][place] += number
        for district in (None, case.district):
            self._cells[district][case.cell][place] += number
            self._stale.add((district, case.cell))

    def _turn_lights(self, now: datetime) -> None:
        while self._changes and self._changes[0][0] <= now:
            _moment, pk = heappop(self._changes)
            if (known := self._known.get(pk)) is not None:
                self._count(*known, -1)
                self._set_light(known[0], now)

    def _added_up(self, scope: Scope) -> Totals:
        self._refresh_looks()
        totals = Totals(cells=dict(self._looks[scope.district]))
        for (district, state), counts in self._states.items():
            if scope.district in (None, district) and any(counts):
                by_light = dict(zip(LIGHTS, counts, strict=True))
                totals.states[state].update(by_light)
                totals.districts[district].update(by_light)
                oldest = self._oldest_of(district, state)
                totals.oldest[state] = min(oldest, totals.oldest.get(state, oldest))
        return totals

    def _refresh_looks(self) -> None:
        for district, cell in self._stale:
            counts = self._cells[district][cell]
            lit = [place for place, number in enumerate(counts) if number]
            if lit:
                self._looks[district][str(cell)] = [lit[-1], sum(counts)]
            else:
                self._looks[district].pop(str(cell), None)
        self._stale.clear()

    def _oldest_of(self, district: int, state: str) -> datetime:
        """Return when the longest known case of a district and state was reported."""
        waiting = self._oldest[district, state]
        while True:
            reported_at, pk = waiting[0]
            known = self._known.get(pk)
            if known is not None and (known[0].district, known[0].state) == (district, state):
                return reported_at
            heappop(waiting)


def _none_of_each() -> list[int]:
    return [0] * len(LIGHTS)


def _cells() -> dict[int, list[int]]:
    return defaultdict(_none_of_each)


@cache
def open_cases(city: int) -> OpenCases:
    """Return what this process knows of a city's open cases."""
    return OpenCases(city)
