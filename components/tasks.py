"""Background work of the register: counts for tiles, exports, bulk changes, documents, surveys."""

from __future__ import annotations

import structlog
from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerGone

from common import clock
from components.census.publish import WORK, work_later
from components.census.services import confirmations_expire
from components.census.staging import surveys_shrink
from components.census.work import survey_work, surveys_waiting
from components.documents.services import document_make, documents_expire, documents_unfinished
from components.models import Document
from components.register.bodies import bodies_resume, bodies_run
from components.register.exports.services import export_run, exports_forget, exports_resume
from components.tiling.services import counts_fold

log = structlog.get_logger("citymgmt.documents")

SLICE_SECONDS = 60  # of work on a survey: then the next has its turn
SHRINK_SECONDS = 20 * 60


def start_document(document: Document) -> None:
    """Tell a worker of a document; without a broker beat takes it up within a minute or two."""
    try:
        make_document.delay(document.pk)
    except BrokerGone:
        log.warning("document_not_queued", document=document.pk)


@shared_task(name="components.make_document")
def make_document(document_id: int) -> None:
    """Make one document; a second call while it is being made does nothing."""
    document_make(document_id=document_id, now=clock.now())


@shared_task(name="components.take_up_documents")
def take_up_documents() -> int:
    """Make what no worker was told of, or whose worker died."""
    unfinished = documents_unfinished(at=timezone.now())
    for document_id in unfinished:
        make_document.delay(document_id)
    return len(unfinished)


@shared_task(name="components.expire_documents")
def expire_documents() -> int:
    """Delete files that were kept long enough."""
    return documents_expire(now=clock.now())


@shared_task(name=WORK)
def work_survey(survey_id: int) -> None:
    """Carry a survey on for a while; what is left goes to the end of the queue."""
    if survey_work(survey_id=survey_id, now=clock.now(), seconds=SLICE_SECONDS):
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


@shared_task(name="components.shrink_surveys")
def shrink_surveys() -> int:
    """Remove the rows of surveys that ended long ago; what takes longer goes on the next night."""
    return surveys_shrink(now=clock.now(), seconds=SHRINK_SECONDS)


@shared_task(name="components.fold_counts")
def fold_counts() -> int:
    """Sum what changed in the register into the counts that tiles are made of."""
    return counts_fold()


@shared_task(name="components.write_export")
def write_export(export_id: int) -> None:
    """Write the file of an export."""
    export_run(export_id=export_id)


@shared_task(name="components.change_bodies")
def change_bodies(change_id: int) -> None:
    """Give the components of a filter another body."""
    bodies_run(change_id=change_id, now=clock.now())


@shared_task(name="components.resume_jobs")
def resume_jobs() -> int:
    """Start again the jobs that no worker works on."""
    return exports_resume() + bodies_resume()


@shared_task(name="components.forget_exports")
def forget_exports() -> int:
    """Delete exports that are older than a week."""
    return exports_forget(now=clock.now())
