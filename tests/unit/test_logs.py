"""Logs: one JSON line each; a database that is away costs a line, not a traceback."""

from __future__ import annotations

import json
import logging

import psycopg2
import pytest
import structlog
from celery import Celery
from django.db import OperationalError, ProgrammingError

CONSOLE = next(
    handler
    for handler in logging.getLogger().handlers
    if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter)
)


def said_of(error: Exception, caplog: pytest.LogCaptureFixture) -> dict[str, str]:
    """Return the line that a job writes which fails with an error."""
    app = Celery("test", set_as_current=False)

    @app.task(name="test.fails", ignore_result=True)
    def fails() -> None:
        raise error from psycopg2.OperationalError("connection refused")

    fails.apply()
    (record,) = caplog.records
    return json.loads(CONSOLE.format(record))


def test_a_job_that_finds_no_database_says_so_in_one_line(caplog):
    said = said_of(OperationalError("connection refused"), caplog)
    assert "test.fails" in said["event"]
    assert "connection refused" in said["event"]
    assert said["level"] == "error"
    assert "exception" not in said


def test_any_other_failure_of_a_job_keeps_its_traceback(caplog):
    said = said_of(ProgrammingError("no such column"), caplog)
    assert "Traceback" in said["exception"]
