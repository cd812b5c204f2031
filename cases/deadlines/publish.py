"""The only module of deadlines that knows task names and on_commit."""

from __future__ import annotations

from functools import partial

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

RECALCULATE = "cases.recalculate_deadlines"
log = structlog.get_logger("citymgmt.deadlines")


def recalculate_later(recalculation_id: int) -> None:
    """Let a worker do a recalculation once this transaction is committed."""
    transaction.on_commit(partial(_send, recalculation_id))


def _send(recalculation_id: int) -> None:
    """Send the task; where the broker is down beat finds the row in the database."""
    try:
        current_app.signature(RECALCULATE, args=[recalculation_id]).apply_async()
    except OperationalError:
        log.warning("deadlines.not_sent", recalculation=recalculation_id)
