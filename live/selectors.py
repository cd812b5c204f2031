"""Reading the numbered log as one person may see it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from accounts.models import User
from cases.models import Case
from live.models import EventPosition
from live.services import events_sequence, has_pending, head


@dataclass(frozen=True, slots=True)
class EventPage:
    """A stretch of the log: ``events`` are what the reader may see of (after, until]."""

    events: list[EventPosition]
    until: int
    is_complete: bool


SCAN = 1000


def events_after(*, user: User, after: int, limit: int) -> EventPage:
    """Return what a person may see after a position; ``until`` is where to go on.

    Numbers first what is committed but not numbered yet, so that a reader sees its own write even
    while Redis and the workers are down. ``until`` moves on past what the reader may not see.
    """
    if has_pending():
        events_sequence()
    end = head()
    visible = Case.objects.visible_to(user).filter(pk=OuterRef("event__case_id"))
    found: list[EventPosition] = []
    until = after
    while until < end and len(found) < limit:
        upper = min(until + SCAN, end)
        rows = (
            EventPosition.objects.filter(Exists(visible), position__gt=until, position__lte=upper)
            .select_related("event__case", "event__actor", "event__principal", "event__text")
            .order_by("position")[: limit - len(found)]
        )
        batch = list(rows)
        found += batch
        until = batch[-1].position if len(found) == limit else upper
    return EventPage(found, max(until, after), until >= end)
