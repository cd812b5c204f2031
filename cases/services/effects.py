"""What an arrow changes beside state and clocks: the named effects of the workflow table.

An effect reads the fields already checked, changes the case in memory, writes rows of its own
(orders, tasks, requests) and notes in ``act.data`` what the history must know. Nothing here is
personal; what people wrote is kept apart by the door.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from accounts.roles import Role
from cases.errors import invalid, missing_field, same_person
from cases.fields import check_component
from cases.models import (
    ApprovalRequest,
    FieldTask,
    LeaderInstruction,
    Source,
    SubOrder,
    SupervisionOrder,
    Urgency,
)
from cases.models.case import WHOLE_CITY_DESKS
from cases.services.context import Act
from cases.services.place import place_case
from cases.time_limits import Limit, Unit, limit_duration
from cases.workflow import ClockKind, RequestKind, State
from components.models import CaseStandard, Profile
from grid.models import BeatAssignment

Effect = Callable[[Act], None]
EFFECTS: dict[str, Effect] = {}


def effect(function: Effect) -> Effect:
    """Register a function under its name, as the table writes it."""
    EFFECTS[function.__name__] = function
    return function


# ── the case itself ───────────────────────────────────────────────────────────────────────────


@effect
def correct(act: Act) -> None:
    """Take over what the post corrected; the history keeps old and new codes."""
    case, fields = act.case, act.fields
    if "type" in fields and fields["type"].pk != case.type_id:
        act.note("type", case.type.code if case.type else None, fields["type"].code)
        case.type = fields["type"]
        if case.component and case.component.type_id != case.type_id:
            case.component = None
    if "location" in fields:
        act.note("cell", case.cell_code, fields["location"].cell_code)
        place_case(case, fields["location"])
    if "component" in fields:
        act.note(
            "component", case.component.code if case.component else None, fields["component"].code
        )
        case.component = fields["component"]
    elif "location" in fields and case.component:
        check_component("component", case.component, act.situation)
    for name in ("address", "description", "urgency"):
        if name in fields:
            setattr(case, name, fields[name])


@effect
def file_under_standard(act: Act) -> None:
    """Store the limit and closing conditions as they are today: later editions change nothing."""
    case, standard = act.case, act.fields.get("standard") or act.case.standard
    if standard is None:
        raise missing_field("standard")
    if case.type_id != standard.type_id:
        raise invalid("standard", _("This standard is of another type."))
    case.standard = standard
    case.profile = standard.profile
    case.limit_value, case.limit_unit = standard.limit_value, standard.limit_unit
    case.closing_conditions = standard.closing_conditions
    act.data["standard"] = {
        "id": standard.pk,
        "profile": standard.profile,
        "limit": str(standard.limit_value),
        "unit": standard.limit_unit,
    }


@effect
def set_whole_deadline(act: Act) -> None:
    """From filing the whole has a deadline; after a reopening once its clock has started."""
    act.after_clocks.append(act.clocks.set_whole_deadline)


@effect
def filing_completed(act: Act) -> None:
    """The urgent case is filed like any other now."""
    act.case.has_open_filing = False


@effect
def make_urgent(act: Act) -> None:
    """Dispatch first, file later: the emergency limit of the type, else the city's urgent one."""
    case = act.case
    case.urgency, case.has_open_filing = Urgency.URGENT, True
    standard = (
        CaseStandard.objects.valid_on(timezone.localdate(act.now))
        .filter(
            type_id=case.type_id, profile=Profile.EMERGENCY, zone_grade__in=("", case.zone_grade)
        )
        .order_by("-zone_grade", "id")
        .first()
    )
    if standard is not None:
        act.fields["standard"] = standard
        file_under_standard(act)
    else:
        case.profile = Profile.EMERGENCY


@effect
def answer_reporter(act: Act) -> None:
    """Citizens are told why their report was refused."""
    if act.case.source in (Source.HOTLINE, Source.PUBLIC) and "reply" not in act.fields:
        raise missing_field("reply")


@effect
def count_rework(act: Act) -> None:
    """One more time the check failed."""
    act.case.rework_count += 1


@effect
def set_review(act: Act) -> None:
    """A suspended case wakes up at its review date."""
    request = act.request
    assert request is not None
    act.case.review_at = datetime.fromisoformat(request.details["review_at"])


@effect
def clear_review(act: Act) -> None:
    """The case is no longer suspended."""
    act.case.review_at = None


@effect
def new_run(act: Act) -> None:
    """Begin again: facts are per run; what was filed stays only where handling goes on."""
    case = act.case
    case.run += 1
    case.ended_at = None
    case.handled_at = None
    case.rework_count = 0
    case.collector = None
    act.clocks.begin_run()
    if act.arrow.target is State.REPORTED:
        case.department = None
        case.standard, case.profile = None, ""
        case.limit_value, case.limit_unit, case.closing_conditions = None, "", []
        case.has_open_filing = False
        case.review_at = None
        case.desk = _city_desk(case.city_id)


@effect
def join_master(act: Act) -> None:
    """Merge into the master; its history tells of it too."""
    act.case.master = act.fields["master"]
    act.data["master"] = act.fields["master"].number


@effect
def leave_master(act: Act) -> None:
    """The case stands on its own again."""
    act.case.master = None


# ── desks ─────────────────────────────────────────────────────────────────────────────────────


def _city_desk(city_id: int) -> Organisation | None:
    return (
        Organisation.objects.filter(
            city_id=city_id, has_dispatch_desk=True, kind__in=WHOLE_CITY_DESKS, is_active=True
        )
        .order_by("path")
        .first()
    )


@effect
def change_desk(act: Act) -> None:
    """Hand the case to another desk."""
    act.note("desk", act.case.desk.code if act.case.desk else None, act.fields["desk"].code)
    act.case.desk = act.fields["desk"]


@effect
def desk_above(act: Act) -> None:
    """Hand the case up to the city's desk."""
    desk = _city_desk(act.case.city_id)
    act.note("desk", act.case.desk.code if act.case.desk else None, desk.code if desk else None)
    act.case.desk = desk


# ── departments ───────────────────────────────────────────────────────────────────────────────


def _order(act: Act, organisation: Organisation, **values: Any) -> SubOrder:
    return SubOrder(
        case=act.case,
        run=act.case.run,
        organisation=organisation,
        dispatched_by=act.actor,
        dispatched_at=act.now,
        **values,
    )


@effect
def order_department(act: Act) -> None:
    """Give the lead its order, and each co-operating department one with a clock of its own."""
    lead = act.fields["department"]
    orders = [_order(act, lead)]
    orders += [
        _order(act, organisation, is_lead=False, is_mandatory=mandatory, task=task)
        for organisation, mandatory, task in act.fields.get("cooperating", [])
    ]
    SubOrder.objects.bulk_create(orders)
    act.case.department = lead
    act.case.routing_reason = act.fields.get("reason", "")[:300]
    act.data["department"] = lead.code
    if len(orders) > 1:
        act.data["cooperating"] = [order.organisation.code for order in orders[1:]]
        # The row first stops the handle clocks of those who had the case before.
        act.after_clocks += [partial(act.clocks.start, ClockKind.HANDLE, o) for o in orders[1:]]


def _end_orders(act: Act, outcome: str, **only: Any) -> None:
    act.case.sub_orders.filter(ended_at__isnull=True, **only).update(
        ended_at=act.now, outcome=outcome
    )


@effect
def order_again(act: Act) -> None:
    """Rework by the same department: a new order, the old clock."""
    department = act.case.department
    assert department is not None
    _end_orders(act, SubOrder.Outcome.ENDED, is_lead=True)
    _order(act, department).save(force_insert=True)
    act.data["department"] = department.code


@effect
def reassign_department(act: Act) -> None:
    """Rework by another department: the first is reassigned."""
    _end_orders(act, SubOrder.Outcome.REASSIGNED)
    order_department(act)


@effect
def order_squad(act: Act) -> None:
    """A proxy squad handles in the place of the responsible body."""
    assert act.request is not None
    squad = Organisation.objects.get(pk=act.request.details["squad_id"])
    _end_orders(act, SubOrder.Outcome.PROXIED)
    act.changes_hands = True
    act.fields["department"] = squad
    order_department(act)
    act.case.routing_reason = act.request.reason[:300]


@effect
def recall_orders(act: Act) -> None:
    """The desk takes the case back."""
    _end_orders(act, SubOrder.Outcome.RECALLED)
    act.case.department = None


@effect
def return_orders(act: Act) -> None:
    """The department was right: not theirs."""
    _end_orders(act, SubOrder.Outcome.RETURNED)
    act.case.department = None


@effect
def sign_order(act: Act) -> None:
    """The lead has seen its order."""
    act.case.sub_orders.filter(ended_at__isnull=True, is_lead=True).update(
        signed_by=act.actor, signed_at=act.now
    )


@effect
def complete_order(act: Act) -> None:
    """The lead says it is done, condition by condition."""
    act.case.handled_at = act.now
    act.case.sub_orders.filter(ended_at__isnull=True, is_lead=True).update(
        completed_by=act.actor, completed_at=act.now
    )
    remarks = [answer["remark"] for answer in act.fields["closing_answers"]]
    act.data["closing_conditions_met"] = len(remarks)
    if any(remarks):
        act.text["closing_remarks"] = remarks


@effect
def sign_own_order(act: Act) -> None:
    """A co-operating department has seen its order."""
    order = act.situation.own_order
    assert order is not None
    order.signed_by, order.signed_at = act.actor, act.now
    order.save(update_fields=["signed_by", "signed_at"])
    act.data["organisation"] = order.organisation.code


@effect
def complete_own_order(act: Act) -> None:
    """A co-operating department has done its part."""
    order = act.situation.own_order
    assert order is not None
    order.completed_by, order.completed_at = act.actor, act.now
    order.save(update_fields=["completed_by", "completed_at"])
    act.clocks.stop_sub_order(order)
    act.data["organisation"] = order.organisation.code


# ── collectors ────────────────────────────────────────────────────────────────────────────────


def _send(act: Act, kind: str, **values: Any) -> None:
    collector: User = act.fields["collector"]
    act.case.collector = collector
    act.data["collector"] = collector.pk
    task = FieldTask(
        case=act.case,
        run=act.case.run,
        kind=kind,
        collector=collector,
        organisation_id=collector.organisation_id,
        assigned_by=act.actor,
        assigned_at=act.now,
        **values,
    )
    act.after_clocks.append(lambda: _save_task(act, task))


def _save_task(act: Act, task: FieldTask) -> None:
    task.due_at = act.case.due_at
    task.save(force_insert=True)


def _end_task(act: Act, outcome: str) -> None:
    act.case.field_tasks.filter(ended_at__isnull=True).update(ended_at=act.now, outcome=outcome)
    act.case.collector = None


@effect
def send_collector(act: Act) -> None:
    """Somebody looks before the case is accepted."""
    _send(act, FieldTask.Kind.CONFIRM)


@effect
def replace_collector(act: Act) -> None:
    """Another collector looks."""
    _end_task(act, FieldTask.Outcome.REASSIGNED)
    _send(act, FieldTask.Kind.CONFIRM)


@effect
def send_checker(act: Act) -> None:
    """Somebody who did not handle, and if there is another on the beat did not report, checks."""
    collector: User = act.fields["collector"]
    people = {person for person, _organisation in act.situation.handlers}
    bodies = {organisation for _person, organisation in act.situation.handlers}
    if collector.pk in people or collector.organisation_id in bodies - {None}:
        raise same_person(_("Whoever handled a case cannot check it."))
    is_reporter = collector.pk == act.case.reporter_id
    if is_reporter and _others_on_the_beat(act, collector):
        raise same_person(_("Another collector of this beat must check what this one reported."))
    _send(act, FieldTask.Kind.CHECK, is_reporter_checking=is_reporter)


@effect
def replace_checker(act: Act) -> None:
    """Another collector checks."""
    _end_task(act, FieldTask.Outcome.REASSIGNED)
    send_checker(act)


def _others_on_the_beat(act: Act, collector: User) -> bool:
    day = timezone.localdate(act.now)
    return (
        BeatAssignment.objects.valid_on(day)
        .filter(
            beat__cells=act.case.cell_id,
            collector__is_active=True,
            collector__groups__name=Role.COLLECTOR.value,
        )
        .exclude(collector=collector)
        .exists()
    )


@effect
def recall_collector(act: Act) -> None:
    """The task is taken back."""
    _end_task(act, FieldTask.Outcome.RECALLED)


OUTCOME_OF_ACTION = {
    "check_pass": FieldTask.Outcome.PASSED,
    "check_fail": FieldTask.Outcome.FAILED,
}


@effect
def end_field_task(act: Act) -> None:
    """The collector has answered."""
    outcome = act.fields.get("outcome") or OUTCOME_OF_ACTION[act.arrow.action]
    act.data["outcome"] = str(outcome)
    _end_task(act, outcome)


# ── requests ──────────────────────────────────────────────────────────────────────────────────


@effect
def open_request(act: Act) -> None:
    """Ask; the details are what the decision will need."""
    kind = act.arrow.request[1] if act.arrow.request else None
    assert kind is not None
    request = ApprovalRequest(
        case=act.case,
        run=act.case.run,
        kind=kind,
        asked_in=act.case.state,
        asked_by=act.actor,
        organisation_id=act.actor.organisation_id if act.actor else None,
        asked_at=act.now,
        reason=act.fields.get("reason", ""),
        reason_code=act.fields.get("reason_code", ""),
        details=_details(act, kind),
        was_overdue=act.case.due_at is not None and act.case.due_at < act.now,
    )
    request.save(force_insert=True)
    act.data["request"] = {"id": request.pk, "kind": kind.value, **request.details}


def _details(act: Act, kind: RequestKind) -> dict[str, Any]:
    fields = act.fields
    if kind is RequestKind.EXTENSION:
        return _extension_details(act)
    if kind is RequestKind.SUSPENSION:
        expected = fields.get("expected_at")
        return {
            "review_at": fields["review_at"].isoformat(),
            "expected_at": expected.isoformat() if expected else None,
        }
    if kind is RequestKind.PROXY:
        return {"squad": fields["squad"].code, "squad_id": fields["squad"].pk}
    return {}


def _extension_details(act: Act) -> dict[str, Any]:
    """Say now whether the desk may grant it: its size against the original, the first time."""
    value, unit = act.fields["extension_value"], act.fields["extension_unit"]
    clock = act.clocks.main(ClockKind.HANDLE)
    if clock is None or clock.limit_value is None:
        raise invalid("extension_value", _("There is no deadline to extend."))
    calendar = act.clocks.calendar_of(clock)
    try:
        asked = limit_duration(calendar, Limit(value, Unit(unit)))
    except ValueError as error:
        raise invalid("extension_value", _("This extension is too long.")) from error
    original = limit_duration(calendar, Limit(Decimal(clock.limit_value), Unit(clock.limit_unit)))
    share = asked / original if original > timedelta() else 0
    return {
        "value": str(value),
        "unit": unit,
        "is_first": not clock.granted,
        "is_short": share <= float(act.situation.policy.desk_extension_ratio),
    }


def _decide(act: Act, status: str) -> None:
    request = act.request
    assert request is not None
    request.status = status
    request.decided_by, request.decided_at = act.actor, act.now
    request.decision_note = act.fields.get("reason", "") or act.fields.get("note", "")
    act.decided = request
    act.data["request"] = {"id": request.pk, "kind": request.kind}


@effect
def approve_request(act: Act) -> None:
    """Say yes; a first approval of two leaves the request open (``approve_first``)."""
    _decide(act, ApprovalRequest.Status.APPROVED)
    _add_approval(act)


def _add_approval(act: Act) -> None:
    request = act.request
    assert request is not None
    assert act.actor is not None
    request.approvals = [
        *request.approvals,
        {"post": act.post.value, "user": act.actor.pk, "at": act.now.isoformat()},
    ]


@effect
def approve_first(act: Act) -> None:
    """The first of two has agreed; the leader decides."""
    request = act.request
    assert request is not None
    request.status, request.decided_by, request.decided_at = ApprovalRequest.Status.OPEN, None, None


@effect
def reject_request(act: Act) -> None:
    """Say no, with a reason."""
    _decide(act, ApprovalRequest.Status.REJECTED)


@effect
def withdraw_request(act: Act) -> None:
    """Whoever asked, or a colleague, no longer asks."""
    _decide(act, ApprovalRequest.Status.WITHDRAWN)


@effect
def extend_deadline(act: Act) -> None:
    """Move the deadline: original plus everything granted."""
    request = act.request
    assert request is not None
    details = request.details
    clock = act.clocks.extend(
        ClockKind.HANDLE, Decimal(details["value"]), details["unit"], request.pk
    )
    act.data["due_at"] = clock.due_at.isoformat() if clock.due_at else None


# ── orders from above ─────────────────────────────────────────────────────────────────────────


def _give(act: Act, model: type[SupervisionOrder | LeaderInstruction], prefix: str) -> None:
    assert act.actor is not None
    count = model.objects.filter(case=act.case).count() + 1
    order = model.objects.create(
        case=act.case,
        number=f"{prefix}{act.case.number}-{count}",
        text=act.fields["text"],
        given_by=act.actor,
        given_at=act.now,
        reply_due_at=act.fields.get("reply_due"),
    )
    act.data["order"] = order.number


def _reply(act: Act, model: type[SupervisionOrder | LeaderInstruction]) -> None:
    order = model.objects.filter(
        Q(replied_at__isnull=True), case=act.case, number=act.fields["order"]
    ).first()
    if order is None:
        raise invalid("order", _("There is no such order waiting for a reply."))
    order.reply, order.replied_by, order.replied_at = act.fields["reply"], act.actor, act.now
    order.save(update_fields=["reply", "replied_by", "replied_at"])
    act.data["order"] = order.number


@effect
def order_supervision(act: Act) -> None:
    """督办."""
    _give(act, SupervisionOrder, "S")


@effect
def reply_supervision(act: Act) -> None:
    """Answer a supervision order."""
    _reply(act, SupervisionOrder)


@effect
def instruct(act: Act) -> None:
    """批示."""
    _give(act, LeaderInstruction, "I")


@effect
def reply_instruction(act: Act) -> None:
    """Answer a leader's instruction."""
    _reply(act, LeaderInstruction)
