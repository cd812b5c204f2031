"""What stands on the wall, read from the cases of a scope: no name, no note, no photo among it.

Every figure has a list behind it with the same condition (``cases.queues``, ``cases.milestones``,
the filters of the list of cases); tests compare the two. Answers are in no language: names come in
pairs (Chinese, English), moments in milliseconds, states and lights as the workflow calls them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Subquery

from cases.models import EventOutbox
from cases.queues import late
from cases.workflow import OPEN_STATES
from common.models import Heartbeat
from components.models import CaseType
from desks.wall.day import Passed
from desks.wall.open_cases import LIGHTS, Totals
from desks.wall.scope import Scope
from desks.watch.panel import SIGNS, is_living
from live.models import EventPosition

OVERDUE_SHOWN, HOT_SHOWN, NEWS_SHOWN = 4, 5, 5
LOOK_BACK = 2_000  # positions of the log that are looked through for news of a district
NEWS_ACTIONS = (
    "report",
    "accept",
    "file",
    "dispatch",
    "dispatch_urgent",
    "sign",
    "complete",
    "check_pass",
    "check_fail",
    "close",
)
LOG = "log"
LOG_LATE_AFTER = timedelta(seconds=10)


def milliseconds(moment: datetime) -> int:
    """Return a moment as JavaScript counts it."""
    return int(moment.timestamp() * 1000)


def pair(named: Any) -> list[str] | None:
    """Return both names of something that is called by both."""
    return None if named is None else [named.name, named.name_en or named.name]


def stage_rows(totals: Totals) -> list[dict[str, Any]]:
    """Return the stages in the workflow's order: cases by light, the longest known of them."""
    return [
        {
            "state": state.value,
            "lights": [totals.states[state.value][light] for light in LIGHTS],
            "oldest": milliseconds(totals.oldest[state.value])
            if state.value in totals.oldest
            else None,
        }
        for state in OPEN_STATES
    ]


def district_counts(totals: Totals) -> dict[str, list[int]]:
    """Return the open and the overdue cases of each district."""
    return {
        str(district): [sum(counts.values()), counts.get("red", 0)]
        for district, counts in totals.districts.items()
    }


def today_figures(passed: Passed) -> dict[str, dict[str, int]]:
    """Return today's four with yesterday's by this hour."""
    reported = {
        name: sum(row[name] for row in passed.reported.values()) for name in ("today", "yesterday")
    }
    return {"reported": reported, **passed.milestones}


def hot_types(passed: Passed) -> list[dict[str, Any]]:
    """Return what is reported most today: one query for how it is called."""
    known = [(pk, row) for pk, row in passed.reported.items() if pk is not None and row["today"]]
    most = sorted(known, key=lambda each: (-each[1]["today"], each[0]))[:HOT_SHOWN]
    types = CaseType.objects.in_bulk([pk for pk, _row in most])
    return [{"code": types[pk].code, "name": pair(types[pk]), **row} for pk, row in most]


def longest_overdue(scope: Scope, now: datetime) -> list[dict[str, Any]]:
    """Return the cases that are late longest: one query, index case_due."""
    cases = (
        scope.open_cases()
        .filter(late(now))
        .select_related("type", "street", "department", "desk")
        .defer("street__geometry")
        .order_by("due_at", "pk")[:OVERDUE_SHOWN]
    )
    return [
        {
            "number": case.number,
            "type": pair(case.type),
            "street": pair(case.street),
            "body": pair(case.department or case.desk),
            "state": case.state,
            "due": milliseconds(case.due_at) if case.due_at else None,
        }
        for case in cases
    ]


def latest_news(scope: Scope) -> list[dict[str, Any]]:
    """Return the newest steps of cases: one query, backwards from the log's head."""
    heads = EventPosition.objects.order_by("-position").values("position")[:1]
    rows = EventPosition.objects.filter(
        event__action__in=NEWS_ACTIONS, position__gt=Subquery(heads) - LOOK_BACK
    )
    if scope.district is not None:
        rows = rows.filter(event__case__district=scope.district)
    rows = (
        rows.select_related("event__case__type", "event__case__street", "event__case__department")
        .defer("event__case__street__geometry")
        .order_by("-position")[:NEWS_SHOWN]
    )
    return [_news(row) for row in rows]


def _news(row: EventPosition) -> dict[str, Any]:
    event, case = row.event, row.event.case
    return {
        "position": row.position,
        "at": milliseconds(event.at),
        "action": event.action,
        "state": event.new_state,
        "number": case.number,
        "type": pair(case.type),
        "street": pair(case.street),
        "body": pair(case.department) if event.action.startswith("dispatch") else None,
        "lasted": milliseconds(event.at) - milliseconds(case.reported_at)
        if event.action == "close"
        else None,
        "at_point": [round(case.point.x, 5), round(case.point.y, 5)],
    }


def silent_sources(real_now: datetime) -> list[dict[str, Any]]:
    """Return what should show that it lives and does not, and for how many seconds: two queries.

    All in real time. The log's own silence is the age of the oldest event nobody has numbered.
    """
    beats = dict(Heartbeat.objects.values_list("name", "at"))
    silent = [
        {"name": name, "seconds": _seconds(real_now, beats.get(name))}
        for name, _label, after in SIGNS
        if not is_living(beats.get(name), after, real_now)
    ]
    oldest = EventOutbox.objects.order_by("pk").values_list("written_at", flat=True).first()
    if oldest is not None and real_now - oldest > LOG_LATE_AFTER:
        silent.append({"name": LOG, "seconds": _seconds(real_now, oldest)})
    return silent


def _seconds(now: datetime, since: datetime | None) -> int | None:
    return None if since is None else max(int((now - since).total_seconds()), 0)
