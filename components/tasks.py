"""Background work of the register."""

from __future__ import annotations

from celery import shared_task

from components.tiling.services import counts_fold


@shared_task(name="components.fold_counts")
def fold_counts() -> int:
    """Sum what changed in the register into the counts that tiles are made of."""
    return counts_fold()
