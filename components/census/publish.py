"""The only module of the census that knows task names and on_commit."""

from __future__ import annotations

from functools import partial

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

WORK = "components.work_survey"
log = structlog.get_logger("citymgmt.census")


def work_later(survey_id: int) -> None:
    """Let a worker carry a survey on once this transaction is committed."""
    transaction.on_commit(partial(_send, survey_id))


def _send(survey_id: int) -> None:
    """Send the task; where the broker is down the watchdog finds the survey in the database."""
    try:
        current_app.signature(WORK, args=[survey_id]).apply_async()
    except OperationalError:
        log.warning("census.not_sent", survey=survey_id)
