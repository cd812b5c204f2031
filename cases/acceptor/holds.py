"""Soft locks: a report one acceptor has open is shown as taken to the others.

A hint, kept in the database so that it outlives Redis: it has a name and a time-out, is renewed
while the page stays open and given up on leaving. It never keeps anybody from acting: the door
tells two who act at once apart by the case's version.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import DateTimeField

from accounts.models import User
from cases.models import Case, CaseHold
from common.prepared import Prepared, Slot

HELD_FOR = timedelta(minutes=2)
RENEWED_EVERY = timedelta(seconds=15)

# Takes what is free, timed out or one's own already; one statement, so that of two only one wins.
_TAKE = """
INSERT INTO cases_casehold AS hold (case_id, user_id, until) VALUES (%s, %s, %s)
ON CONFLICT (case_id) DO UPDATE SET user_id = excluded.user_id, until = excluded.until
WHERE hold.user_id = excluded.user_id OR hold.until <= %s
"""


@dataclass(frozen=True, slots=True)
class Hold:
    """Who has a case open, and until when if nothing more is heard of them."""

    case_id: int
    number: str
    user: User
    until: datetime

    def is_of(self, user: User) -> bool:
        """Tell whether it is this person's own."""
        return self.user.pk == user.pk


def hold_take(*, case: Case, user: User, now: datetime) -> Hold:
    """Take a case or renew one's hold; returns whose it is then: perhaps somebody else's."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [case.pk, user.pk, now + HELD_FOR, now])
    held = holds_of([case.pk], now)
    return held.get(case.pk) or Hold(case.pk, case.number, user, now)  # given up in the same moment


def hold_release(*, case: Case, user: User, until: datetime | None = None) -> None:
    """Give up one's hold; somebody else's stays, and one's own that was renewed after ``until``.

    A page that is left says until when it held: what it says may come after the page that took its
    place has taken the case anew.
    """
    own = CaseHold.objects.filter(case=case, user=user)
    (own if until is None else own.filter(until__lte=until)).delete()


def holds_of(cases: Iterable[int], now: datetime) -> dict[int, Hold]:
    """Return the holds that still count, by case: one query."""
    return {row.case_id: _hold(row) for row in _HOLDS_OF(cases=list(cases), now=now)}


def holds_elsewhere(user: User, now: datetime) -> list[Hold]:
    """Return what others of the same city have open: one query over the few rows there are."""
    return [_hold(row) for row in _HOLDS_ELSEWHERE(city=user.city_id, user=user.pk, now=now)]


_COUNTING = (
    CaseHold.objects.filter(until__gt=Slot("now", DateTimeField()))
    .select_related("user", "case")
    .only("until", "case__number", "user__username", "user__display_name")
)
_HOLDS_OF = Prepared(_COUNTING.filter(case__pk__any_of=Slot("cases")))
_HOLDS_ELSEWHERE = Prepared(_COUNTING.filter(case__city=Slot("city")).exclude(user=Slot("user")))


def _hold(row: CaseHold) -> Hold:
    return Hold(row.case_id, row.case.number, row.user, row.until)


def holds_forget(*, now: datetime) -> int:
    """Delete what timed out long ago; returns how many."""
    count, _by_model = CaseHold.objects.filter(until__lt=now - 10 * HELD_FOR).delete()
    return count
