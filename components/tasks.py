"""Background work of the register: counts for tiles, exports, bulk changes."""

from __future__ import annotations

from celery import shared_task

from common import clock
from components.register.bodies import bodies_resume, bodies_run
from components.register.exports.services import export_run, exports_forget, exports_resume
from components.tiling.services import counts_fold


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
