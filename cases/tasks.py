"""Background work of the case: dates that have come, and the history's daily anchor."""

from __future__ import annotations

from celery import shared_task

from cases.acceptor.holds import holds_forget
from cases.deadlines.engine import deadlines_scan, rules_spread
from cases.deadlines.publish import RECALCULATE
from cases.deadlines.recalculation import recalculation_work, recalculations_waiting
from cases.exceptions.repeats import repeats_find
from cases.services.anchors import history_anchor
from cases.services.overdue import overdue_tasks_release, suspended_wake
from common import clock
from common.health import DEADLINES, show_life


@shared_task(name="cases.scan_deadlines")
def scan_deadlines() -> int:
    """Warn, breach and escalate what is due; one `now` for all workers, the database's."""
    steps = deadlines_scan(now=clock.database_now()).steps
    show_life(DEADLINES)
    return steps


@shared_task(name="cases.spread_deadline_rules")
def spread_deadline_rules() -> int:
    """Let running clocks follow deadline rules that were changed."""
    return rules_spread(now=clock.database_now())


@shared_task(name=RECALCULATE)
def recalculate_deadlines(recalculation_id: int) -> int:
    """Let running deadlines follow a calendar version, as an administrator asked."""
    return recalculation_work(recalculation_id=recalculation_id, now=clock.database_now())


@shared_task(name="cases.resume_recalculations")
def resume_recalculations() -> None:
    """Do what no worker was told of, or whose worker died."""
    for recalculation_id in recalculations_waiting():
        recalculation_work(recalculation_id=recalculation_id, now=clock.database_now())


@shared_task(name="cases.release_overdue_tasks")
def release_overdue_tasks() -> int:
    """Give field tasks that are overdue beyond the grace back to the acceptors."""
    return overdue_tasks_release(now=clock.database_now())


@shared_task(name="cases.forget_holds")
def forget_holds() -> int:
    """Delete holds on reports that timed out; they count no more anyway."""
    return holds_forget(now=clock.now())


@shared_task(name="cases.wake_suspended")
def wake_suspended() -> int:
    """Let suspended cases go on at their review date."""
    return suspended_wake(now=clock.database_now())


@shared_task(name="cases.find_repeat_spots")
def find_repeat_spots() -> int:
    """Propose spots where cases of a type come back; returns how many are new."""
    return repeats_find(now=clock.now())


@shared_task(name="cases.anchor_history")
def anchor_history() -> int | None:
    """Anchor the chains that grew; returns the anchor's number."""
    anchor = history_anchor(now=clock.now())
    return anchor.number if anchor else None
