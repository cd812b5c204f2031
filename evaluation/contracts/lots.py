"""Which beats a lot has: taken by areas, for the lot's days; no beat is in two lots on one day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from common.errors import DomainError
from evaluation.contracts.models import ContractLot, ContractStatement, LotBeat
from grid.models import Area, Beat


def beats_in(areas: Iterable[Area], day: date) -> QuerySet[Beat]:
    """Return the beats of a day that have a cell in some districts, streets or communities."""
    keys = [area.pk for area in areas]
    inside = (
        Q(cells__community__in=keys)
        | Q(cells__community__parent__in=keys)
        | Q(cells__community__parent__parent__in=keys)
    )
    found = Beat.objects.filter(inside).values("pk")
    return Beat.objects.valid_on(day).filter(pk__in=found)


def beats_taken(lot: ContractLot, beats: QuerySet[Beat]) -> QuerySet[LotBeat]:
    """Return what other lots have of some beats on a day of this lot."""
    held = LotBeat.objects.filter(beat__in=beats).exclude(lot=lot.pk)
    if lot.valid_to is not None:
        held = held.filter(valid_from__lt=lot.valid_to)
    return held.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=lot.valid_from))


def in_another_lot(said: Mapping[str, str]) -> str:
    """Return the sentence that refuses a ``beat`` which a ``lot`` has."""
    return _("Beat %(beat)s is in lot %(lot)s on some of the days.") % said


@transaction.atomic
def lot_take_beats(*, lot: ContractLot, beats: QuerySet[Beat]) -> int:
    """Put beats into a lot for all its days; returns how many it did not have.

    Raise DomainError ``not_possible`` 409 when another lot has one of them on some of the days.
    """
    taken = beats_taken(lot, beats).select_related("lot", "beat").first()
    if taken is not None:
        said = {"beat": taken.beat.code, "lot": taken.lot.code}
        raise DomainError("not_possible", in_another_lot(said), status=409)
    new = beats.exclude(pk__in=LotBeat.objects.filter(lot=lot).values("beat"))
    rows = [
        LotBeat(lot=lot, beat=beat, valid_from=lot.valid_from, valid_to=lot.valid_to)
        for beat in new
    ]
    return len(LotBeat.objects.bulk_create(rows))


def lot_end_beats(lot: ContractLot) -> int:
    """End the beats of a lot with the lot, so that another may have them; returns how many."""
    if lot.valid_to is None:
        return 0
    later = Q(valid_to__isnull=True) | Q(valid_to__gt=lot.valid_to)
    lot.beats.filter(valid_from__gte=lot.valid_to).delete()
    return lot.beats.filter(later).update(valid_to=lot.valid_to)


def issued_until(lot: ContractLot) -> date | None:
    """Return the day up to which statements of the lot's contract were issued."""
    issued = lot.contract.statements.exclude(state=ContractStatement.State.DRAFT)
    return issued.order_by(F("end_date").desc()).values_list("end_date", flat=True).first()
