"""Background part of the desks: the watch of the system."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from common import clock
from common.health import WATCH, show_life
from desks.watch.services import system_sweep


@shared_task(name="desks.sweep")
def sweep() -> int | None:
    """Look for whatever is stuck, and say that somebody looked."""
    count = system_sweep(now=clock.database_now(), real_now=timezone.now(), rate=clock.rate())
    if count is not None:
        show_life(WATCH)
    return count
