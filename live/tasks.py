"""Background part of the event log."""

from __future__ import annotations

from celery import shared_task

from live.publish import tell_head
from live.services import events_sequence, head


@shared_task(name="live.sequence_events")
def sequence_events() -> None:
    """Number what is committed and say how far the log goes."""
    if events_sequence():
        tell_head(head())
