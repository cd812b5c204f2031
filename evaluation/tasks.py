"""Background part of evaluation: sums of days, and the nightly look at the facts."""

from __future__ import annotations

from celery import shared_task

from common import clock
from evaluation.contracts.statements import statements_draft
from evaluation.services.rebuilding import facts_check
from evaluation.services.sums import days_fold


@shared_task(name="evaluation.fold_days")
def fold_days() -> int:
    """Make the sums of days that are over and have new facts; returns how many days."""
    return days_fold(now=clock.now())


@shared_task(name="evaluation.check_facts")
def check_facts() -> int:
    """Make a part of the facts again from the events; returns how many differ."""
    return facts_check(now=clock.now()).difference_count


@shared_task(name="evaluation.draft_statements")
def draft_statements() -> int:
    """Draw up last month's statements of contractors that are missing; returns how many."""
    return statements_draft(now=clock.now())
