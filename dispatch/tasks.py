"""Background work of dispatch: what the system gives out by itself; desks on their day."""

from __future__ import annotations

from celery import shared_task

from common import clock
from dispatch.rollout.services import desks_settle
from dispatch.routing.job import cases_route


@shared_task(name="dispatch.route_cases")
def route_cases() -> int:
    """Ask the rules about filed cases; returns how many the system gave out."""
    _asked, given_out = cases_route(now=clock.now())
    return given_out


@shared_task(name="dispatch.settle_desks")
def settle_desks() -> int:
    """Switch desks whose day has come and bring home what waits at one that does not work."""
    return desks_settle(now=clock.now())
