"""What the register tells its workers: the only module that knows the names of its tasks."""

from __future__ import annotations

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)


def export_asked(export_id: int) -> None:
    """Let a worker write an export once it is committed."""
    transaction.on_commit(lambda: _send("components.write_export", export_id))


def bodies_asked(change_id: int) -> None:
    """Let a worker change bodies in bulk once it is committed."""
    transaction.on_commit(lambda: _send("components.change_bodies", change_id))


def _send(name: str, row_id: int) -> None:
    """Send a task; what a dead broker loses the minute's task finds again in the database."""
    try:
        current_app.send_task(name, args=[row_id])
    except OperationalError:
        log.warning("task not sent", task=name, row=row_id)
