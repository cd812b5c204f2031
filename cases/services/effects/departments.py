"""Effects on the orders departments get: given, signed, completed, taken back."""

from functools import partial
from typing import Any

from accounts.models import Organisation
from accounts.roles import Role
from cases.models import (
    ApprovalRequest,
    ReturnCycle,
    SubOrder,
)
from cases.parts import parts_of
from cases.services.context import Act
from cases.services.effects.registry import effect
from cases.workflow import ClockKind, ClockOutcome, RequestKind


def _order(act: Act, organisation_id: int, **values: Any) -> SubOrder:
    return SubOrder(
        case=act.case,
        run=act.case.run,
        organisation_id=organisation_id,
        dispatched_by=act.actor,
        dispatched_at=act.now,
        **values,
    )


@effect
def order_department(act: Act) -> None:
    """Give the lead its order, and each co-operating department one with a clock of its own."""
    lead: Organisation = act.fields["department"]
    parts = _parts(act)
    SubOrder.objects.bulk_create([_order(act, lead.pk, **_suggested(act, lead)), *parts])
    act.case.department = lead
    act.case.routing_reason = act.fields.get("reason", "")[:300]
    act.data["department"] = lead.code
    _notice_cycle(act, lead)
    _start_clocks(act, parts)


def _parts(act: Act) -> list[SubOrder]:
    """Return an order, not yet saved, for each co-operating department chosen."""
    chosen = act.fields.get("cooperating", [])
    if chosen:
        act.data["cooperating"] = [organisation.code for organisation, *_rest in chosen]
    return [
        _order(act, organisation.pk, is_lead=False, is_mandatory=mandatory, task=task)
        for organisation, mandatory, task in chosen
    ]


def _start_clocks(act: Act, parts: list[SubOrder]) -> None:
    # The row first stops the handle clocks of those who had the case before.
    act.after_clocks += [partial(act.clocks.start, ClockKind.HANDLE, part) for part in parts]


@effect
def add_sub_orders(act: Act) -> None:
    """More departments co-operate; each has its own clock from now."""
    parts = SubOrder.objects.bulk_create(_parts(act))
    _start_clocks(act, parts)


@effect
def decline_own_order(act: Act) -> None:
    """A co-operating department says that its part is not theirs; its clock runs on."""
    order = act.situation.own_order
    assert order is not None
    order.declined_at, order.decline_reason = act.now, act.fields["reason"]
    order.save(update_fields=["declined_at", "decline_reason"])
    act.data["organisation"] = order.organisation.code


@effect
def keep_sub_order(act: Act) -> None:
    """The desk insists: the part is theirs after all."""
    order: SubOrder = act.fields["sub_order"]
    order.declined_at, order.decline_reason = None, ""
    order.save(update_fields=["declined_at", "decline_reason"])
    act.data["organisation"] = order.organisation.code


@effect
def recall_sub_order(act: Act) -> None:
    """The desk takes one part back; the others and the lead go on."""
    order: SubOrder = act.fields["sub_order"]
    was_declined = order.declined_at is not None
    order.ended_at = act.now
    order.outcome = SubOrder.Outcome.RETURNED if was_declined else SubOrder.Outcome.RECALLED
    order.save(update_fields=["ended_at", "outcome"])
    act.clocks.stop_sub_order(order, ClockOutcome.ANNULLED)
    act.data["organisation"] = order.organisation.code


@effect
def assign_order(act: Act) -> None:
    """A squad or a person of the department has the order from now on."""
    order, assignee = act.situation.order_in_hand, act.fields["assignee"]
    assert order is not None
    order.squad, order.person = assignee.squad, assignee.person
    if assignee.person is not None and assignee.person.organisation_id != order.organisation_id:
        order.squad_id = assignee.person.organisation_id  # who sees it is the person's own body
    order.assigned_by, order.assigned_at = act.actor, act.now
    order.save(update_fields=ASSIGNED)
    act.data["organisation"] = order.organisation.code
    if assignee.person is not None:
        act.data["person"] = assignee.person.pk
    else:
        act.data["squad"] = assignee.squad.code


@effect
def take_order_back(act: Act) -> None:
    """The department has the order itself again."""
    order = act.situation.order_in_hand
    assert order is not None
    order.squad = order.person = order.assigned_by = order.assigned_at = None
    order.save(update_fields=ASSIGNED)
    act.data["organisation"] = order.organisation.code


ASSIGNED = ["squad", "person", "assigned_by", "assigned_at"]


@effect
def note_link(act: Act) -> None:
    """The row of the link is the service's; the history keeps which it was and what came of it."""
    act.data["link"] = act.fields["link"]
    if "answer" in act.fields:
        act.data["answer"] = act.fields["answer"]


def _suggested(act: Act, lead: Organisation) -> dict[str, Any]:
    """Return what the rules suggested, for the lead's order; the history tells it too."""
    routing = act.situation.routing
    if routing is None:
        return {}
    act.data["routing"] = {
        "version": routing.version,
        "rule": routing.rule,
        "suggested": routing.organisation,
        "is_followed": routing.organisation == lead.pk,
    }
    return {
        "suggested_id": routing.organisation,
        "routing_rule": routing.rule,
        "rules_version": routing.version,
    }


def _notice_cycle(act: Act, lead: Organisation) -> None:
    """Tell the shift supervisor that a department gets a case which it returned before."""
    case = act.case
    is_cycle = any(
        request.kind == RequestKind.RETURN
        and request.status == ApprovalRequest.Status.APPROVED
        and (request.run, request.department_id) == (case.run, lead.pk)
        for request in parts_of(case).requests
    )
    if not is_cycle:
        return
    orders = case.sub_orders.filter(is_lead=True, run=case.run).order_by("pk")
    codes = list(orders.values_list("organisation__code", flat=True))
    ReturnCycle.objects.create(case=case, run=case.run, departments=codes, noticed_at=act.now)
    roles = [Role.SHIFT_SUPERVISOR.value]
    data = {"organisation": None, "roles": roles, "departments": codes}
    act.notices.append(("return_cycle", data))


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
    _order(act, department.pk).save(force_insert=True)
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
    squad = act.request.details
    _end_orders(act, SubOrder.Outcome.PROXIED)
    act.changes_hands = True
    _order(act, squad["squad_id"]).save(force_insert=True)
    act.case.department_id = squad["squad_id"]
    act.case.routing_reason = act.request.reason[:300]
    act.data["department"] = squad["squad"]


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
