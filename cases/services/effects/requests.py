"""Effects on requests: asked, decided, and what a granted extension does."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.errors import invalid
from cases.exceptions.chains import (
    Asked,
    chain_for,
    extension_size,
    next_working_moment,
    suspension_days,
)
from cases.models import (
    ApprovalRequest,
)
from cases.parts import parts_of
from cases.services.context import Act
from cases.services.effects.registry import effect
from cases.time_limits import CalendarError, Limit, Unit
from cases.workflow import ClockKind, RequestKind


@effect
def open_request(act: Act) -> None:
    """Ask; who will agree, and the details the decision will need, are kept with it."""
    kind = act.arrow.request[1] if act.arrow.request else None
    assert kind is not None
    case = act.case
    details = _details(act, kind)
    ordinal = 1 + _granted_before(act, kind)
    asked = Asked(kind, ordinal, *_size(details), urgency=case.urgency, profile=case.profile)
    chain = chain_for(case.city_id, asked, timezone.localdate(act.now))
    request = ApprovalRequest(
        case=case,
        run=case.run,
        kind=kind,
        asked_in=case.state,
        asked_by=act.actor,
        asked_for=act.principal,
        organisation_id=act.actor.organisation_id if act.actor else None,
        department_id=case.department_id,
        ordinal=ordinal,
        asked_at=act.now,
        reason=act.fields.get("reason", ""),
        reason_code=act.fields.get("reason_code", ""),
        details=details,
        was_overdue=case.due_at is not None and case.due_at < act.now,
        due_at=case.due_at,
        chain=chain,
        waits_for=chain[0],
    )
    request.save(force_insert=True)
    parts_of(case).requests.append(request)
    act.data["request"] = {"id": request.pk, "kind": kind.value, **details}


def _granted_before(act: Act, kind: RequestKind) -> int:
    """Count those of a kind granted in this run; an extension only to the same department."""
    granted = [
        request
        for request in parts_of(act.case).requests
        if (request.kind, request.run) == (kind, act.case.run)
        and request.status == ApprovalRequest.Status.APPROVED
    ]
    if kind is RequestKind.EXTENSION:
        granted = [each for each in granted if each.department_id == act.case.department_id]
    return len(granted)


def _size(details: dict[str, Any]) -> tuple[Decimal | None, Decimal | None]:
    days, ratio = details.get("days"), details.get("ratio")
    return (Decimal(days) if days else None), (Decimal(ratio) if ratio else None)


def _details(act: Act, kind: RequestKind) -> dict[str, Any]:
    if kind is RequestKind.EXTENSION:
        return _extension_details(act)
    if kind is RequestKind.SUSPENSION:
        return _suspension_details(act)
    if kind is RequestKind.PROXY:
        squad = act.fields["squad"]
        return {
            "squad": squad.code,
            "squad_id": squad.pk,
            "estimate_fen": act.fields["estimate"],
        }
    return {}


def _extension_details(act: Act) -> dict[str, Any]:
    """Measure it against the original limit: how many days, how many times as long."""
    value, unit = act.fields["extension_value"], Unit(act.fields["extension_unit"])
    clock = act.clocks.main(ClockKind.HANDLE)
    if clock is None or clock.limit_value is None:
        raise invalid("extension_value", _("There is no deadline to extend."))
    original = Limit(Decimal(clock.limit_value), Unit(clock.limit_unit))
    try:
        days, ratio = extension_size(act.clocks.calendar_of(clock), original, value, unit)
    except CalendarError as error:
        raise invalid("extension_value", _("This extension is too long.")) from error
    return {"value": str(value), "unit": unit.value, "days": str(days), "ratio": str(ratio)}


def _suspension_details(act: Act) -> dict[str, Any]:
    """Move a review date that is no working day to the next one, and keep what was asked."""
    wanted, expected = act.fields["review_at"], act.fields.get("expected_at")
    review_at = _on_a_working_day(act, wanted)
    details = {
        "review_at": review_at.isoformat(),
        "expected_at": expected.isoformat() if expected else None,
        "days": str(suspension_days(act.now, review_at)),
    }
    if review_at != wanted:
        details["review_wanted_at"] = wanted.isoformat()
    return details


def _on_a_working_day(act: Act, moment: datetime) -> datetime:
    """Reviews are the desk's work: its calendar says which days are days off."""
    return next_working_moment(act.clocks.limits.of(ClockKind.DISPATCH).calendar, moment)


def _decide(act: Act, status: str) -> None:
    request = act.request
    assert request is not None
    request.status, request.waits_for = status, []
    request.decided_by, request.decided_at = act.actor, act.now
    request.decision_note = act.fields.get("reason", "") or act.fields.get("note", "")
    act.decided = request
    act.data["request"] = {"id": request.pk, "kind": request.kind}


@effect
def approve_request(act: Act) -> None:
    """The last who has to agree does: what was asked is granted."""
    _decide(act, ApprovalRequest.Status.APPROVED)
    _add_approval(act)


@effect
def approve_step(act: Act) -> None:
    """Agree, and leave the request to whoever comes next."""
    request = act.request
    assert request is not None
    _add_approval(act)
    request.waits_for = request.posts_due
    act.decided = request
    act.data["request"] = {"id": request.pk, "kind": request.kind, "step": len(request.approvals)}


def _add_approval(act: Act) -> None:
    request = act.request
    assert request is not None
    assert act.actor is not None
    step = {"post": act.post.value, "user": act.actor.pk, "at": act.now.isoformat()}
    if act.principal is not None:
        step["for"] = act.principal.pk
    if note := act.fields.get("note"):
        step["note"] = note
    request.approvals = [*request.approvals, step]


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
