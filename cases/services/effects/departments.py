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
from cases.workflow import ClockKind, RequestKind


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
    cooperating = act.fields.get("cooperating", [])
    side_orders = [
        _order(act, organisation.pk, is_lead=False, is_mandatory=mandatory, task=task)
        for organisation, mandatory, task in cooperating
    ]
    SubOrder.objects.bulk_create([_order(act, lead.pk, **_suggested(act, lead)), *side_orders])
    act.case.department = lead
    act.case.routing_reason = act.fields.get("reason", "")[:300]
    act.data["department"] = lead.code
    _notice_cycle(act, lead)
    if side_orders:
        act.data["cooperating"] = [organisation.code for organisation, *_rest in cooperating]
        # The row first stops the handle clocks of those who had the case before.
        act.after_clocks += [partial(act.clocks.start, ClockKind.HANDLE, o) for o in side_orders]


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
