"""The orders of a case as pages show them: who leads, who co-operates, by when, who does it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from cases.case_page import clock_chip_of
from cases.models import Case, CaseClock, SubOrder
from cases.workflow import ClockKind


def order_rows(
    case: Case, orders: Iterable[SubOrder], clocks: Iterable[CaseClock], now: datetime
) -> list[dict[str, Any]]:
    """Return the open orders of a case as rows, the lead's first; ``clocks`` are the case's own."""
    by_order = {
        clock.sub_order_id: clock
        for clock in clocks
        if clock.kind == ClockKind.HANDLE and clock.run == case.run
    }  # None is the lead's, the last of several
    return [
        {
            "order": order,
            "organisation": order.organisation,
            "status": status(order),
            "clock": chip(by_order.get(None if order.is_lead else order.pk), now),
        }
        for order in sorted(orders, key=lambda each: (not each.is_lead, each.pk))
    ]


def chip(clock: CaseClock | None, now: datetime) -> dict[str, Any] | None:
    """Return the chip of an order's clock."""
    return clock_chip_of(clock, now) if clock is not None else None


def status(order: SubOrder) -> str:
    """Return in a word how far an order has come."""
    if order.completed_at is not None:
        return _("done")
    if order.declined_at is not None:
        return _("declined, the desk decides")
    return _("signed") if order.signed_at is not None else _("not signed yet")
