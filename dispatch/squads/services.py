"""Writing rosters."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.errors import invalid, not_possible
from dispatch.squads.models import Shift, SquadProfile

WEEK = timedelta(days=7)


@transaction.atomic
def roster_copy_week(*, squad: SquadProfile, now: datetime) -> int:
    """Repeat the shifts that begin this week in the next, wall clock for wall clock.

    Those that are there already are left out. Returns how many were added.

    Raises:
        DomainError: ``not_possible`` 409 where this week has none, ``invalid`` 400 where somebody
            would be on duty twice.
    """
    monday = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    monday -= timedelta(days=monday.weekday())
    this_week = squad.shifts.filter(starts_at__gte=monday, starts_at__lt=monday + WEEK)
    shifts = list(this_week)
    if not shifts:
        raise not_possible(_("There are no shifts this week to repeat."))
    known = set(
        squad.shifts.filter(starts_at__gte=monday + WEEK).values_list("person", "starts_at")
    )
    wanted = [
        Shift(
            squad=squad,
            person_id=shift.person_id,
            starts_at=shift.starts_at + WEEK,
            ends_at=shift.ends_at + WEEK,
        )
        for shift in shifts
        if (shift.person_id, shift.starts_at + WEEK) not in known
    ]
    try:
        with transaction.atomic():
            Shift.objects.bulk_create(wanted)
    except IntegrityError as error:
        raise invalid("shifts", _("Somebody would be on duty twice at once.")) from error
    return len(wanted)
