"""A whole file: which rows, how many processes, what came of it.

What has been done stands in the database alone (``ReplayedRequest`` and the histories of the
cases), so a run killed at any moment is taken up by the next, and a run that finds nothing to do
adds nothing. Processes share the work; one whose parent dies dies too.
"""

from __future__ import annotations

import csv
import ctypes
import gzip
import hashlib
import io
import multiprocessing
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.utils import timezone
from PIL import Image, ImageDraw

from accounts.models import City, User
from cases.models import Photo
from cases.services import photo_store
from common.errors import DomainError
from desks.models import ReplayedFile, ReplayedRequest
from desks.replay.crew import Crew
from desks.replay.places import Curve, Mover, street_spots
from desks.replay.plan import steps_of
from desks.replay.play import Stage, replay_request
from desks.replay.source import (
    LeftOut,
    Mapping311,
    Request,
    last_day,
    read_moment,
    read_requests,
    shift_to_yesterday,
)

MAPPING = settings.BASE_DIR / "fixtures" / "replay" / "nyc311.csv"
CHUNK = 10
# Requests closed during the night after the last day are still in the file.
AFTER_LAST_DAY = timedelta(hours=2)

Progress = Callable[[int], None]


@dataclass(slots=True)
class Summary:
    """What a run found in the file and what stands in the database now."""

    rows: int = 0
    other_days: int = 0
    chosen: int = 0
    shift_days: int = 0
    requests: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    mended: Counter[str] = field(default_factory=Counter)
    done_before: int = 0
    done_now: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def cases(self) -> int:
        """How many cases the chosen requests have become."""
        return sum(self.states.values())

    @property
    def agrees(self) -> bool:
        """Whether every chosen row is a case taken all its way, or left out for a reason."""
        return (
            self.chosen == self.requests + sum(self.left_out.values())
            and self.cases == self.requests
            and self.done_before + self.done_now == self.requests
            and not self.refused
        )


@dataclass(frozen=True, slots=True)
class Chosen:
    """The requests of a file to replay, and what all of them share."""

    requests: list[Request]
    stage: Stage
    summary: Summary


# ── the file ──────────────────────────────────────────────────────────────────────────────────


def read_rows(path: Path) -> tuple[list[dict[str, str]], str]:
    """Return the rows of a CSV (plain or .gz) and the digest of its text.

    Raise DomainError ``no_requests`` for a file that cannot be read or lacks a column.
    """
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DomainError("no_requests", f"{path} cannot be read: {error}") from error
    rows = [
        {name: value or "" for name, value in row.items() if name}
        for row in csv.DictReader(io.StringIO(text))
    ]
    missing = COLUMNS - set(rows[0] if rows else ())
    if missing:
        raise DomainError("no_requests", f"{path} lacks {', '.join(sorted(missing))}.")
    return rows, hashlib.sha256(text.encode()).hexdigest()


COLUMNS = frozenset(
    {
        "unique_key",
        "created_date",
        "closed_date",
        "status",
        "complaint_type",
        "descriptor",
        "location_type",
        "open_data_channel_type",
        "resolution_description",
        "longitude",
        "latitude",
    }
)


def choose(
    path: Path, city: City, days: Sequence[date], limit: int | None, now: datetime
) -> Chosen:
    """Judge the file's rows and choose those of the days (none: all); ``limit`` takes the first.

    The places and the shift follow from the whole file, whatever days are chosen.
    """
    rows, digest = read_rows(path)
    latest = timezone.localtime(now).replace(tzinfo=None)
    moments = [read_moment(row["created_date"]) for row in rows]
    last = last_day(moments, latest)
    if last is None:
        raise DomainError("no_requests", f"{path} holds no request with a time.")
    judged = list(read_requests(rows, Mapping311.load(MAPPING), latest))
    every = [found for found in judged if isinstance(found, Request)]
    shift = _shift(path, digest, shift_to_yesterday(last, timezone.localdate(now)))
    summary = Summary(rows=len(rows), shift_days=shift.days)
    chosen = []
    for found in judged:
        day = found.created.date() if isinstance(found, Request) else found.day
        if days and day not in days:
            summary.other_days += 1
        elif isinstance(found, LeftOut):
            summary.left_out[found.reason] += 1
        else:
            chosen.append(found)
    chosen = chosen[:limit]
    summary.chosen = len(chosen) + sum(summary.left_out.values())
    summary.requests = len(chosen)
    summary.mended.update(request.mended for request in chosen if request.mended)
    stage = Stage(
        crew=Crew(city),
        mover=Mover(
            Curve((request.lon, request.lat) for request in every), Curve(street_spots(city.pk))
        ),
        picture=_picture(city, now),
        shift=shift,
        file_ends=datetime.combine(last, time.max) + AFTER_LAST_DAY,
        present=now,
    )
    return Chosen(chosen, stage, summary)


def _shift(path: Path, digest: str, shift: timedelta) -> timedelta:
    """Return by how much the file is moved: as it was the first time, else ``shift``."""
    file, _created = ReplayedFile.objects.get_or_create(
        digest=digest, defaults={"name": path.name, "shift_days": shift.days}
    )
    return timedelta(days=file.shift_days)


def _picture(city: City, now: datetime) -> Photo:
    """Return the one picture that stands for every photo: the file has none."""
    owner = User.objects.filter(city=city, is_active=True).order_by("pk").first()
    if owner is None:
        raise DomainError("nobody", "This city has no people: load its organisations first.")
    image = Image.new("RGB", (960, 640), "slategray")
    ImageDraw.Draw(image).text((360, 300), "Replayed request: no photo", fill="white")
    content = io.BytesIO()
    image.save(content, "PNG")
    content.seek(0)
    stored = photo_store(owner=owner, upload=content, now=now)
    first = Photo.objects.filter(sha256=stored.sha256).order_by("pk").first()
    if first is not None and first.pk != stored.pk:
        stored.delete()
        return first
    return stored


# ── the work ──────────────────────────────────────────────────────────────────────────────────


def unfinished(chosen: Chosen) -> list[Request]:
    """Return the requests that have no case yet, or whose case has steps ahead."""
    taken = dict(ReplayedRequest.objects.values_list("key", "case__version"))
    ends = chosen.stage.file_ends
    return [
        request
        for request in chosen.requests
        if taken.get(request.key, 0) < 1 + len(steps_of(request, ends))
    ]


def replay(chosen: Chosen, processes: int, on_progress: Progress) -> Summary:
    """Replay what is unfinished and return the summary.

    Goes round again for what somebody else was holding, as long as that leads anywhere.
    """
    summary = chosen.summary
    started = timezone.now()
    work = unfinished(chosen)
    summary.done_before = len(chosen.requests) - len(work)
    on_progress(summary.done_before)
    while work:
        before = sum(summary.calls.values())
        summary.refused.clear()
        _play_all(work, chosen.stage, processes, summary, on_progress)
        if sum(summary.calls.values()) == before:
            break
        work = unfinished(chosen)
    summary.done_now = len(chosen.requests) - summary.done_before - len(unfinished(chosen))
    summary.seconds = (timezone.now() - started).total_seconds()
    summary.states = _states(chosen)
    return summary


def _play_all(
    work: list[Request], stage: Stage, processes: int, summary: Summary, on_progress: Progress
) -> None:
    chunks = [work[start : start + CHUNK] for start in range(0, len(work), CHUNK)]
    for size, calls, refused in _results(chunks, stage, processes):
        summary.calls += calls
        summary.refused += refused
        on_progress(size)


def _results(
    chunks: list[list[Request]], stage: Stage, processes: int
) -> Iterator[tuple[int, Counter[str], Counter[str]]]:
    if processes == 1:
        yield from (play_chunk(chunk, stage) for chunk in chunks)
        return
    connections.close_all()  # a connection must not be shared with a child
    with ProcessPoolExecutor(
        processes, multiprocessing.get_context("fork"), initializer=_begin, initargs=(stage,)
    ) as pool:
        yield from pool.map(_play_in_process, chunks)


def play_chunk(chunk: Sequence[Request], stage: Stage) -> tuple[int, Counter[str], Counter[str]]:
    """Replay some requests; return how many, the calls of the door and the refusals met."""
    calls: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for request in chunk:
        try:
            calls.update(replay_request(request, stage))
        except DomainError as error:
            refused[
                f"{error.code} {sorted(error.fields)}: {error.message} ({request.type_code})"
            ] += 1
    return len(chunk), calls, refused


_stage: Stage | None = None  # of a process of the pool


def _begin(stage: Stage) -> None:
    """Begin a process of the pool: keep the stage, and end when the parent ends (Linux)."""
    global _stage
    _stage = stage
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def _play_in_process(chunk: list[Request]) -> tuple[int, Counter[str], Counter[str]]:
    assert _stage is not None
    return play_chunk(chunk, _stage)


def _states(chosen: Chosen) -> Counter[str]:
    keys = {request.key for request in chosen.requests}
    rows = ReplayedRequest.objects.values_list("key", "case__state")
    return Counter(state for key, state in rows.iterator() if key in keys)
