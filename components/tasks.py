"""Background work of the register: the counts of its tiles, surveys on their way into it."""

from __future__ import annotations

from celery import shared_task
from django.db import OperationalError

from common import clock
from components.census.publish import WORK, work_later
from components.census.services import confirmations_expire
from components.census.work import survey_failed, survey_work, surveys_waiting
from components.tiling.services import counts_fold

SLICE_SECONDS = 60  # then the next survey has its turn


@shared_task(name=WORK)
def work_survey(survey_id: int) -> None:
    """Carry a survey on for a while; what is left goes to the end of the queue."""
    now = clock.now()
    try:
        is_more = survey_work(survey_id=survey_id, now=now, seconds=SLICE_SECONDS)
    except OperationalError:  # the database went away: the watchdog comes back
        raise
    except Exception:
        survey_failed(survey_id=survey_id, now=now)
        raise
    if is_more:
        work_later(survey_id)


@shared_task(name="components.resume_surveys")
def resume_surveys() -> int:
    """Wake the surveys that a worker left behind, or whose task got lost."""
    waiting = surveys_waiting()
    for survey_id in waiting:
        work_later(survey_id)
    return len(waiting)


@shared_task(name="components.end_confirmations")
def end_confirmations() -> int:
    """Record the silence of bodies whose date has passed."""
    return confirmations_expire(now=clock.now())


@shared_task(name="components.fold_counts")
def fold_counts() -> int:
    """Sum what changed in the register into the counts that tiles are made of."""
    return counts_fold()
