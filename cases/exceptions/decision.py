"""What somebody who decides a request has to see: size, proof, who agreed, what it hides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from cases.exceptions.ledger import Month
from cases.exceptions.shares import SHARED, Share, share_of
from cases.exceptions.words import posts_words, request_words
from cases.models import ApprovalRequest, Case
from cases.presenters import photo_captions, photo_data
from cases.workflow import ARROWS, Asks, RequestKind
from common.durations import duration_text

DECIDED_KIND: dict[str, RequestKind] = {
    arrow.action: arrow.request[1]
    for arrow in ARROWS
    if arrow.request and arrow.request[0] in (Asks.APPROVE, Asks.REJECT)
}
ASKING = {arrow.action for arrow in ARROWS if arrow.request and arrow.request[0] is Asks.ASK}


def decision_panel(case: Case, action: str, now: datetime) -> dict[str, Any] | None:
    """Return the request an action decides, as its form shows it; None for other actions."""
    kind = DECIDED_KIND.get(action)
    if kind is None:
        return None
    request = (
        case.requests.filter(kind=kind.value, status=ApprovalRequest.Status.OPEN)
        .select_related("asked_by", "organisation", "department")
        .first()
    )
    if request is None:
        return None
    return {
        "request": request,
        "label": request_words(request),
        "steps": approval_steps(request, approvers_of([request])),
        "evidence": evidence(request),
        "late": lateness(request, now),
        "review": moved_review(request),
        "share": share_if_granted(request, now),
    }


def share_if_granted(request: ApprovalRequest, now: datetime) -> dict[str, Any] | None:
    """Return the department's share as it would be, where a cap is set for the kind."""
    kind = RequestKind(request.kind)
    if kind not in SHARED or request.department is None:
        return None
    month = Month.of(timezone.localdate(request.asked_at))
    share: Share = share_of(
        city_id=request.case.city_id,
        department_id=request.department.pk,
        kind=kind,
        month=month,
        today=timezone.localdate(now),
    ).with_one_more()
    return {"month": month.name, "share": share} if share.cap is not None else None


def lateness(request: ApprovalRequest, now: datetime) -> str:
    """Return how late the case was when it was asked, or is by now; "" while it is in time."""
    if request.due_at is None:
        return ""
    decided_at = request.decided_at or now
    if request.was_overdue:
        return duration_text(request.asked_at - request.due_at)
    return duration_text(decided_at - request.due_at) if decided_at > request.due_at else ""


def lateness_kept(request: ApprovalRequest) -> str:
    """Return how late it was when it was asked, else when it was granted; "" if neither."""
    is_late = request.was_overdue or request.was_decided_overdue
    return lateness(request, request.asked_at) if is_late else ""


def moved_review(request: ApprovalRequest) -> dict[str, datetime] | None:
    """Return the review date asked for and the working day it was moved to; None if it was not."""
    wanted = request.details.get("review_wanted_at")
    if not wanted:
        return None
    read = datetime.fromisoformat
    return {"wanted_at": read(wanted), "review_at": read(request.details["review_at"])}


def approvers_of(requests: Iterable[ApprovalRequest]) -> dict[int, User]:
    """Return everybody who has agreed to one of these, by id: one query."""
    return User.objects.in_bulk({given["user"] for each in requests for given in each.approvals})


def approval_steps(request: ApprovalRequest, people: Mapping[int, User]) -> list[dict[str, Any]]:
    """Return the steps of the chain: who agreed and when, whose turn it is, who comes after."""
    steps = []
    for number, posts in enumerate(request.steps):
        given = request.approvals[number] if number < len(request.approvals) else None
        is_due = given is None and number == len(request.approvals) and request.waits_for
        steps.append(
            {
                "posts": posts_words([given["post"]] if given else posts),
                "person": people.get(given["user"]) if given else None,
                "at": datetime.fromisoformat(given["at"]) if given else None,
                "note": given.get("note", "") if given else "",
                "is_due": bool(is_due),
            }
        )
    return steps


def evidence(request: ApprovalRequest) -> list[dict[str, Any]]:
    """Return the photos sent with the request: those of the step in which it was asked."""
    asked = request.case.events.filter(
        Q(data__request__id=request.pk), action__in=ASKING, at=request.asked_at
    )
    uses = request.case.photos.filter(event_sequence__in=asked.values("sequence"))
    return [photo_data(use.photo, *photo_captions(use)) for use in uses.select_related("photo")]
