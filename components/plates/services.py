"""Writing plates: given once, printed as often as needed, revoked for good, replaced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from common.errors import DomainError
from components.models import Component, Document, Plate
from components.plates.codes import code_new
from components.plates.selectors import NoSuchPlate

BATCH = 5_000


def plates_give(*, actor: User | None, components: QuerySet[Component], now: datetime) -> int:
    """Give a plate to every one of these components in use that has none; return how many.

    In sets, and as often as you like: who has a plate keeps it. Two at once give no second plate
    (``plate_one_active``), and a code that was given before is drawn anew.
    """
    active = Plate.objects.filter(component=OuterRef("pk"), state=Plate.State.ACTIVE)
    without = components.filter(~Exists(active), retired_date=None).order_by()
    ids = list(without.values_list("pk", flat=True))
    given = 0
    with transaction.atomic():
        while ids:
            given += sum(_insert(batch, actor, now) for batch in _batches(ids))
            ids = list(without.filter(pk__in=ids).values_list("pk", flat=True))
    return given


@transaction.atomic
def plate_revoke(
    *, actor: User, plate_id: int, reason: str, now: datetime, note: str = ""
) -> Plate:
    """Let a plate be good no longer; its code is never given again.

    Raise DomainError ``invalid`` for an unknown reason, ``not_possible`` 409 for a revoked plate.
    """
    plate = _locked(plate_id, reason)
    plate.state, plate.reason, plate.note = Plate.State.REVOKED, reason, note.strip()[:200]
    plate.revoked_at, plate.revoked_by = now, actor
    plate.save(update_fields=["state", "reason", "note", "revoked_at", "revoked_by"])
    return plate


@transaction.atomic
def plate_replace(
    *,
    actor: User,
    plate_id: int,
    reason: str,
    now: datetime,
    note: str = "",
    component: Component | None = None,
) -> Plate:
    """Revoke a plate and give a new one in its place; return the new one.

    It goes to the same component, or to ``component``: the one that stands there now. A component
    that has a plate already keeps it, and the revoked one leads there.
    Raise DomainError ``invalid`` or ``not_possible`` 409.
    """
    old = plate_revoke(actor=actor, plate_id=plate_id, reason=reason, now=now, note=note)
    target = component or old.component
    if target.retired_date is not None:
        raise DomainError("not_possible", _("This component is no longer in use."), status=409)
    plates_give(actor=actor, components=Component.objects.filter(pk=target.pk), now=now)
    new = Plate.objects.get(component=target, state=Plate.State.ACTIVE)
    old.replaced_by = new
    old.save(update_fields=["replaced_by"])
    return new


# Uses the primary key of components_plate and the unique index on (plate, document).
_RECORD = """
WITH printed AS (
    INSERT INTO components_plateprint (plate_id, document_id, at, by_id)
    SELECT plate, %(document)s, %(at)s, %(by)s FROM unnest(%(plates)s::bigint[]) AS plate
    ON CONFLICT (plate_id, document_id) DO NOTHING
    RETURNING plate_id
)
UPDATE components_plate SET printed_at = %(at)s
FROM printed WHERE id = printed.plate_id
"""


@transaction.atomic
def plates_record_print(*, document: Document, plate_ids: Iterable[int], now: datetime) -> int:
    """Write down that these plates stand on a document; the same document counts once."""
    recorded = 0
    with connection.cursor() as cursor:
        for batch in _batches(plate_ids):
            given: dict[str, Any] = {
                "plates": batch,
                "document": document.pk,
                "at": now,
                "by": document.asked_by_id,
            }
            cursor.execute(_RECORD, given)
            recorded += cursor.rowcount
    return recorded


def _insert(component_ids: list[int], actor: User | None, now: datetime) -> int:
    """Insert what neither another giver nor an equal code forestalls; return how many."""
    rows = [(pk, code_new()) for pk in component_ids]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO components_plate (component_id, code, state, given_at, given_by_id,"
            " reason, note) SELECT component, code, 'active', %s, %s, '', ''"
            " FROM unnest(%s::bigint[], %s::text[]) AS new (component, code)"
            " ON CONFLICT DO NOTHING",
            [now, actor.pk if actor else None, *map(list, zip(*rows, strict=True))],
        )
        return cursor.rowcount


def _locked(plate_id: int, reason: str) -> Plate:
    if reason not in Plate.Reason.values:
        message = _("Say why: choose a reason.")
        raise DomainError("invalid", message, {"reason": [message]})
    rows = Plate.objects.select_for_update(of=("self",)).select_related("component")
    plate = rows.filter(pk=plate_id).first()
    if plate is None:
        raise NoSuchPlate
    if not plate.is_active:
        raise DomainError("not_possible", _("This plate was revoked already."), status=409)
    return plate


def _batches(ids: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(ids)
    return iter(lambda: list(islice(rest, BATCH)), [])
