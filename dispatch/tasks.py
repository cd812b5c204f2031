"""Background work of dispatch: what the system gives out by itself."""

from __future__ import annotations

from celery import shared_task

from common import clock
from dispatch.routing.job import cases_route


@shared_task(name="dispatch.route_cases")
def route_cases() -> int:
    """Ask the rules about filed cases; returns how many the system gave out."""
    _asked, given_out = cases_route(now=clock.now())
    return given_out
