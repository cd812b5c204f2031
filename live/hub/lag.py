"""How long events take from their commit to the sockets, and what the process says about itself.

Measured on every message that leaves, from the moment the event was written, by the database's
clock, so a little more than from the commit. The last minute counts.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from statistics import median, quantiles

LASTS_SECONDS = 60.0
MOST_KEPT = 5000


@dataclass(frozen=True, slots=True)
class Delay:
    """Median and 99th percentile of a minute, in seconds; None where nothing was sent."""

    median: float | None
    slow: float | None


class LagMeter:
    """Delays of the messages of the last minute; the newest few thousand of them."""

    def __init__(self) -> None:
        self.sent = 0
        self.reloads = 0
        self._delays: deque[tuple[float, float]] = deque(maxlen=MOST_KEPT)
        self._known: tuple[float, Delay] = 0.0, Delay(None, None)

    def note(self, written_at: float | None) -> None:
        """Count a message that leaves now; ``written_at`` is on this process's clock."""
        self.sent += 1
        if written_at is not None:
            now = time.monotonic()
            self._delays.append((now, max(now - written_at, 0.0)))

    def delay(self) -> Delay:
        """Return how long it took; computed once a second."""
        now = time.monotonic()
        made, known = self._known
        if now - made < 1:
            return known
        while self._delays and self._delays[0][0] < now - LASTS_SECONDS:
            self._delays.popleft()
        values = [delay for _at, delay in self._delays]
        if not values:
            found = Delay(None, None)
        elif len(values) == 1:
            found = Delay(values[0], values[0])
        else:
            found = Delay(median(values), quantiles(values, n=100, method="inclusive")[-1])
        self._known = now, found
        return found
