"""A small demo city, with the demo's own organisations and people, for tests that need them all."""

from __future__ import annotations

from datetime import UTC, datetime

from accounts.models import City
from desks.demo.loading import build_city
from tests.geo_city import STREETS

NOW = datetime(2026, 3, 16, 2, 0, tzinfo=UTC)  # Monday 16 March 2026, 10:00 in Hangzhou
PASSWORD = "citydemo"


def build_test_city(now: datetime = NOW) -> City:
    """Give five streets of the pack their catalogue, calendars, organisations and people."""
    return build_city(now, PASSWORD, streets=STREETS)
