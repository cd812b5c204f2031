"""The only module of the census that knows task names and on_commit."""

from __future__ import annotations

from functools import partial

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

WORK = "components.work_survey"
# A task that waits longer than the watchdog takes to send another is not needed: else they pile up
# while a file of hours is worked on, and everything else waits behind them.
EXPIRES_SECONDS = 120
log = structlog.get_logger("citymgmt.census")


def work_later(survey_id: int, *, workers: int = 1) -> None:
    """Let so many workers carry a survey on once this transaction is committed."""
    for _number in range(workers):
        transaction.on_commit(partial(_send, survey_id))


def _send(survey_id: int) -> None:
    """Send the task; where the broker is down the watchdog finds the survey in the database."""
    try:
        current_app.signature(WORK, args=[survey_id]).apply_async(expires=EXPIRES_SECONDS)
    except OperationalError:
        log.warning("census.not_sent", survey=survey_id)
