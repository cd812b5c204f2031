"""Reading the shift log: entries, points that are open, who has the shift."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet

from accounts.models import User
from cases.queues import late, open_cases
from desks.models import ShiftEntry, ShiftHandover

LOG_SPAN = timedelta(hours=24)


def log_entries(user: User, now: datetime) -> QuerySet[ShiftEntry]:
    """Return the entries of the last day, newest first: one query."""
    rows = ShiftEntry.objects.filter(city=user.city_id, at__gt=now - LOG_SPAN)
    return rows.select_related("author", "case", "closed_by")


def open_points(user: User) -> list[ShiftEntry]:
    """Return the points nobody has ticked, oldest first: one query by shift_point_open."""
    rows = ShiftEntry.objects.filter(city=user.city_id, is_point=True, closed_at__isnull=True)
    return list(rows.select_related("author", "case").order_by("at", "pk"))


def last_handovers(user: User, count: int = 10) -> list[ShiftHandover]:
    """Return the latest hand-overs, the one that waits first: one query."""
    rows = ShiftHandover.objects.filter(city=user.city_id)
    return list(rows.select_related("given_by", "given_for", "received_by")[:count])


def queue_figures(user: User, now: datetime) -> dict[str, Any]:
    """Return how many open cases there are, and how many are late, by state: one query."""
    rows = (
        open_cases(user)
        .order_by()
        .values_list("state")
        .annotate(count=Count("pk"), late=Count("pk", filter=late(now)))
    )
    return {state: [count, late_count] for state, count, late_count in rows}
