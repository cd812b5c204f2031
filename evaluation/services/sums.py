"""The sums of a day: made anew from its facts as a whole, never added to.

A day is read from its facts as long as it is dirty, so nothing waits for this and nothing is ever
counted twice or left out; it only makes long periods quick.
"""

from __future__ import annotations

from datetime import date, datetime

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from evaluation.measures import STORED
from evaluation.models import DAY_SUMS, DIMENSIONS, DaySum, DirtyDay, Fact
from evaluation.selectors.shapes import facts_added

DAYS_A_RUN = 40


def days_fold(*, now: datetime, limit: int = DAYS_A_RUN) -> int:
    """Make the sums of days that are over anew, the latest first; returns how many days.

    The day under way stays dirty: its facts are few, and more come every second.
    """
    today = timezone.localdate(now)
    waiting = DirtyDay.objects.filter(day__lt=today).order_by("-day")
    return sum(day_fold(day) for day in list(waiting.values_list("day", flat=True)[:limit]))


@transaction.atomic
def day_fold(day: date) -> bool:
    """Make one day's sums anew; False where somebody else is at it, or was.

    The dirty row is locked first: a reader that writes facts of the day waits, and then marks it
    dirty again.
    """
    row = DirtyDay.objects.select_for_update(skip_locked=True).filter(day=day).first()
    if row is None:
        return False
    for model in DAY_SUMS:
        model._default_manager.filter(day=day).delete()
        _insert(model, day)
    row.delete()
    return True


def _insert(model: type[DaySum], day: date) -> None:
    """Let the database add up and store: nothing but the statement leaves this process."""
    names = [f"{name}_id" for name in DIMENSIONS[model]]
    keys = {f"d_{name}": F(name) for name in names}
    sql, values = facts_added(Fact.objects.filter(day=day), keys, STORED)
    columns = ", ".join(["day", *names, *(measure.key for measure in STORED)])
    shown = ", ".join([*keys, *(f"nullif(n_{measure.key}, 0)" for measure in STORED)])
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({columns})"  # noqa: S608  names of our columns
            f" SELECT %s::date, {shown} FROM ({sql}) AS added",
            [day, *values],
        )
