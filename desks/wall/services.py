"""Writing what walls are told, and their keys."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import SUPERVISE, may
from common.errors import DomainError
from desks.wall.models import KioskKey, Wall, WallOrder
from desks.wall.scenes import SCENES
from dispatch.links.tokens import token_digest, token_new
from grid.models import Area
from live.publish import guests_changed

SEEN_EVERY = timedelta(minutes=1)


class WallNotFound(DomainError):
    """No such wall, or none that this person may direct: both look the same."""

    def __init__(self) -> None:
        super().__init__("not_found", _("There is no such wall."), status=404)


def _invalid(field: str, message: object) -> DomainError:
    return DomainError("invalid", str(message), {field: [str(message)]}, status=400)


@transaction.atomic
def wall_direct(
    *, actor: User, code: str, scene: str, district: str, is_held: bool, now: datetime
) -> WallOrder:
    """Tell a wall what to show: a scene, of which district, whether it stays; no scene: go round.

    The last order holds; the same order again adds nothing.

    Raises:
        WallNotFound: 404. DomainError: 403 ``role_refused``, 400 ``invalid`` for a scene nobody
            registered, and for a district the scene or the wall does not show.
    """
    if not actor.is_active or not may(actor.roles, SUPERVISE):
        raise DomainError("role_refused", _("Only the shift may direct walls."), status=403)
    wall = (
        Wall.objects.select_for_update(of=("self",))
        .filter(code=code, is_active=True, city=actor.city_id)
        .first()
        if "\0" not in code
        else None
    )
    if wall is None:
        raise WallNotFound
    if scene and scene not in SCENES:
        raise _invalid("scene", _("There is no such scene."))
    area = _district(wall, district) if scene and SCENES[scene].by_district else None
    is_held = is_held and bool(scene)
    last = wall.orders.first()
    if last and (last.scene, last.district, last.is_held) == (scene, area, is_held):
        return last
    return WallOrder.objects.create(
        wall=wall, scene=scene, district=area, is_held=is_held, actor=actor, at=now
    )


def _district(wall: Wall, code: str) -> Area | None:
    """Return the district of a code that this wall may show; None: one after another."""
    if not code:
        return None
    areas = Area.objects.filter(city=wall.city_id, level=Area.Level.DISTRICT, valid_to=None)
    if wall.district_id is not None:
        areas = areas.filter(pk=wall.district_id)
    found = None if "\0" in code else areas.filter(code=code).first()
    if found is None:
        raise _invalid("district", _("This wall does not show that district."))
    return found


def kiosk_key_make(*, wall: Wall, label: str, actor: User, now: datetime) -> tuple[KioskKey, str]:
    """Make a key that opens a wall; return it with what to put into the address, shown once."""
    key = token_new()
    made = KioskKey.objects.create(
        wall=wall, label=label, digest=token_digest(key), made_by=actor, made_at=now
    )
    return made, key


@transaction.atomic
def kiosk_key_revoke(*, key_id: int, actor: User, now: datetime) -> None:
    """End a key: from now on nobody is served by it, and screens that use it are cut off."""
    KioskKey.objects.filter(pk=key_id, revoked_at__isnull=True).update(
        revoked_at=now, revoked_by=actor
    )
    guests_changed()


def kiosk_key_seen(*, key: KioskKey, now: datetime) -> None:
    """Remember that a screen lives, once a minute at most."""
    stale = Q(seen_at__isnull=True) | Q(seen_at__lt=now - SEEN_EVERY)
    if key.seen_at is None or key.seen_at < now - SEEN_EVERY:
        KioskKey.objects.filter(stale, pk=key.pk).update(seen_at=now)
