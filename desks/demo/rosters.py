"""The demo's rosters: the people of each standing squad take turns, day and night.

The second squad leaves one night to nobody, so that a hole can be seen.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import City, User
from accounts.roles import Role
from dispatch.squads.models import Shift, SquadProfile

DAYS = 14
TURN = timedelta(hours=12)
MORNING = 8
LEFT_OUT = 7  # the turn of the second squad that nobody takes


def load_rosters(city: City, now: datetime) -> int:
    """Fill two weeks of the roster of every standing squad that has none; return how many."""
    begin = timezone.localtime(now).replace(hour=MORNING, minute=0, second=0, microsecond=0)
    begin -= timedelta(days=1)
    profiles = SquadProfile.objects.filter(
        organisation__city=city, kind=SquadProfile.Kind.STANDING, shifts__isnull=True
    ).order_by("organisation__code")
    shifts = []
    for number, squad in enumerate(profiles):
        people = User.objects.filter(
            organisation=squad.organisation_id, groups__name=Role.PROXY_SQUAD
        )
        turns = list(people.order_by("username"))
        for turn in range(2 * DAYS if turns else 0):
            if number and turn == LEFT_OUT:
                continue
            starts_at = begin + turn * TURN
            person = turns[turn % len(turns)]
            shifts.append(
                Shift(squad=squad, person=person, starts_at=starts_at, ends_at=starts_at + TURN)
            )
    return len(Shift.objects.bulk_create(shifts))
