"""The steps of a deadline: warnings, the breach, levels of escalation; when each is due. Pure.

A step is due once its moment has passed while its clock runs. It is done at most once for each
deadline a clock has had: an extension or a recalculation sets a new deadline with steps of its
own. What was done stands in the clock's ``marks``. The breach needs no rule: every deadline has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from cases.models import CaseClock, DeadlineRule
from cases.time_limits import Calendar, Unit, advance, elapsed, scaled
from cases.workflow import ClockKind

Action = DeadlineRule.Action
MINUTE = timedelta(minutes=1)
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class StepRule:
    """A rule as the steps need it; the fields are those of ``DeadlineRule``."""

    action: str
    percent: int | None = None
    late_minutes: int | None = None
    level: int = 0
    steps_up: int | None = 0
    roles: tuple[str, ...] = ()
    since: datetime | None = None

    @property
    def key(self) -> str:
        """What names the step on the clock: once it is done, it stays done."""
        if self.action == Action.WARN:
            return f"warn:{self.percent}" if self.percent else f"warn:+{self.late_minutes}"
        return "breach" if self.action == Action.BREACH else f"escalate:{self.level}"


BREACH = StepRule(Action.BREACH.value, percent=100)


@dataclass(frozen=True, slots=True)
class Step:
    """A step of one deadline and the moment after which it is due."""

    rule: StepRule
    moment: datetime

    @property
    def is_breach(self) -> bool:
        """Whether this is the deadline itself."""
        return self.rule.action == Action.BREACH


def with_breach(rules: Iterable[StepRule]) -> tuple[StepRule, ...]:
    """Return the rules of a clock; one that names nobody for the breach breaches all the same."""
    rules = tuple(rules)
    has_breach = any(rule.action == Action.BREACH for rule in rules)
    return rules if has_breach else (*rules, BREACH)


def way_of_counting(clock: CaseClock, calendar: Calendar) -> tuple[Calendar, bool]:
    """Return how a clock counts; the whole, which has no unit, counts natural time."""
    return calendar, bool(clock.limit_unit) and Unit(clock.limit_unit).is_working


def time_allowed(clock: CaseClock, calendar: Calendar) -> timedelta:
    """Return the limit and all that was granted, in the clock's own counting."""
    assert clock.due_at is not None
    total = elapsed(*way_of_counting(clock, calendar), clock.started_at, clock.due_at)
    return total - (clock.paused_total or timedelta())


def steps_of(clock: CaseClock, calendar: Calendar, rules: Sequence[StepRule]) -> list[Step]:
    """Return every step of the clock's present deadline, the earliest first.

    The moments lie where the clock would reach them if it had run since its last pause ended: a
    step of the past stays in the past through any number of pauses.
    """
    if clock.due_at is None:
        return []
    allowed = time_allowed(clock, calendar)
    steps = [Step(rule, _moment(clock, calendar, rule, allowed)) for rule in rules]
    return sorted(steps, key=lambda step: (step.moment, step.rule.level, step.rule.key))


def _moment(clock: CaseClock, calendar: Calendar, rule: StepRule, allowed: timedelta) -> datetime:
    assert clock.due_at is not None
    if rule.late_minutes is not None:
        after = rule.late_minutes * MINUTE
    else:
        after = scaled(allowed, Decimal(rule.percent or 100) / HUNDRED, ROUND_FLOOR) - allowed
    if not after:
        return clock.due_at
    return advance(*way_of_counting(clock, calendar), clock.due_at, after)


def done_keys(clock: CaseClock) -> set[str]:
    """Return the steps of the present deadline that are done or passed over."""
    number = clock.deadline_number
    return {mark["step"] for mark in clock.marks if mark["deadline"] == number}


def was_breached(clock: CaseClock) -> bool:
    """Tell whether a deadline of this clock was missed, the present one or one before."""
    return any(mark["step"] == BREACH.key and "at" in mark for mark in clock.marks)


def steps_left(clock: CaseClock, calendar: Calendar, rules: Sequence[StepRule]) -> list[Step]:
    """Return what is not done yet and was not before its rule was set, the earliest first."""
    done = done_keys(clock)
    return [
        step
        for step in steps_of(clock, calendar, rules)
        if step.rule.key not in done and (step.rule.since is None or step.moment >= step.rule.since)
    ]


def steps_due(
    clock: CaseClock, calendar: Calendar, rules: Sequence[StepRule], now: datetime
) -> Iterator[Step]:
    """Yield what is due now, the earliest first; nothing while the clock rests."""
    if clock.stopped_at is None and clock.paused_at is None:
        for step in steps_left(clock, calendar, rules):
            if step.moment < now:
                yield step


def pass_over(
    clock: CaseClock, calendar: Calendar, rules: Sequence[StepRule], at: datetime
) -> None:
    """Note on the clock that what lay before ``at`` is not made up for.

    A deadline that is set in the past is missed all the same, unless one before it was.
    """
    done = done_keys(clock)
    for step in steps_of(clock, calendar, rules):
        if step.moment >= at or step.rule.key in done:
            continue
        if step.is_breach and not was_breached(clock):
            continue
        passed = {"step": step.rule.key, "deadline": clock.deadline_number, "passed": True}
        clock.marks = [*clock.marks, passed]


def mark(clock: CaseClock, step: Step, now: datetime) -> None:
    """Note on the clock that a step was done."""
    done: dict[str, Any] = {
        "step": step.rule.key,
        "deadline": clock.deadline_number,
        "due": step.moment.astimezone(UTC).isoformat(),
        "at": now.astimezone(UTC).isoformat(),
    }
    clock.marks = [*clock.marks, done]


def set_next(clock: CaseClock, calendar: Calendar, rules: Sequence[StepRule]) -> None:
    """Set when the clock has its next step; None where it rests or nothing is left."""
    clock.next_at = None
    if clock.due_at is None or clock.stopped_at is not None or clock.paused_at is not None:
        return
    left = steps_left(clock, calendar, rules)
    if left:
        clock.next_at = left[0].moment


def last_mark(clocks: Iterable[CaseClock]) -> datetime | None:
    """Return when the system last did something about one of these clocks."""
    moments = [mark["at"] for clock in clocks for mark in clock.marks if "at" in mark]
    return max(map(datetime.fromisoformat, moments), default=None)


def is_whole(clock: CaseClock) -> bool:
    """Tell whether the clock is the sum of the stages."""
    return clock.kind == ClockKind.WHOLE
