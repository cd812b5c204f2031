"""What a row of the file means here: a request, or the reason for leaving it out.

The rows are New York's 311 service requests. Which of their types is which of ours is data
(fixtures/replay/nyc311.csv): a row for a complaint type and the beginning of a descriptor, the
longest beginning first; a row that names a reason instead of a type leaves the request out.

Dirty rows, asked in this order. Left out: no key, no readable or an impossible time of creation, a
key seen before, a status or type nobody knows, no place or a place outside New York. Mended: a
closed request whose closing time is missing, impossible or before its creation took the usual time;
one closed within minutes of its creation took the shortest; a closing time without the status is
ignored. Pure: no queries, no clock.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path

Row = Mapping[str, str]

OPENED = datetime(2003, 3, 9)  # noqa: DTZ001  New York's 311 began; times in the file bear no zone
BOX = (-74.26, 40.49, -73.69, 40.92)  # New York: west, south, east, north
SHORTEST = timedelta(minutes=20)  # a whole loop takes at least this long
USUAL = timedelta(hours=6)  # where the file does not say how long it took
CLOSED = "Closed"
STATUSES = ("Open", "Assigned", "Started", "In Progress", "Pending", CLOSED)
# Whoever entered it themselves was out on the street.
SOURCES = {"PHONE": "hotline", "ONLINE": "public", "MOBILE": "public"}
OTHER_SOURCE = "collector"
WORDS = 500


@dataclass(frozen=True, slots=True)
class Request:
    """A request that means something here, in the file's own time and place."""

    key: str
    created: datetime
    closed: datetime | None
    status: str
    type_code: str
    is_urgent: bool
    source: str
    description: str
    answer: str
    lon: float
    lat: float
    mended: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that becomes no case, and why."""

    reason: str
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a complaint is here: a type with its urgency, or a reason for leaving it out."""

    descriptor: str
    type_code: str
    is_urgent: bool
    left_out: str


class Mapping311:
    """The mapping file: their complaint type and descriptor to our type."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._meanings: dict[str, list[Meaning]] = {}
        for row in rows:
            meaning = Meaning(
                row["descriptor"], row["type"], row["urgency"] == "urgent", row["left_out"]
            )
            self._meanings.setdefault(row["complaint_type"], []).append(meaning)
        for meanings in self._meanings.values():
            meanings.sort(key=lambda meaning: -len(meaning.descriptor))

    @classmethod
    def load(cls, path: Path) -> Mapping311:
        """Read the mapping from its file."""
        with path.open(encoding="utf-8", newline="") as file:
            return cls(csv.DictReader(file))

    def find(self, complaint_type: str, descriptor: str) -> Meaning | None:
        """Return the meaning with the longest fitting descriptor; None for an unknown type."""
        return next(
            (
                meaning
                for meaning in self._meanings.get(complaint_type, ())
                if descriptor.startswith(meaning.descriptor)
            ),
            None,
        )

    @cached_property
    def type_codes(self) -> frozenset[str]:
        """Every type of ours that the mapping names."""
        meanings = (meaning for group in self._meanings.values() for meaning in group)
        return frozenset(meaning.type_code for meaning in meanings if meaning.type_code)


def read_requests(
    rows: Iterable[Row], mapping: Mapping311, latest: datetime
) -> Iterator[Request | LeftOut]:
    """Judge the rows in their order; ``latest`` is the last moment a row may speak of."""
    seen: set[str] = set()
    for row in rows:
        created = read_moment(row["created_date"])
        found = _judge(row, created, mapping, seen, latest)
        seen.add(row["unique_key"])
        yield found


def _judge(
    row: Row, created: datetime | None, mapping: Mapping311, seen: set[str], latest: datetime
) -> Request | LeftOut:
    if not row["unique_key"].strip():
        return LeftOut("no_key", created and created.date())
    if created is None:
        return LeftOut("no_creation_time")
    day = created.date()
    if not OPENED <= created <= latest:
        return LeftOut("impossible_creation_time")
    if row["unique_key"] in seen:
        return LeftOut("duplicate_key", day)
    if row["status"] not in STATUSES:
        return LeftOut("unknown_status", day)
    meaning = mapping.find(row["complaint_type"], row["descriptor"])
    if meaning is None:
        return LeftOut("unknown_type", day)
    if meaning.left_out:
        return LeftOut(meaning.left_out, day)
    place = read_place(row)
    if place is None:
        return LeftOut("no_place", day)
    if not (BOX[0] <= place[0] <= BOX[2] and BOX[1] <= place[1] <= BOX[3]):
        return LeftOut("place_outside_new_york", day)
    closed, mended = closing(row, created, latest)
    return Request(
        key=row["unique_key"],
        created=created,
        closed=closed,
        status=row["status"],
        type_code=meaning.type_code,
        is_urgent=meaning.is_urgent,
        source=SOURCES.get(row["open_data_channel_type"], OTHER_SOURCE),
        description=describe(row),
        answer=plain(row["resolution_description"]),
        lon=place[0],
        lat=place[1],
        mended=mended,
    )


def closing(row: Row, created: datetime, latest: datetime) -> tuple[datetime | None, str]:
    """Return when the request was closed (None: it was not) and how a dirty time was mended."""
    raw = row["closed_date"].strip()
    if row["status"] != CLOSED:
        return None, "closing_time_without_status" if raw else ""
    closed = read_moment(raw)
    if closed is None:
        return created + USUAL, "closing_time_unreadable" if raw else "closing_time_missing"
    if not OPENED <= closed <= latest:
        return created + USUAL, "closing_time_impossible"
    if closed < created:
        return created + USUAL, "closing_time_before_creation"
    if closed < created + SHORTEST:
        return created + SHORTEST, "closed_within_minutes"
    return closed, ""


def read_moment(raw: str) -> datetime | None:
    """Return a time of the file, without a zone; None for what is no time."""
    try:
        moment = datetime.fromisoformat(raw.strip())
    except ValueError:
        return None
    return None if moment.tzinfo else moment


def read_place(row: Row) -> tuple[float, float] | None:
    """Return longitude and latitude in degrees; None where the row has no place."""
    try:
        return float(row["longitude"]), float(row["latitude"])
    except ValueError:
        return None


def describe(row: Row) -> str:
    """Return the complaint in the file's own words."""
    parts = [plain(row["complaint_type"]), plain(row["descriptor"])]
    text = ": ".join(part for part in parts if part)
    where = plain(row["location_type"])
    return f"{text} ({where})" if where else text


def plain(raw: str) -> str:
    """Return text without control characters, at most 500 characters."""
    return "".join(c if c.isprintable() else " " for c in raw).strip()[:WORDS]


def last_day(moments: Iterable[datetime | None], latest: datetime) -> date | None:
    """Return the last day of the file, impossible times aside."""
    possible = (moment for moment in moments if moment and OPENED <= moment <= latest)
    return max((moment.date() for moment in possible), default=None)


def shift_to_yesterday(last: date, today: date) -> timedelta:
    """Return the whole weeks that move the file's last day to yesterday or just before.

    Weekdays stay what they were: 2019-07-23 (a Tuesday) seen on Sunday 2026-11-22 becomes Tuesday
    2026-11-17.
    """
    return timedelta(weeks=((today - timedelta(days=1)) - last).days // 7)
