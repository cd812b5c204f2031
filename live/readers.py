"""Ordered readers of the numbered event log: every event once, in order, none left out.

A reader is a name, a handler and a stored position. One transaction locks the reader's row, hands
the next stretch of the log to the handler and moves the position: what the handler wrote commits
with the new position or not at all. So a worker killed at any point loses nothing and repeats
nothing, two workers never read for one reader at once, and the task queue only wakes readers: what
it loses is found at the next tick, from the stored position.

    def count(stretch: Stretch) -> None:
        for numbered in stretch.events(actions=("close",)):
            ...                                # write; no commit, no network

    register_reader(Reader("counts", count))   # in the app's ready()

The handler's effects outside the database (a message to sockets) belong in ``on_commit``. What must
be sent to the world is written as a row here and sent by a job that claims rows, see
``live.notifications.deliveries``.

A reader added later begins at the head of the log (``Begin.HEAD``), or reads all of it
(``Begin.START``); its row is made at its first run. A handler that raises stops its reader before
the event it cannot read, and no other reader: the row says which position and why, everything
before is done, and it is tried again, ever more seldom. Rules: docs/rules/readers.md.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import Error, InterfaceError, OperationalError, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from common.errors import DomainError
from live.models import EventPosition, EventReader
from live.services import events_sequence, has_pending, head

logger = logging.getLogger(__name__)

BATCH = 500
MOST_STRETCHES = 50  # a run; the next tick goes on, and other work of the worker has its turn
LONGEST_REST = timedelta(minutes=5)


class Begin(StrEnum):
    """Where a reader that never ran begins."""

    HEAD = "head"
    START = "start"


@dataclass(frozen=True, slots=True)
class Stretch:
    """The events with positions in (after, until], at most a batch of them, read at ``now``."""

    after: int
    until: int
    now: datetime

    def events(
        self,
        *,
        actions: Iterable[str] | None = None,
        since: datetime | None = None,
        related: tuple[str, ...] = ("event__case",),
    ) -> list[EventPosition]:
        """Return the numbered events in order, with their cases: one query by primary key.

        Only those of some actions, or that happened at ``since`` or later, if given.
        """
        rows = EventPosition.objects.filter(position__gt=self.after, position__lte=self.until)
        if actions is not None:
            rows = rows.filter(event__action__in=list(actions))
        if since is not None:
            rows = rows.filter(event__at__gte=since)
        return list(rows.select_related("event", *related).order_by("position"))


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who follows the log; ``batch`` is how many positions it takes at once."""

    name: str
    handle: Callable[[Stretch], None]
    batch: int = BATCH
    begin: Begin = Begin.HEAD


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a reader is behind: in events, and since when the oldest of them waits."""

    name: str
    position: int
    behind: int
    waiting_since: datetime | None
    failed_position: int | None
    failure: str

    def seconds(self, now: datetime) -> float:
        """Return how long the oldest unread event has waited."""
        return max((now - self.waiting_since).total_seconds(), 0.0) if self.waiting_since else 0.0


READERS: dict[str, Reader] = {}


def register_reader(reader: Reader) -> None:
    """Let a reader follow the log from now on."""
    READERS[reader.name] = reader


def reader_begin(*, reader: Reader, position: int | None = None) -> None:
    """Give a reader its row, once: at ``position``, else where it says it begins."""
    if position is None:
        position = 0 if reader.begin is Begin.START else head()
    row = EventReader(name=reader.name, position=position)
    EventReader.objects.bulk_create([row], ignore_conflicts=True)


def readers_run(*, now: datetime) -> int:
    """Let every reader read on; returns how many positions they moved together.

    A fault of one reader does not keep the others from reading.
    """
    if has_pending():
        events_sequence()
    moved = 0
    for reader in READERS.values():
        try:
            moved += reader_run(reader=reader, now=now)
        except Error:
            logger.exception("The reader %s was interrupted", reader.name)
    return moved


def reader_run(*, reader: Reader, now: datetime) -> int:
    """Read on until the head, or until it is somebody else's turn; returns positions moved.

    Does nothing while another process reads for this reader. Narrows down to the event that cannot
    be read, so that what stands before it is not held up.
    """
    row = EventReader.objects.filter(name=reader.name).first()
    if row is None:
        reader_begin(reader=reader)
    elif _rests(row, now):
        return 0
    size, moved = reader.batch, 0
    for _each in range(MOST_STRETCHES):
        try:
            step = _read_on(reader, size, now)
        except (OperationalError, InterfaceError):
            raise  # the database, not the event: try again as it was
        except Exception as error:
            logger.exception("The reader %s failed on a stretch of %s", reader.name, size)
            if size == 1:
                _note_failure(reader, error, now)
                break
            size //= 2
            continue
        moved += step
        if step < size:
            break
    return moved


@transaction.atomic
def _read_on(reader: Reader, size: int, now: datetime) -> int:
    """Hand the next stretch to the handler and move on, in one transaction."""
    locked = EventReader.objects.select_for_update(skip_locked=True).filter(name=reader.name)
    row = locked.first()
    if row is None:
        return 0  # another process is at it
    until = min(row.position + size, head())
    if until <= row.position:
        return 0
    reader.handle(Stretch(row.position, until, now))
    EventReader.objects.filter(name=reader.name).update(
        position=until,
        moved_at=now,
        failed_position=None,
        failure="",
        failed_at=None,
        failure_count=0,
    )
    return until - row.position


def _rests(row: EventReader, now: datetime) -> bool:
    """Tell whether a failed reader waits: 1, 2, 4 … seconds, at most five minutes."""
    if row.failed_at is None:
        return False
    rest = timedelta(seconds=2 ** min(row.failure_count - 1, 10))
    return now < row.failed_at + min(rest, LONGEST_REST)


def _note_failure(reader: Reader, error: Exception, now: datetime) -> None:
    EventReader.objects.filter(name=reader.name).update(
        failed_position=F("position") + 1,
        failure=f"{type(error).__name__}: {error}"[:500],
        failed_at=now,
        failure_count=F("failure_count") + 1,
    )


@transaction.atomic
def reader_skip(*, name: str, position: int, now: datetime) -> EventReader:
    """Leave out the one event a reader cannot read; the row keeps which, why and when.

    Raises DomainError ``not_failed`` unless the reader stands before exactly this position.
    """
    row = EventReader.objects.select_for_update().filter(name=name).first()
    if row is None or row.failed_position != position:
        message = _("This reader does not stand before that position.")
        raise DomainError("not_failed", message, status=409)
    entry = {"position": position, "failure": row.failure, "at": now.isoformat()}
    row.skipped = [*row.skipped, entry]
    row.position, row.failed_position, row.failed_at = position, None, None
    row.failure, row.failure_count = "", 0
    row.save()
    return row


def readers_lag() -> list[Lag]:
    """Return how far every reader that has begun is behind the log: three queries."""
    rows = list(EventReader.objects.all())
    end = head()
    nexts = [row.position + 1 for row in rows if row.position < end]
    waiting = EventPosition.objects.filter(position__in=nexts).values_list("position", "event__at")
    since = dict(waiting)
    return [
        Lag(
            row.name,
            row.position,
            max(end - row.position, 0),
            since.get(row.position + 1),
            row.failed_position,
            row.failure,
        )
        for row in rows
    ]
