"""Supervision orders and leader's instructions as lists: what waits, is late, is rated."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.models import User
from cases.errors import invalid
from cases.models import Case, LeaderInstruction, SupervisionOrder
from cases.parts import parts_of
from common.durations import duration_text

Order = SupervisionOrder | LeaderInstruction
MODELS: dict[str, type[SupervisionOrder] | type[LeaderInstruction]] = {
    "orders": SupervisionOrder,
    "instructions": LeaderInstruction,
}
TABS: tuple[tuple[str, str | Promise], ...] = (
    ("waiting", gettext_lazy("Waits for a reply")),
    ("late", gettext_lazy("Reply overdue")),
    ("answered", gettext_lazy("To rate")),
    ("rated", gettext_lazy("Rated")),
    ("all", pgettext_lazy("orders", "All")),
)


def tab_condition(tab: str, now: datetime) -> Q:
    """Return what a tab keeps."""
    waiting = Q(replied_at__isnull=True)
    return {
        "waiting": waiting,
        "late": waiting & Q(reply_due_at__lt=now),
        "answered": Q(replied_at__isnull=False, rated_at__isnull=True),
        "rated": Q(rated_at__isnull=False),
        "all": Q(),
    }[tab]


def orders_of(user: User, kind: str, query: Mapping[str, str]) -> QuerySet[Order]:
    """Return the orders of a kind in the cases a person may see, of one department if named."""
    rows = MODELS[kind].objects.filter(case__in=Case.objects.visible_to(user).order_by())
    department = query.get("department", "")
    if "\x00" in department:
        raise invalid("department", _("This contains characters that cannot be searched."))
    if department:
        rows = rows.filter(organisation__code=department)
    return rows


def order_counts(rows: QuerySet[Order], now: datetime) -> dict[str, int]:
    """Return the length of every tab: one query."""
    return rows.order_by().aggregate(
        **{
            tab: Count("pk", filter=tab_condition(tab, now)) for tab, _label in TABS if tab != "all"
        },
        all=Count("pk"),
    )


def order_rows(rows: QuerySet[Order], tab: str, now: datetime) -> QuerySet[Order]:
    """Return the orders of a tab with what a list says of them."""
    kept = rows.filter(tab_condition(tab, now))
    return kept.select_related("case__type", "organisation", "given_by", "replied_by", "rated_by")


def orders_in_case(case: Case, now: datetime) -> list[dict[str, Any]]:
    """Return the orders and instructions of one case, newest first: at most two queries."""
    found: list[Order] = []
    for model in MODELS.values():
        found += parts_of(case).orders(model)
    found.sort(key=lambda order: order.given_at, reverse=True)
    return [{"order": order, "late": reply_lateness(order, now)} for order in found]


def reply_lateness(order: Order, now: datetime) -> str:
    """Return how late the reply came, or is by now; "" in time or without a date."""
    replied_at, due_at = order.replied_at or now, order.reply_due_at
    return duration_text(replied_at - due_at) if due_at and replied_at > due_at else ""
