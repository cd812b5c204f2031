"""Effects on requests: asked, decided, and what a granted extension does."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from cases.errors import invalid
from cases.models import (
    ApprovalRequest,
)
from cases.parts import parts_of
from cases.services.context import Act
from cases.services.effects.registry import effect
from cases.time_limits import Limit, Unit, limit_duration
from cases.workflow import ClockKind, RequestKind


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
    parts_of(act.case).requests.append(request)
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
