"""Background work of the case: dates that have come, and the history's daily anchor."""

from __future__ import annotations

from celery import shared_task

from cases.services.anchors import history_anchor
from cases.services.overdue import overdue_tasks_release, suspended_wake
from common import clock


@shared_task(name="cases.release_overdue_tasks")
def release_overdue_tasks() -> int:
    """Give field tasks that are overdue beyond the grace back to the acceptors."""
    return overdue_tasks_release(now=clock.now())


@shared_task(name="cases.wake_suspended")
def wake_suspended() -> int:
    """Let suspended cases go on at their review date."""
    return suspended_wake(now=clock.now())


@shared_task(name="cases.anchor_history")
def anchor_history() -> int | None:
    """Anchor the chains that grew; returns the anchor's number."""
    anchor = history_anchor(now=clock.now())
    return anchor.number if anchor else None
