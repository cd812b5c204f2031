"""Taking one request through the door, step by step; it can be stopped anywhere and taken up again.

The report and the row that remembers the request commit together: there is never the one without
the other. After it every step is a transaction of its own, and the case's version says how many
were taken: whoever takes the request up goes on with the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from cases.errors import ActionRefused
from cases.models import ApprovalRequest, Case, Photo
from cases.selectors import standards_for
from cases.services import case_act, case_report
from cases.services.photos import photo_copy
from components.models import Profile
from desks.models import ReplayedRequest
from desks.replay.crew import Crew, Nobody
from desks.replay.places import Mover
from desks.replay.plan import Step, steps_of
from desks.replay.source import Request
from dispatch.selectors import suggest_department
from grid.selectors import locate

PHOTO_ACTIONS = frozenset({"confirm", "complete", "check_pass"})
REVIEW_AFTER = timedelta(days=30)
STALE = "stale_version"


@dataclass(frozen=True, slots=True)
class Stage:
    """What every request of a replay shares: people, streets, a picture, and the file's time."""

    crew: Crew
    mover: Mover
    picture: Photo
    shift: timedelta
    file_ends: datetime
    present: datetime

    def moment(self, at: datetime) -> datetime:
        """Return a time of the file as this city's: weeks later, the same hour on the wall."""
        return min(timezone.make_aware(at + self.shift), self.present)


def replay_request(request: Request, stage: Stage) -> Iterator[str]:
    """Take a request as far as its status says; yields the name of each call of the door made.

    Taken up again it goes on where it stopped. Where somebody else is replaying the same request,
    it leaves it to them.
    """
    case = _case_of(request.key)
    if case is None:
        case = _report(request, stage)
        if case is None:
            return
        yield "report"
    for step in steps_of(request, stage.file_ends)[case.version - 1 :]:
        try:
            case = _take(step, case, request, stage)
        except ActionRefused as refused:
            if refused.code == STALE:
                return
            raise
        yield step.action


def _case_of(key: str) -> Case | None:
    row = (
        ReplayedRequest.objects.filter(key=key)
        .select_related("case__type", "case__standard", "case__reporter")
        .first()
    )
    return row.case if row else None


def _report(request: Request, stage: Stage) -> Case | None:
    """Report the request and remember it; None when somebody else just did."""
    lon, lat = stage.mover.move((request.lon, request.lat))
    now = stage.moment(request.created)
    day = timezone.localdate(now)
    reporter = stage.crew.reporter(
        request.source, locate(lon, lat, on=day).cell_id, day, request.key
    )
    with transaction.atomic():
        case = case_report(
            actor=reporter,
            source=request.source,
            lon=lon,
            lat=lat,
            now=now,
            type_code=request.type_code,
            description=request.description,
            urgency="urgent" if request.is_urgent else "normal",
            idempotency_key=f"replay:{request.key}",
        )
        _row, is_new = ReplayedRequest.objects.get_or_create(
            key=request.key, defaults={"case": case}
        )
        transaction.set_rollback(not is_new)
    return case if is_new else None


def _take(step: Step, case: Case, request: Request, stage: Stage) -> Case:
    now = stage.moment(step.at)
    actor = stage.crew.in_post(step.post, case, request.key)
    turn = Turn(case, actor, now, request, stage)
    fields = FIELDS[step.action](turn) if step.action in FIELDS else {}
    with transaction.atomic():
        if step.action in PHOTO_ACTIONS:
            fields["photos"] = [photo_copy(photo=stage.picture, owner=actor, now=now).pk]
        return case_act(
            case_id=case.pk,
            action=step.action,
            actor=actor,
            now=now,
            version=case.version,
            **fields,
        )


# ── what each step brings ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Turn:
    """One step about to be taken."""

    case: Case
    actor: User
    now: datetime
    request: Request
    stage: Stage


def _somebody_to_look(turn: Turn) -> dict[str, Any]:
    day = timezone.localdate(turn.now)
    case = turn.case
    seen_it = {case.reporter_id, *case.field_tasks.values_list("collector_id", flat=True)}
    return {"collector": turn.stage.crew.collector(case, day, turn.request.key, seen_it).username}


def _address(turn: Turn) -> dict[str, Any]:
    """Where nothing with a name is near, the community's name has to do."""
    return {} if turn.case.address else {"address": turn.case.community.name}


def _standard(turn: Turn) -> dict[str, Any]:
    case = turn.case
    if case.standard_id is not None:
        return {}
    assert case.type is not None
    rows = list(standards_for(case.type, case.zone_grade, timezone.localdate(turn.now)))
    wanted = Profile.EMERGENCY if turn.request.is_urgent else Profile.GENERAL
    standard = next((row for row in rows if row.profile == wanted), rows[0] if rows else None)
    return {"standard": standard.pk if standard else None}


def _department(turn: Turn) -> dict[str, Any]:
    suggestion = suggest_department(turn.case, turn.now)
    if suggestion.organisation is None:
        raise Nobody("lead department")
    fields = {"department": suggestion.organisation.code, "reason": suggestion.reason}
    if turn.case.state == "reported":
        fields["phone_confirmation"] = turn.request.key
    return fields


def _completion(turn: Turn) -> dict[str, Any]:
    met = [{"met": True} for _condition in turn.case.closing_conditions]
    return {"note": _answer(turn), "closing_answers": met}


def _suspension(turn: Turn) -> dict[str, Any]:
    review_at = turn.stage.moment(turn.stage.file_ends) + REVIEW_AFTER
    return {"reason": _answer(turn), "review_at": review_at.isoformat()}


def _open_request(turn: Turn) -> dict[str, Any]:
    asked = turn.case.requests.filter(status=ApprovalRequest.Status.OPEN)
    return {"request": asked.values_list("pk", flat=True).get()}


def _answer(turn: Turn) -> str:
    return turn.request.answer or turn.request.status


FIELDS: dict[str, Callable[[Turn], dict[str, Any]]] = {
    "ask_confirmation": _somebody_to_look,
    "confirm": lambda turn: {"outcome": "true"},
    "accept": _address,
    "dispatch_urgent": _department,
    "file": _standard,
    "complete_filing": _standard,
    "dispatch": _department,
    "request_suspension": _suspension,
    "approve_suspension": _open_request,
    "complete": _completion,
    "send_check": _somebody_to_look,
}
