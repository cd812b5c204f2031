"""How live the pages are: what the processes that hold sockets last said, and that as metrics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F
from django.db.models.functions import Now

from common.metrics import Sample
from live.models import HubReport
from live.services import head

SILENT_AFTER = timedelta(seconds=30)  # three reports


@dataclass(frozen=True, slots=True)
class LiveState:
    """All processes that hold sockets together; ``at`` is the last sign of any of them.

    Delays are those of the slowest process, in seconds from the writing of an event to its message;
    None where nothing was sent within the last minute.
    """

    at: datetime | None
    age: timedelta | None
    process_count: int
    line_count: int
    median_delay: float | None
    slow_delay: float | None

    @property
    def is_well(self) -> bool:
        """Whether pages are told what happens."""
        return self.age is not None and self.age <= SILENT_AFTER


def live_state() -> LiveState:
    """Return how live the pages are now: one query."""
    rows = list(HubReport.objects.annotate(age=Now() - F("at")).order_by("-at"))
    alive = [row for row in rows if row.age <= SILENT_AFTER]
    medians = [row.median_delay for row in alive if row.median_delay is not None]
    slow = [row.slow_delay for row in alive if row.slow_delay is not None]
    return LiveState(
        at=rows[0].at if rows else None,
        age=rows[0].age if rows else None,
        process_count=len(alive),
        line_count=sum(row.line_count for row in alive),
        median_delay=max(medians, default=None),
        slow_delay=max(slow, default=None),
    )


def live_metrics() -> Iterator[Sample]:
    """Yield what Prometheus is told, by process."""
    yield Sample("citymgmt_log_position", "gauge", "Highest position of the event log.", head())
    for row in HubReport.objects.filter(at__gte=Now() - SILENT_AFTER).order_by("process"):
        by = {"process": row.process}
        yield Sample("citymgmt_live_lines", "gauge", "Open sockets.", row.line_count, by)
        yield Sample("citymgmt_live_position", "gauge", "Read up to.", row.position, by)
        yield Sample("citymgmt_live_sent_total", "counter", "Events sent.", row.sent_count, by)
        yield Sample("citymgmt_live_reloads_total", "counter", "Reloads.", row.reload_count, by)
        for quantile, value in (("0.5", row.median_delay), ("0.99", row.slow_delay)):
            if value is not None:
                text = "Seconds from writing an event to sending it, over a minute."
                labels = {**by, "quantile": quantile}
                yield Sample("citymgmt_live_delay_seconds", "gauge", text, value, labels)
