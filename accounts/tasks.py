"""Background work of the accounts app."""

from __future__ import annotations

from celery import shared_task

from accounts.idempotency import forget_old_keys as forget
from common import clock


@shared_task(name="accounts.forget_old_keys")
def forget_old_keys() -> int:
    """Delete idempotency keys that are no longer kept."""
    return forget(now=clock.now())
