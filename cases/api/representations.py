"""Cases as JSON: plain functions that build dicts from loaded rows, no queries of their own.

The shapes are documented by the serializers beside this module; a test keeps both the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import FloatField, Func

from cases.models import ApprovalRequest, Case, CaseClock, CaseEvent, CasePhoto
from cases.selectors import ActionOption
from cases.time_limits import light

# What a list reads: one query with these joins, values only.
LIST_FIELDS = (
    "number",
    "state",
    "version",
    "source",
    "type__code",
    "type__name",
    "type__name_en",
    "urgency",
    "description",
    "address",
    "cell_code",
    "community_code",
    "street_code",
    "district_code",
    "district__name",
    "department__code",
    "department__name",
    "desk__code",
    "reported_at",
    "clock_kind",
    "warn_at",
    "due_at",
    "ended_at",
    "rework_count",
)
# Two numbers instead of a geometry for each row.
LIST_PLACE = {
    name: Func("point", function=function, output_field=FloatField())
    for name, function in (("lon", "ST_X"), ("lat", "ST_Y"))
}


def _moment(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _light(now: datetime, warn_at: datetime | None, due_at: datetime | None) -> str | None:
    return light(now, warn_at or due_at, due_at).value if due_at else None


def case_summary(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return a case as lists show it, from ``values(*LIST_FIELDS, **LIST_PLACE)``."""
    return {
        "number": row["number"],
        "state": row["state"],
        "version": row["version"],
        "source": row["source"],
        "type": row["type__code"],
        "type_name": row["type__name"],
        "type_name_en": row["type__name_en"],
        "urgency": row["urgency"],
        "description": row["description"],
        "address": row["address"],
        "location": {"type": "Point", "coordinates": [row["lon"], row["lat"]]},
        "cell": row["cell_code"],
        "community": row["community_code"],
        "street": row["street_code"],
        "district": row["district_code"],
        "district_name": row["district__name"],
        "department": row["department__code"],
        "department_name": row["department__name"],
        "desk": row["desk__code"],
        "reported_at": _moment(row["reported_at"]),
        "clock": row["clock_kind"] or None,
        "warn_at": _moment(row["warn_at"]),
        "due_at": _moment(row["due_at"]),
        "light": _light(now, row["warn_at"], row["due_at"]),
        "ended_at": _moment(row["ended_at"]),
        "rework_count": row["rework_count"],
    }


def case_details(
    case: Case,
    *,
    clocks: Iterable[CaseClock],
    photos: Iterable[CasePhoto],
    requests: Iterable[ApprovalRequest],
    actions: Iterable[ActionOption],
    now: datetime,
    reporter: dict[str, str] | None,
) -> dict[str, Any]:
    """Return everything about one case; ``reporter`` only for those who may see personal data."""
    return {
        "number": case.number,
        "state": case.state,
        "version": case.version,
        "run": case.run,
        "source": case.source,
        "type": case.type.code if case.type else None,
        "component": case.component.code if case.component else None,
        "urgency": case.urgency,
        "description": case.description,
        "location": {"type": "Point", "coordinates": [case.point.x, case.point.y]},
        "address": case.address,
        "cell": case.cell_code,
        "community": case.community_code,
        "street": case.street_code,
        "district": case.district_code,
        "zone_grade": case.zone_grade,
        "standard": case.standard_id,
        "profile": case.profile or None,
        "limit": _limit(case),
        "closing_conditions": case.closing_conditions,
        "desk": case.desk.code if case.desk else None,
        "department": case.department.code if case.department else None,
        "collector": case.collector.username if case.collector else None,
        "routing_reason": case.routing_reason,
        "master": case.master.number if case.master else None,
        "rework_count": case.rework_count,
        "is_self_handled": case.is_self_handled,
        "has_open_filing": case.has_open_filing,
        "reported_at": _moment(case.reported_at),
        "handled_at": _moment(case.handled_at),
        "review_at": _moment(case.review_at),
        "ended_at": _moment(case.ended_at),
        "reporter": reporter,
        "clocks": [clock_row(clock, now) for clock in clocks],
        "photos": [photo_row(photo) for photo in photos],
        "requests": [request_row(request) for request in requests],
        "actions": [action_row(action) for action in actions],
        "history": {"length": case.history_length, "head": case.history_head},
    }


def _limit(case: Case) -> dict[str, Any] | None:
    if case.limit_value is None:
        return None
    return {"value": str(case.limit_value), "unit": case.limit_unit}


def clock_row(clock: CaseClock, now: datetime) -> dict[str, Any]:
    """Return one clock; a light only while it runs."""
    is_running = clock.stopped_at is None and clock.paused_at is None
    return {
        "kind": clock.kind,
        "run": clock.run,
        "limit_value": None if clock.limit_value is None else str(clock.limit_value),
        "limit_unit": clock.limit_unit or None,
        "started_at": _moment(clock.started_at),
        "warn_at": _moment(clock.warn_at),
        "due_at": _moment(clock.due_at),
        "original_due_at": _moment(clock.original_due_at),
        "paused_at": _moment(clock.paused_at),
        "stopped_at": _moment(clock.stopped_at),
        "actual_end_at": _moment(clock.actual_end_at),
        "outcome": clock.outcome or None,
        "light": _light(now, clock.warn_at, clock.due_at) if is_running else None,
        "is_sub_order": clock.sub_order_id is not None,
    }


def photo_row(use: CasePhoto) -> dict[str, Any]:
    """Return one photo of a case with the addresses of its two sizes; never its EXIF place."""
    return {
        "id": use.photo_id,
        "purpose": use.purpose,
        "width": use.photo.width,
        "height": use.photo.height,
        "taken_at": _moment(use.photo.taken_at),
        "large": f"/photos/{use.photo_id}/large/",
        "small": f"/photos/{use.photo_id}/small/",
    }


def request_row(request: ApprovalRequest) -> dict[str, Any]:
    """Return one request with its decision."""
    return {
        "id": request.pk,
        "kind": request.kind,
        "status": request.status,
        "asked_at": _moment(request.asked_at),
        "reason": request.reason,
        "details": {
            name: value for name, value in request.details.items() if not name.endswith("_id")
        },
        "decided_at": _moment(request.decided_at),
        "decision_note": request.decision_note,
    }


def action_row(option: ActionOption) -> dict[str, Any]:
    """Return one action somebody may take."""
    return {
        "action": option.action,
        "requires": list(option.requires),
        "optional": list(option.optional),
        "request": option.request_id,
    }


def event_row(event: CaseEvent, position: int | None = None) -> dict[str, Any]:
    """Return one step; its words are null once they were erased."""
    text = getattr(event, "text", None)
    row = {
        "case": event.case.number,
        "sequence": event.sequence,
        "run": event.run,
        "action": event.action,
        "actor": event.actor.username if event.actor else None,
        "actor_name": str(event.actor) if event.actor else None,
        "principal": event.principal.username if event.principal else None,
        "role": event.role,
        "old_state": event.old_state or None,
        "new_state": event.new_state,
        "at": _moment(event.at),
        "data": event.data,
        "text": text.content if text else None,
        "hash": event.hash,
        "previous_hash": event.previous_hash or None,
    }
    return row if position is None else {"position": position, **row}
