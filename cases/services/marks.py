"""Writing what the system did about a deadline: the event, and the mark on the clock.

Both are written in one transaction while the case is locked, so that each step is done exactly
once, whoever does it: a scan, or the act that would otherwise outrun it. The version of the case
stays: nobody's page goes stale because of a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from cases.deadlines.rules import Ladder, Rules
from cases.deadlines.steps import Step, last_mark, mark, set_next, steps_due
from cases.models import Case, CaseClock, CaseEvent
from cases.services.clocks import ClockBook
from cases.services.history import event_append, notice_chain
from cases.time_limits import Calendar

RulesOf = Callable[[Case, str], Rules]
CalendarOf = Callable[[CaseClock], Calendar]


def deadlines_mark(
    case: Case,
    clocks: Iterable[CaseClock],
    *,
    now: datetime,
    rules_of: RulesOf,
    calendar_of: CalendarOf,
    ladder: Ladder,
) -> list[CaseEvent]:
    """Do what is due in a locked case: chained events, in the order in which they fell due.

    Marks and next moments are set on the clocks, the case's head moves on; the caller stores all
    of them in the same transaction.
    """
    due: list[tuple[Step, CaseClock]] = []
    for clock in clocks:
        rules = rules_of(case, clock.kind)
        calendar = calendar_of(clock)
        steps = list(steps_due(clock, calendar, rules, now))
        due += [(step, clock) for step in steps]
        for step in steps:
            mark(clock, step, now)
        set_next(clock, calendar, rules)
    due.sort(key=lambda pair: (pair[0].moment, pair[1].pk, pair[0].rule.level))
    return [_event(case, clock, step, now, ladder) for step, clock in due]


def _event(case: Case, clock: CaseClock, step: Step, now: datetime, ladder: Ladder) -> CaseEvent:
    rule = step.rule
    data: dict[str, Any] = {
        "clock": str(clock.kind),
        "clock_id": clock.pk,
        "threshold": rule.percent,
        "organisation": ladder.told(clock, rule.steps_up),
        "roles": list(rule.roles),
        "level": rule.level,
        "deadline": clock.deadline_number,
        "due": step.moment.astimezone(UTC).isoformat(),
    }
    if rule.late_minutes is not None:
        data["late_minutes"] = rule.late_minutes
    return notice_chain(case, rule.action, now, data)[0]


def deadlines_settle(book: ClockBook) -> None:
    """Write what fell due before an act, so that no act outruns a warning or a breach.

    An act is dated no earlier than what the system did in its case: with two machines' clocks
    apart, a deadline that was found missed is not kept afterwards.
    """
    live = book.live()
    marked_at = last_mark(live)
    if marked_at is not None and marked_at > book.now:
        book.set_now(marked_at)
    due = [clock for clock in live if clock.next_at is not None and clock.next_at < book.now]
    if not due:
        return
    events = deadlines_mark(
        book.case,
        due,
        now=book.now,
        rules_of=book.rules_of,
        calendar_of=book.calendar_of,
        ladder=Ladder(due),
    )
    for clock in due:
        book.touch(clock)
    for event in events:
        event_append(event, "", {})
