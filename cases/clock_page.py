"""The page of one clock: how its deadline was computed, as plain values for the template."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from cases.deadlines.explanation import Explanation, Part, Row, StepRow
from cases.deadlines.words import reached
from cases.models import ApprovalRequest
from cases.workflow import ACTION_LABELS, CLOCK_LABELS

MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)


def minutes(counted: timedelta) -> str:
    """Return a counted time in minutes, exact to a hundredth, without zeros nobody needs."""
    exact = Decimal(counted // MICROSECOND) / (MINUTE // MICROSECOND)
    return f"{round(exact, 2).normalize():f}"


def clock_time(moment: datetime, day: Any = None) -> str:
    """Return the time of day in the city; the end of a day is 24:00."""
    local = timezone.localtime(moment)
    if day is not None and local.date() > day:
        return "24:00"
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def row_of(row: Row) -> dict[str, Any]:
    """Return a slot: its day, from when to when it was counted, how much, the sum so far."""
    return {
        "day": row.day,
        "begins": clock_time(row.begins, row.day),
        "ends": clock_time(row.ends, row.day),
        "counted": minutes(row.counted),
        "total": minutes(row.total),
        "idle_days": row.idle_days,
    }


def part_rows(explained: Explanation) -> list[dict[str, Any]]:
    """Return the parts with their slots; days without working time are named between them."""
    return [part_of(part) for part in explained.parts]


def part_of(part: Part) -> dict[str, Any]:
    """Return one part: a stretch of running time, or a stage of the whole."""
    return {
        "stage": CLOCK_LABELS[part.stage] if part.stage else "",
        "limit": part.limit,
        "version": part.version,
        "start": part.start,
        "end": part.end,
        "counted": minutes(part.counted),
        "is_natural": part.is_natural,
        "goes_back": part.goes_back,
        "paused_until": part.paused_until,
        "rows": [row_of(row) for row in part.rows],
    }


def allowance_rows(explained: Explanation) -> list[dict[str, Any]]:
    """Return the limit and the grants, each with the request that was approved."""
    asked = {
        request.pk: request
        for request in ApprovalRequest.objects.filter(
            pk__in=[each.request_id for each in explained.allowances if each.request_id]
        ).select_related("decided_by")
    }
    return [
        {
            "text": each.text,
            "counted": minutes(each.counted),
            "request": asked.get(each.request_id or 0),
        }
        for each in explained.allowances
    ]


def step_rows(explained: Explanation, now: datetime) -> list[dict[str, Any]]:
    """Return what the system does about the deadline: done, ahead, or passed over."""
    return [step_of(step, now) for step in explained.steps]


def step_of(step: StepRow, now: datetime) -> dict[str, Any]:
    """Return one step with its moment and when it was done."""
    rule = step.rule
    data = {"threshold": rule.percent, "late_minutes": rule.late_minutes, "level": rule.level}
    return {
        "label": ACTION_LABELS[rule.action],
        "words": reached(data),
        "moment": step.moment,
        "done_at": step.done_at,
        "is_passed_over": step.is_passed_over,
        "is_late": step.done_at is not None and step.done_at - step.moment > MINUTE,
    }
