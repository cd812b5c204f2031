"""Logs as one JSON line each, with the request's id in every line written while it is served."""

import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from common.errors import answer_of

SHARED_PROCESSORS: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def short_of_absences(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Leave the traceback of a database that is away out: every job meets it, none is at fault."""
    told = event.get("exc_info")
    error = sys.exc_info()[1] if told is True else told[1] if isinstance(told, tuple) else told
    absence = answer_of(error)
    if absence is not None and absence.code == "unavailable":
        del event["exc_info"]
    return event


def configure_structlog() -> None:
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED_PROCESSORS,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
