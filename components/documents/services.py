"""Making documents: asked for once, made by whoever is free, begun again when its maker dies.

The file is written beside its place and renamed, so nobody fetches half of one. Several parts
become one zip. Signs of life are real time, whatever the demo's clock says.
"""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import User
from common.errors import DomainError
from components.models import Document

SILENCE = timedelta(minutes=3)  # without a sign of life for so long, a maker is dead
LATE = timedelta(seconds=30)  # a document that waits so long was not told to any worker
MAX_ATTEMPTS = 3
MAX_UNFINISHED = 5
KEPT = timedelta(days=30)
FOLDER = Path("documents")
SIGN_SECONDS = 1.0
HALF, HALF_KEPT_SECONDS = ".half", 24 * 3600

log = structlog.get_logger("citymgmt.documents")


@dataclass(frozen=True, slots=True)
class Part:
    """One PDF of a document, under the name it has in a zip."""

    name: str
    content: bytes


class Progress:
    """How far the making is; tells the database at most once a second."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.acts: list[Callable[[], object]] = []
        self._told = 0.0

    def when_stored(self, act: Callable[[], object]) -> None:
        """Do something once the file lies in its place, together with saying that it is ready."""
        self.acts.append(act)

    def total(self, count: int) -> None:
        """Say how much there is to do."""
        self.document.total, self.document.done = count, 0
        self._tell()

    def advance(self, count: int = 1) -> None:
        """Say that so much more is done."""
        self.document.done = min(self.document.done + count, self.document.total)
        if time.monotonic() - self._told > SIGN_SECONDS:
            self._tell()

    def _tell(self) -> None:
        self._told = time.monotonic()
        Document.objects.filter(pk=self.document.pk).update(
            done=self.document.done, total=self.document.total, alive_at=timezone.now()
        )


Maker = Callable[[Document, Progress, datetime], Iterator[Part]]
MAKERS: dict[str, Maker] = {}  # filled by the app's start: kind → who makes it


@transaction.atomic
def document_request(
    *,
    actor: User,
    kind: str,
    title: str,
    options: Mapping[str, Any],
    language: str,
    now: datetime,
) -> Document:
    """Ask for a document; the same one asked for again while unfinished is the same document.

    Raise DomainError ``too_many`` 429 for somebody who waits for several already.
    """
    User.objects.select_for_update().get(pk=actor.pk)  # two clicks at once come one by one
    unfinished = Document.objects.filter(
        asked_by=actor, state__in=(Document.State.WAITING, Document.State.RUNNING)
    )
    same = unfinished.filter(kind=kind, options=dict(options), language=language).first()
    if same is not None:
        return same
    if unfinished.count() >= MAX_UNFINISHED:
        message = _("You are waiting for several documents already: let them be finished first.")
        raise DomainError("too_many", message, status=429)
    return Document.objects.create(
        kind=kind,
        title=title[:200],
        options=dict(options),
        language=language,
        asked_by=actor,
        asked_at=now,
        alive_at=timezone.now(),
    )


def document_make(*, document_id: int, now: datetime) -> Document | None:
    """Make a document and return it; None when somebody else does or it is finished."""
    document = _claim(document_id)
    if document is None:
        return None
    try:
        with translation.override(document.language):
            progress = Progress(document)
            path = _store(document, MAKERS[document.kind](document, progress, now))
            return _finish(document, path, progress.acts, now)
    except DomainError as refused:
        return _fail(document, str(refused.message), now)
    except Exception:
        log.exception("document_failed", document=document.pk, kind=document.kind)
        return _fail(document, _("Something went wrong. Ask for it again, or tell us."), now)


def documents_unfinished(*, at: datetime) -> list[int]:
    """Return what waits for a maker: never told to one, or its maker has died."""
    waiting = Q(state=Document.State.WAITING, alive_at__lt=at - LATE)
    orphaned = Q(state=Document.State.RUNNING, alive_at__lt=at - SILENCE)
    return list(
        Document.objects.filter(waiting | orphaned).order_by("pk").values_list("pk", flat=True)
    )


def documents_expire(*, now: datetime) -> int:
    """Delete the files that were kept long enough; the rows stay. Return how many.

    What a maker that was killed left half written goes too.
    """
    old = Document.objects.filter(state=Document.State.READY, finished_at__lt=now - KEPT)
    count = 0
    for document in old:
        Document.objects.filter(pk=document.pk).update(state=Document.State.EXPIRED)
        (Path(settings.MEDIA_ROOT) / document.path).unlink(missing_ok=True)
        count += 1
    for half in (Path(settings.MEDIA_ROOT) / FOLDER).glob(f"*/*{HALF}"):
        if time.time() - half.stat().st_mtime > HALF_KEPT_SECONDS:
            half.unlink(missing_ok=True)
    return count


@transaction.atomic
def _claim(document_id: int) -> Document | None:
    """Take a document that nobody makes; give one up that failed its makers too often."""
    document = (
        Document.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("asked_by")
        .filter(pk=document_id)
        .first()
    )
    if document is None or not document.is_unfinished:
        return None
    at = timezone.now()
    if document.state == Document.State.RUNNING and document.alive_at > at - SILENCE:
        return None
    document.attempts += 1
    document.alive_at = at
    document.state, document.done, document.total = Document.State.RUNNING, 0, 0
    if document.attempts > MAX_ATTEMPTS:
        document.state = Document.State.FAILED
        document.refusal = _("It was begun several times and never finished.")
    document.save()
    return document if document.state == Document.State.RUNNING else None


def _store(document: Document, parts: Iterator[Part]) -> Path:
    """Write the only part as it is, several as a zip; one part at a time is in memory."""
    first = next(parts, None)
    if first is None:
        raise DomainError("empty", _("There is nothing to print."))
    second = next(parts, None)
    name = uuid4().hex
    path = FOLDER / name[:2] / f"{name}{'.zip' if second else '.pdf'}"
    target = Path(settings.MEDIA_ROOT) / path
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    beside = target.with_suffix(HALF)
    try:
        if second is None:
            beside.write_bytes(first.content)
        else:
            with zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as archive:
                for part in chain((first, second), parts):
                    archive.writestr(part.name, part.content)
        beside.chmod(0o644)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return path


@transaction.atomic
def _finish(
    document: Document, path: Path, acts: Iterable[Callable[[], object]], now: datetime
) -> Document:
    for act in acts:
        act()
    document.state, document.path, document.finished_at = Document.State.READY, str(path), now
    document.size_bytes = (Path(settings.MEDIA_ROOT) / path).stat().st_size
    document.done = document.total = max(document.total, 1)
    document.save()
    return document


def _fail(document: Document, sentence: str, now: datetime) -> Document:
    document.state, document.refusal = Document.State.FAILED, sentence[:300]
    document.finished_at = now
    document.save()
    return document
