"""What the shift supervisor's page shows of exceptions: what waits, with the list behind it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from cases.exceptions.cycles import cycle_rows, unseen_cycles
from cases.exceptions.ledger import Month
from cases.exceptions.orders import MODELS, tab_condition
from cases.exceptions.shares import month_shares
from cases.models import Case, RepeatSpot
from cases.workflow import State

MOST_CYCLES = 5


def exceptions_panel(user: User, now: datetime) -> dict[str, Any]:
    """Return the cycles nobody has seen and the figures that open the lists behind them."""
    cycles = unseen_cycles(user)
    return {"cycles": cycle_rows(cycles, MOST_CYCLES), "figures": list(figures(user, now))}


def departments_over(user: User, today: date) -> int:
    """Count the departments that exceed a cap this month."""
    if user.city_id is None:
        return 0
    return sum(row.is_over for row in month_shares(user.city_id, Month.of(today), today)[1:])


def figures(user: User, now: datetime) -> list[dict[str, Any]]:
    """Return label, count, light and list of everything that waits for supervision."""
    today = timezone.localdate(now)
    orders = Q(case__in=Case.objects.visible_to(user).order_by())
    late = sum(
        model.objects.filter(orders, tab_condition("late", now)).count()
        for model in MODELS.values()
    )
    suspended = Case.objects.visible_to(user).filter(
        state=State.SUSPENDED.value, review_at__isnull=False
    )
    spots = RepeatSpot.objects.filter(city=user.city_id, status=RepeatSpot.Status.PROPOSED)
    over = departments_over(user, today)
    rows = (
        (
            _("Replies overdue"),
            late,
            "red",
            reverse("exceptions:orders") + "?tab=late",
        ),
        (_("Repeat spots proposed"), spots.count(), "", reverse("exceptions:repeats")),
        (_("Departments over a cap"), over, "red", reverse("exceptions:shares")),
        (_("Suspended cases"), suspended.count(), "", reverse("exceptions:suspended")),
    )
    return [
        {"label": label, "count": count, "light": light, "url": url}
        for label, count, light, url in rows
    ]
