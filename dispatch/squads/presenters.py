"""What the squads' pages show, as plain values."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from dispatch.squads.selectors import LOOKED_AHEAD, SquadRow


def days_of(row: SquadRow, now: datetime) -> list[dict[str, Any]]:
    """Return the days ahead, each with the shifts and holes that reach into it."""
    first = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    days = []
    for number in range(LOOKED_AHEAD.days + 1):
        start = first + timedelta(days=number)
        end = start + timedelta(days=1)
        days.append(
            {
                "at": start,
                "shifts": [s for s in row.shifts if s.starts_at < end and s.ends_at > start],
                "holes": [h for h in row.holes if h.starts_at < end and h.ends_at > start],
            }
        )
    return days
