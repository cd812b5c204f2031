"""“How was this deadline computed?”: slot by slot, as somebody would recompute it by hand.

Reads only. The counted times of the rows add up to the limit and all that was granted; their last
moment is the deadline. A page that cannot show this says so (``is_equal``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from cases.deadlines.recomputing import (
    Stretch,
    grants_counted,
    limit_counted,
    pauses_of,
    stretches,
)
from cases.deadlines.steps import Step, StepRule, done_keys, is_whole, steps_of
from cases.models import CalendarVersion, CaseClock
from cases.services.clocks import StageLimits, calendar_of, part_ends
from cases.time_limits import Calendar, Unit, elapsed, explain
from cases.workflow import ClockKind
from common.durations import limit_text

ONE_DAY = timedelta(days=1)
NOTHING = timedelta()


@dataclass(frozen=True, slots=True)
class Row:
    """A slot of a day, what was counted of it, and the sum so far."""

    day: date
    begins: datetime
    ends: datetime
    counted: timedelta
    total: timedelta
    idle_days: int = 0  # days without working time since the row before


@dataclass(slots=True)
class Part:
    """Rows that belong together: time between two pauses, or a stage of the whole."""

    start: datetime
    end: datetime
    counted: timedelta
    rows: list[Row] = field(default_factory=list)
    stage: ClockKind | None = None
    limit: str = ""
    version: CalendarVersion | None = None
    paused_until: datetime | None = None  # the pause that follows
    is_natural: bool = False

    @property
    def goes_back(self) -> bool:
        """Whether the clock was late already when it went on."""
        return self.end < self.start


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the clock was given: the limit, then each grant."""

    text: str
    counted: timedelta
    request_id: int | None = None


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step of the present deadline: when it is due, when it was done."""

    rule: StepRule
    moment: datetime
    done_at: datetime | None
    is_passed_over: bool


@dataclass(slots=True)
class Explanation:
    """Everything a deadline was computed from, and what comes out."""

    clock: CaseClock
    version: CalendarVersion | None
    allowances: list[Allowance]
    parts: list[Part]
    computed_due_at: datetime
    steps: list[StepRow]
    unknown_years: list[int]

    @property
    def allowed(self) -> timedelta:
        """The limit and all grants."""
        return sum((each.counted for each in self.allowances), NOTHING)

    @property
    def counted(self) -> timedelta:
        """The sum of all rows."""
        return sum((part.counted for part in self.parts), NOTHING)

    @property
    def is_equal(self) -> bool:
        """Whether the rows add up to the deadline that is stored."""
        return self.computed_due_at == self.clock.due_at


def deadline_explain(clock: CaseClock) -> Explanation | None:
    """Recompute a clock's deadline; None for one that has no deadline (yet)."""
    if clock.due_at is None or clock.calendar_version_id is None:
        return None
    calendar = calendar_of(clock.calendar_version_id)
    is_sum = is_whole(clock) and bool(clock.parts)
    parts = list(_stages(clock)) if is_sum else list(_stretches(clock, calendar))
    end = parts[-1].end
    return Explanation(
        clock=clock,
        version=None if is_sum else _version(clock.calendar_version_id),
        allowances=[] if is_sum else _allowances(clock, calendar),
        parts=parts,
        computed_due_at=end,
        steps=_steps(clock, calendar),
        unknown_years=calendar.unknown_years(*sorted((clock.started_at, end))),
    )


def _version(pk: int) -> CalendarVersion:
    return CalendarVersion.objects.select_related("calendar").get(pk=pk)


def _allowances(clock: CaseClock, calendar: Calendar) -> list[Allowance]:
    assert clock.limit_value is not None
    limit = Allowance(
        limit_text(clock.limit_value, clock.limit_unit), limit_counted(clock, calendar)
    )
    grants = zip(clock.granted, grants_counted(clock, calendar), strict=True)
    return [
        limit,
        *(
            Allowance(limit_text(Decimal(grant["value"]), grant["unit"]), counted, grant["request"])
            for grant, counted in grants
        ),
    ]


def _stretches(clock: CaseClock, calendar: Calendar) -> Iterator[Part]:
    """Yield the times the clock ran, with the slots that were counted."""
    allowed = sum((each.counted for each in _allowances(clock, calendar)), NOTHING)
    resumed = [end for _start, end in pauses_of(clock)]
    before = NOTHING
    for number, stretch in enumerate(stretches(clock, calendar, allowed)):
        part = Part(stretch.start, stretch.end, stretch.counted)
        part.paused_until = resumed[number] if number < len(resumed) else None
        part.is_natural = not Unit(clock.limit_unit).is_working
        if not part.is_natural:
            part.rows = list(_rows(calendar, stretch, before))
        before += stretch.counted
        yield part


def _stages(clock: CaseClock) -> Iterator[Part]:
    """Yield the stages whose limits the whole is the sum of, each by its own calendar."""
    start, total = datetime.fromisoformat(clock.parts["from"]), NOTHING
    for given, end in zip(clock.parts["limits"], part_ends(clock.parts), strict=True):
        calendar, is_working = calendar_of(given["calendar_version"]), Unit(given["unit"])
        counted = elapsed(calendar, is_working.is_working, start, end)
        part = Part(start, end, counted, stage=ClockKind(given["clock"]))
        part.limit = limit_text(Decimal(given["value"]), given["unit"])
        part.version = _version(given["calendar_version"])
        part.is_natural = not is_working.is_working
        if not part.is_natural:
            part.rows = list(_rows(calendar, Stretch(start, end, counted), total))
        total += counted
        yield part
        start = end


def _rows(calendar: Calendar, stretch: Stretch, before: timedelta) -> Iterator[Row]:
    sign = 1 if stretch.start <= stretch.end else -1
    slots = explain(calendar, *sorted((stretch.start, stretch.end)))
    last: date | None = None
    for counted in slots[::sign]:
        opens, closes = calendar.slot_moments(counted.day, counted.slot)
        begins = max(opens, min(stretch.start, stretch.end))
        ends = min(closes, max(stretch.start, stretch.end))
        before += sign * counted.counted
        idle = abs((counted.day - last).days) - 1 if last else 0
        yield Row(counted.day, begins, ends, sign * counted.counted, before, max(idle, 0))
        last = counted.day


def _steps(clock: CaseClock, calendar: Calendar) -> list[StepRow]:
    rules = StageLimits(clock.case, clock.started_at).rules(clock.kind)
    done = {
        mark["step"]: datetime.fromisoformat(mark["at"])
        for mark in clock.marks
        if mark["deadline"] == clock.deadline_number and "at" in mark
    }
    passed = done_keys(clock) - set(done)
    return [
        StepRow(step.rule, step.moment, done.get(step.rule.key), _is_over(step, passed))
        for step in steps_of(clock, calendar, rules)
    ]


def _is_over(step: Step, passed: set[str]) -> bool:
    return step.rule.key in passed or (
        step.rule.since is not None and step.moment < step.rule.since
    )
