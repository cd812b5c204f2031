"""What must be true of every case at every moment, said without the code that makes it so."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal

from cases.models import (
    ApprovalRequest,
    CalendarVersion,
    Case,
    CaseClock,
    CaseEvent,
    FieldTask,
    SubOrder,
)
from cases.services.history import event_hash
from cases.time_limits import Calendar, Limit, Unit, elapsed, limit_duration
from common.prepared import Prepared, Slot

FINAL = {"closed", "refused", "voided", "merged"}
WITH_DEPARTMENT = {"dispatched", "handling", "suspended", "handled", "checking", "rework"}
WITH_COLLECTOR = {"confirming": "confirm", "checking": "check"}
WAITS_FOR = {
    "reported": "accept",
    "confirming": "confirm",
    "accepted": "file",
    "filed": "dispatch",
    "dispatched": "handle",
    "handling": "handle",
    "suspended": None,
    "handled": "send_check",
    "checking": "check",
    "rework": "dispatch",
    "checked": "close",
}
PAUSED = {
    "confirming": "accept",
    "suspended": "handle",
    "handled": "handle",
    "checking": "handle",
    "rework": "handle",
}
HANDLING = ("sign", "complete", "sign_sub_order", "complete_sub_order")
BY_THE_CLOCK = ("warn", "breach", "escalate")
NOTICES = (*BY_THE_CLOCK, "recalculate", "urge", "return_cycle")  # nobody's page goes stale
NOT_BY_HANDLERS = ("check_pass", "check_fail", "skip_check", "close", "reopen")


CASE = Prepared(Case.objects.select_related("department").filter(pk=Slot("case")))
EVENTS = Prepared(CaseEvent.objects.filter(case=Slot("case")).order_by("sequence"))
CLOCKS = Prepared(CaseClock.objects.select_related("sub_order").filter(case=Slot("case")))
ORDERS = Prepared(SubOrder.objects.filter(case=Slot("case")))
TASKS = Prepared(FieldTask.objects.filter(case=Slot("case")))
REQUESTS = Prepared(
    ApprovalRequest.objects.select_related("organisation").filter(case=Slot("case"))
)


def check_case(pk: int) -> Case:
    """Assert every invariant of one case; returns it as it is in the database."""
    (case,) = CASE(case=pk)
    events, clocks, orders = EVENTS(case=pk), CLOCKS(case=pk), ORDERS(case=pk)
    assert case.is_open == (case.state not in FINAL)
    assert (case.ended_at is not None) == (case.state in FINAL)
    check_chain(case, events)
    check_posts(events)
    check_holder(case, orders, TASKS(case=pk))
    check_clocks(case, clocks, orders)
    check_steps(events, clocks)
    check_requests(case, REQUESTS(case=pk))
    return case


def check_chain(case: Case, events: list[CaseEvent]) -> None:
    """The chain is whole, gapless, and the case's head is its end."""
    previous = ""
    state = ""
    for number, event in enumerate(events, 1):
        assert event.sequence == number
        assert event.previous_hash == previous
        assert event.hash == event_hash(event, case.number)
        assert event.old_state == state, "every step begins where the one before ended"
        previous, state = event.hash, event.new_state
    assert (case.history_length, case.history_head) == (len(events), previous)
    assert case.state == state
    assert case.version == sum(event.action not in NOTICES for event in events)


def check_posts(events: list[CaseEvent]) -> None:
    """Nobody checks, closes or approves what they or their organisation handled."""
    people: set[int] = set()
    bodies: set[int] = set()
    for event in events:
        if event.action in NOT_BY_HANDLERS or event.action.startswith("approve_"):
            assert event.actor_id not in people, f"{event.action} by somebody who handled"
            assert event.organisation_id not in bodies, f"{event.action} by the handling body"
        if event.action in HANDLING:
            people.add(event.actor_id)
            bodies.add(event.organisation_id)


def check_holder(case: Case, orders: list[SubOrder], tasks: list[FieldTask]) -> None:
    """Exactly one holds the case: a desk, a department, a collector, or nobody when it ended."""
    lead = [order for order in orders if order.is_lead and order.ended_at is None]
    tasks = [task for task in tasks if task.ended_at is None]
    assert case.desk_id is not None
    if case.state in WITH_DEPARTMENT and not (case.state == "rework" and not lead):
        assert [order.organisation_id for order in lead] == [case.department_id]
    elif case.state != "checked":
        assert lead == []
    if case.state in ("reported", "confirming", "accepted", "filed"):
        assert case.department_id is None
    if case.state in WITH_COLLECTOR:
        assert [(task.kind, task.collector_id) for task in tasks] == [
            (WITH_COLLECTOR[case.state], case.collector_id)
        ]
    else:
        assert (tasks, case.collector_id) == ([], None)
    if case.state in FINAL:
        assert all(order.ended_at is not None for order in orders)


def check_clocks(case: Case, clocks: list[CaseClock], orders: list[SubOrder]) -> None:
    """The clocks that run and rest are exactly those the state implies; each adds up."""
    for clock in clocks:
        if clock.stopped_at is not None:
            assert clock.outcome
            assert clock.started_at <= clock.actual_end_at <= clock.stopped_at
            assert clock.paused_at is None
        check_account(clock)
    live = [clock for clock in clocks if clock.stopped_at is None]
    assert all(clock.run == case.run for clock in live)
    running = Counter(c.kind for c in live if c.sub_order_id is None and c.paused_at is None)
    paused = Counter(c.kind for c in live if c.sub_order_id is None and c.paused_at is not None)
    assert running == expected_running(case)
    assert paused == expected_paused(case, clocks)
    check_sub_orders(case, live, orders)
    waits = WAITS_FOR.get(case.state)
    waiting = next((c for c in live if c.kind == waits and c.sub_order_id is None), None)
    assert case.clock_kind == (waits or "")
    assert case.due_at == (waiting.due_at if waiting else None)
    assert case.warn_at == (waiting.warn_at if waiting else None)


def check_steps(events: list[CaseEvent], clocks: list[CaseClock]) -> None:
    """Each step of a deadline was done once, told once, and never before its moment."""
    told = [
        (e.data["clock_id"], e.data["deadline"], e.data["due"], e.at.isoformat())
        for e in events
        if e.action in BY_THE_CLOCK
    ]
    marks = [(clock, mark) for clock in clocks for mark in clock.marks if "at" in mark]
    noted = [(clock.pk, mark["deadline"], mark["due"], mark["at"]) for clock, mark in marks]
    assert sorted(told) == sorted(noted)
    assert all(due < at for _clock, _deadline, due, at in noted)
    keys = [(c.pk, m["deadline"], m["step"]) for c in clocks for m in c.marks]
    assert len(keys) == len(set(keys))
    for clock in clocks:
        if clock.stopped_at is not None or clock.paused_at is not None or clock.due_at is None:
            assert clock.next_at is None


def expected_running(case: Case) -> Counter[str]:
    """What runs in a state: the whole, what the case waits for, and an urgent case's filing."""
    if case.state in FINAL:
        return Counter()
    expected = {"whole", WAITS_FOR[case.state]} - {None}
    if case.has_open_filing:
        expected |= {"accept", "file"}
    return Counter(expected)


def expected_paused(case: Case, clocks: list[CaseClock]) -> Counter[str]:
    """What rests in a state; handling rests no more once it has ended in this run."""
    kind = PAUSED.get(case.state)
    handled = [
        c for c in clocks if c.run == case.run and c.kind == "handle" and c.sub_order_id is None
    ]
    if kind == "handle" and (not handled or handled[-1].outcome in ("done", "unsolved")):
        return Counter()
    return Counter([kind] if kind else [])


def check_sub_orders(case: Case, live: list[CaseClock], orders: list[SubOrder]) -> None:
    """Each co-operating department at work has a clock of its own."""
    at_work = {
        order.pk
        for order in orders
        if not order.is_lead and order.ended_at is None and order.completed_at is None
    }
    measured = [clock.sub_order_id for clock in live if clock.sub_order_id is not None]
    assert len(measured) == len(set(measured))
    assert set(measured) <= at_work
    is_at_work = case.state in ("dispatched", "handling")
    if is_at_work:
        assert set(measured) == at_work
    parts = [clock for clock in live if clock.sub_order_id is not None]
    assert all((clock.paused_at is None) is is_at_work for clock in parts)


def check_account(clock: CaseClock) -> None:
    """While a clock rests: time used and time left make the limit and what was granted."""
    if clock.remaining is None or clock.limit_value is None:
        return
    calendar = Calendar.from_dict(
        CalendarVersion.objects.values_list("data", flat=True).get(pk=clock.calendar_version_id)
    )
    limits = [Limit(clock.limit_value, Unit(clock.limit_unit))]
    limits += [Limit(Decimal(g["value"]), Unit(g["unit"])) for g in clock.granted]
    is_working = limits[0].unit.is_working
    if any(limit.unit.is_working != is_working for limit in limits):
        return  # working and natural time do not add up in one number
    used = elapsed(calendar, is_working, clock.started_at, clock.paused_at)
    used -= clock.paused_total or timedelta()
    assert used + clock.remaining == sum(
        (limit_duration(calendar, limit) for limit in limits), timedelta()
    )


def check_requests(case: Case, requests: list[ApprovalRequest]) -> None:
    """Open requests were asked in the state the case is in, at most one of a kind."""
    still_open = [request for request in requests if request.status == "open"]
    assert len({request.kind for request in still_open}) == len(still_open)
    for request in still_open:
        assert request.asked_in == case.state
        if request.kind in ("return", "extension", "suspension"):
            assert case.department.contains(request.organisation), "the department has changed"
        assert 0 <= len(request.approvals) < len(request.chain), "somebody still has to agree"
        assert request.waits_for == request.chain[len(request.approvals)]
    for request in requests:
        if request.status == "open":
            continue
        assert request.decided_at is not None
        assert request.waits_for == []
        if request.status == "approved":
            check_approvals(request)


def check_approvals(request: ApprovalRequest) -> None:
    """Every step of the chain was agreed to once, in its order, by somebody else each time."""
    assert len(request.approvals) == len(request.chain)
    for given, step in zip(request.approvals, request.chain, strict=True):
        assert given["post"] in step
    people = [given["user"] for given in request.approvals]
    assert len(set(people)) == len(people)
    assert request.asked_by_id not in people
