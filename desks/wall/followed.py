"""What a process knows of a city's cases: read once, then kept true by following the event log.

A wall shows a city once a second. Adding all of it up anew costs the database more than all else
on the wall; in a second a few dozen cases change. The whole is read anew after many events at once,
and every five minutes in any case, so that no mistake outlives that.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from live.models import EventPosition
from live.services import head

ANEW_AFTER_SECONDS = 300.0
MOST_FOLLOWED = 5_000  # events; to read everything is cheaper than more of them
NEVER = float("-inf")


class Followed(ABC):
    """Something known of a city's cases. Threads share one; it answers one at a time."""

    FIELDS: ClassVar[tuple[str, ...]]  # of the log's events, given to ``_take``

    def __init__(self, city: int) -> None:
        self._city = city
        self._guard = threading.Lock()
        self._read_at = NEVER  # monotonic
        self._position = 0

    def forget(self) -> None:
        """Read everything when next asked."""
        with self._guard:
            self._read_at = NEVER

    def _bring_up_to(self, now: datetime, *, anew: bool = False) -> None:
        """Take in what the log tells of, or read the whole: one query, or a few."""
        if not anew and self._follow(now):
            return
        self._read_at = NEVER  # until all is read
        self._position = head()  # first: what happens after it is read twice rather than never
        self._read_everything(now)
        self._read_at = time.monotonic()

    def _follow(self, now: datetime) -> bool:
        """Read what the log tells of; False where all should be read anew."""
        if time.monotonic() - self._read_at > ANEW_AFTER_SECONDS:
            return False
        told = (
            EventPosition.objects.filter(position__gt=self._position, event__case__city=self._city)
            .order_by("position")
            .values_list("position", *(f"event__{name}" for name in self.FIELDS))
        )
        rows = list(told[: MOST_FOLLOWED + 1])
        if len(rows) > MOST_FOLLOWED:
            return False
        for position, *values in rows:
            self._take(values, now)
            self._position = position
        return True

    @abstractmethod
    def _take(self, values: Sequence[Any], now: datetime) -> None:
        """Take in an event with its case as it is by now."""

    @abstractmethod
    def _read_everything(self, now: datetime) -> None: ...
