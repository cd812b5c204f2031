"""Exports as jobs: asked for, written once by a worker whatever dies meanwhile, kept some days.

A worker writes beside the file and renames: a file is whole or not there. A worker that was killed
leaves a row that gives no sign of life; the minute's task starts it anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import User
from common.errors import DomainError
from common.rows import rows_estimate
from components.register.exports.rows import CHUNK
from components.register.exports.subjects import SUBJECTS
from components.register.exports.writers import WRITERS
from components.register.models import Export, JobState
from components.register.publish import export_asked
from components.selectors import NotThere

KEPT_FOR = timedelta(days=7)
SILENT_FOR = timedelta(minutes=2)  # a worker shows that it lives every few seconds
MAX_WAITING = 5  # of one person
MAX_EXCEL = 3_000_000  # rows: above it a workbook helps nobody

log = structlog.get_logger(__name__)


@transaction.atomic
def export_start(
    *,
    actor: User,
    query: Mapping[str, str],
    file_format: str,
    language: str,
    now: datetime,
    subject: str = "components",
) -> Export:
    """Ask for a file with the rows of a filter; a worker writes it.

    The same one asked for again before a worker has begun it is the same file.
    Raise DomainError ``role_refused`` 403, ``invalid`` 400 for a filter or format that means
    nothing, ``too_many`` 409 while five wait, ``too_large`` 413 for an Excel file nobody can open.
    """
    what = SUBJECTS.get(subject)
    if what is None or not what.may(actor):
        raise DomainError("role_refused", _("You may not do this."), status=403)
    if file_format not in what.formats:
        message = _("Choose one of: %(values)s.") % {"values": ", ".join(what.formats)}
        raise DomainError("invalid", message, {"format": [message]})
    User.objects.select_for_update(of=("self",)).get(pk=actor.pk)  # two clicks: one after the other
    rows, kept = what.narrow(actor, query)
    own = Export.objects.filter(asked_by=actor)
    asked = {"subject": subject, "filter": kept, "language": language, "format": file_format}
    same = own.filter(state=JobState.WAITING, **asked).first()
    if same is not None:
        return same
    waiting = own.filter(state__in=(JobState.WAITING, JobState.RUNNING))
    if waiting.count() >= MAX_WAITING:
        raise DomainError("too_many", _("Wait until your other exports are ready."), status=409)
    about = rows_estimate(rows)
    if file_format == Export.Format.EXCEL and about > MAX_EXCEL:
        message = _("This is too much for Excel: choose CSV, or narrow the filter.")
        raise DomainError("too_large", message, status=413)
    export = Export.objects.create(
        asked_by=actor,
        asked_at=now,
        **asked,
        expected_count=about,
        key=uuid4(),
    )
    export_asked(export.pk)
    return export


def export_run(*, export_id: int) -> Export | None:
    """Write the file of an export; None when it is written, being written or gone.

    Real time, not the demo's: it is about processes.
    """
    export = _claimed(export_id)
    if export is None:
        return None
    path = export_path(export)
    beside = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        count = _write(export, beside)
        beside.chmod(0o644)
        beside.replace(path)
    except Exception as error:
        with suppress(OSError):
            beside.unlink()
        if not isinstance(error, DomainError):
            log.exception("export failed", export=export.pk)
        with translation.override(export.language):
            failure = _failure_of(error)
        _ended(export, state=JobState.FAILED, failure=failure)
        return export
    _ended(export, state=JobState.DONE, row_count=count, size_bytes=path.stat().st_size)
    return export


def _failure_of(error: Exception) -> str:
    if isinstance(error, DomainError):
        return str(error.message)[:300]
    return _("The file could not be written. Try again; if it fails again, tell an administrator.")


def _claimed(export_id: int) -> Export | None:
    """Make an export this worker's, unless another gives signs of life."""
    now = timezone.now()
    free = Q(state=JobState.WAITING) | Q(state=JobState.RUNNING, beat_at__lt=now - SILENT_FOR)
    taken = Export.objects.filter(free, pk=export_id).update(state=JobState.RUNNING, beat_at=now)
    if not taken:
        return None
    return Export.objects.select_related("asked_by__organisation").get(pk=export_id)


def _ended(export: Export, **values: Any) -> None:
    export.ended_at = timezone.now()
    for name, value in values.items():
        setattr(export, name, value)
    export.save(update_fields=["ended_at", *values])


def _write(export: Export, path: Path) -> int:
    """Write the rows of one moment; return how many."""
    write, geometry = WRITERS[Export.Format(export.format)]
    with translation.override(export.language), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
        what = SUBJECTS[export.subject]
        rows, _kept = what.narrow(export.asked_by, export.filter)
        with Progress(export.pk) as progress:
            write(path, progress.following(what.rows(rows, geometry)), what.header())
    return progress.count


class Progress:
    """Tells how far an export is, over a connection of its own: the rows' is in a transaction."""

    def __init__(self, export_id: int) -> None:
        self.export_id, self.count = export_id, 0

    def __enter__(self) -> Progress:
        self.connection = connection.copy()
        return self

    def __exit__(self, *error: object) -> None:
        self.connection.close()

    def following(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows, and note their number now and then."""
        for row in rows:
            self.count += 1
            if self.count % (4 * CHUNK) == 0:
                self._note()
            yield row

    def _note(self) -> None:
        with closing(self.connection.cursor()) as cursor:
            cursor.execute(
                "UPDATE components_export SET row_count = %s, beat_at = now() WHERE id = %s",
                [self.count, self.export_id],
            )


def exports_resume() -> int:
    """Start again what no worker works on; returns how many."""
    now = timezone.now()
    lost = Export.objects.filter(
        Q(state=JobState.RUNNING, beat_at__lt=now - SILENT_FOR) | Q(state=JobState.WAITING)
    )
    ids = list(lost.values_list("pk", flat=True))
    for export_id in ids:
        export_asked(export_id)
    return len(ids)


def exports_forget(*, now: datetime) -> int:
    """Delete exports older than a week with their files; returns how many."""
    old = list(Export.objects.filter(asked_at__lt=now - KEPT_FOR))
    for export in old:
        export_path(export).unlink(missing_ok=True)
        export.delete()
    return len(old)


def export_path(export: Export) -> Path:
    """Return where the file of an export lies."""
    return Path(settings.MEDIA_ROOT) / "exports" / f"{export.key.hex}.{export.format}"


def export_get_own(*, user: User, export_id: int) -> Export:
    """Return an export of this person; to all others it does not exist."""
    export = Export.objects.filter(pk=export_id, asked_by=user).first()
    if export is None:
        raise NotThere(_("There is no such export."))
    return export
