"""The shift log and the hand-over (交接班): entries, open points, one shift given to the next.

A hand-over keeps the queues and the open points as they were. It waits until somebody else receives
it; who gave it, or for whom it was given, cannot. Points stay open until they are ticked, whatever
shift it is.
"""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import Role
from cases.errors import NO_CASE
from cases.models import Case
from common.errors import DomainError
from desks.models import ShiftEntry, ShiftHandover
from desks.shifts.selectors import open_points, queue_figures

MOST_TEXT = 500
MOST_NOTE = 4000


def entry_add(
    *, actor: User, text: str, now: datetime, number: str = "", is_point: bool = False
) -> ShiftEntry:
    """Write into the log; a point stays open until it is ticked.

    Raise DomainError ``role_refused`` 403, ``invalid`` 400 for no text or an unknown case.
    """
    _needs_supervisor(actor)
    text = " ".join(text.replace("\x00", "").split())
    if not text or len(text) > MOST_TEXT:
        message = _("Write between 1 and %(most)s characters.") % {"most": MOST_TEXT}
        raise DomainError("invalid", message, {"text": [message]})
    case = None
    if number := number.strip():
        seen = Case.objects.visible_to(actor)
        case = seen.filter(number=number).first() if number.isdigit() else None
        if case is None:
            raise DomainError("invalid", NO_CASE, {"case": [NO_CASE]})
    return ShiftEntry.objects.create(
        city_id=actor.city_id, at=now, author=actor, text=text, case=case, is_point=is_point
    )


def point_close(*, actor: User, entry_id: int, now: datetime) -> None:
    """Tick a point: it is done. Ticking twice is no harm."""
    _needs_supervisor(actor)
    points = ShiftEntry.objects.filter(pk=entry_id, city=actor.city_id, is_point=True)
    if not points.exists():
        raise DomainError("not_found", _("There is no such point."), status=404)
    points.filter(closed_at__isnull=True).update(closed_at=now, closed_by=actor.pk)


@transaction.atomic
def shift_hand_over(*, actor: User, note: str, now: datetime) -> ShiftHandover:
    """Hand the shift to the next: it waits until somebody else receives it.

    Raise DomainError ``role_refused`` 403, ``not_possible`` 409 while another waits.
    """
    _needs_supervisor(actor)
    points = [
        {"text": point.text, "case": point.case.number if point.case else "", "id": point.pk}
        for point in open_points(actor)
    ]
    try:
        with transaction.atomic():
            return ShiftHandover.objects.create(
                city_id=actor.city_id,
                given_by=actor,
                given_for=actor.principal,
                given_at=now,
                note=note.replace("\x00", "").strip()[:MOST_NOTE],
                points=points,
                figures=queue_figures(actor, now),
            )
    except IntegrityError as error:
        message = _("A hand-over waits to be received already.")
        raise DomainError("not_possible", message, status=409) from error


@transaction.atomic
def shift_receive(*, actor: User, handover_id: int, now: datetime) -> ShiftHandover:
    """Receive a shift: from now on it is this person's.

    Raise DomainError ``role_refused`` 403, ``not_found`` 404, ``not_possible`` 409 when it was
    received, ``same_person`` 403 for who gave it, themselves or in somebody's stead.
    """
    _needs_supervisor(actor)
    rows = ShiftHandover.objects.select_for_update(of=("self",))
    row = rows.filter(pk=handover_id, city=actor.city_id).first()
    if row is None:
        raise DomainError("not_found", _("There is no such hand-over."), status=404)
    if row.received_at is not None:
        raise DomainError("not_possible", _("It was received already."), status=409)
    if actor.persons & {row.given_by_id, row.given_for_id}:
        message = _("You handed this shift over yourself; the next shift receives it.")
        raise DomainError("same_person", message, status=403)
    row.received_by_id, row.received_at = actor.pk, now
    row.save(update_fields=["received_by", "received_at"])
    return row


def _needs_supervisor(actor: User) -> None:
    if Role.SHIFT_SUPERVISOR not in actor.roles:
        raise DomainError("role_refused", _("Shift supervisors keep the log."), status=403)
