"""What stands on the wall, read from the cases of a scope: no name, no note, no photo among it.

Every figure has a list behind it with the same condition (``cases.queues``, ``cases.milestones``,
the filters of the list of cases); tests compare the two. Answers are in no language: names come in
pairs (Chinese, English), moments in milliseconds, states and lights as the workflow calls them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, Subquery
from django.utils import timezone

from cases.milestones import milestone_counts
from cases.models import EventOutbox
from cases.queues import late
from cases.workflow import OPEN_STATES
from common.models import Heartbeat
from components.models import CaseType
from desks.wall.open_cases import LIGHTS, Totals
from desks.wall.scope import Scope
from desks.watch.panel import SIGNS
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
DAY = timedelta(days=1)


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


def day_spans(now: datetime) -> dict[str, tuple[datetime, datetime]]:
    """Return today until now, and yesterday until the same hour."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    just_after = now + timedelta(microseconds=1)  # what happened now has happened
    return {"today": (midnight, just_after), "yesterday": (midnight - DAY, just_after - DAY)}


def reported_by_type(scope: Scope, now: datetime) -> list[dict[str, Any]]:
    """Return how many cases of each type were reported today and yesterday: one query.

    Index case_newest, in a district case_district.
    """
    spans = day_spans(now)
    since = min(first for first, _until in spans.values())
    counts = {
        name: Count("pk", filter=Q(reported_at__gte=first, reported_at__lt=until))
        for name, (first, until) in spans.items()
    }
    found = (
        scope.cases()
        .filter(reported_at__gte=since)
        .values("type_id")
        .annotate(**counts)
        .order_by("-today", "type_id")
    )
    return [dict(row) for row in found]


def today_figures(
    scope: Scope, now: datetime, by_type: list[dict[str, Any]]
) -> dict[str, dict[str, int]]:
    """Return today's four with yesterday's by this hour: one query beside ``by_type``."""
    reported = {name: sum(row[name] for row in by_type) for name in ("today", "yesterday")}
    passed = milestone_counts(scope.cases(), day_spans(now), whole_city=scope.district is None)
    return {"reported": reported, **passed}


def hot_types(by_type: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what is reported most today: one query for how it is called."""
    most = [row for row in by_type if row["type_id"] and row["today"]][:HOT_SHOWN]
    types = CaseType.objects.in_bulk([row["type_id"] for row in most])
    return [
        {
            "code": types[row["type_id"]].code,
            "name": pair(types[row["type_id"]]),
            "today": row["today"],
            "yesterday": row["yesterday"],
        }
        for row in most
    ]


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
        if name not in beats or real_now - beats[name] > after
    ]
    oldest = EventOutbox.objects.order_by("pk").values_list("written_at", flat=True).first()
    if oldest is not None and real_now - oldest > LOG_LATE_AFTER:
        silent.append({"name": LOG, "seconds": _seconds(real_now, oldest)})
    return silent


def _seconds(now: datetime, since: datetime | None) -> int | None:
    return None if since is None else max(int((now - since).total_seconds()), 0)
