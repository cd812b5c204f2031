"""The wall on the air: one state a second for all screens of a scope, sent as what changed.

Rules of sending: docs/rules/live.md. Each cell is a key of its own, so that a second in which one
lamp changed sends one lamp.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.models import User
from accounts.roles import SEE_ALL, may
from common import clock
from desks.wall.access import COOKIE, watcher_by_key
from desks.wall.scope import Scope, city_scope, scope_of
from desks.wall.snapshot import wall_figures
from live.broadcasts import Broadcast, Guest, Handshake, Joiner

NAME = "wall"
CELL = "cell:"


def compute(topic: str, now: datetime) -> dict[str, Any]:
    """Return what the walls of a scope show now; raise LookupError for no such scope."""
    city = city_scope()
    scope = scope_of(topic, city) if city else None
    if scope is None:
        raise LookupError(topic)
    figures = wall_figures(scope, now, real_now=timezone.now(), rate=clock.rate())
    cells = figures.pop("cells")
    return figures | {f"{CELL}{cell}": light for cell, light in cells.items()}


def may_join(joiner: Joiner, topic: str) -> bool:
    """Let people follow who see the whole city, and screens what lies in their scope."""
    within = _scope_of(joiner)
    return within is not None and scope_of(topic, within) is not None and bool(topic)


def _scope_of(joiner: Joiner) -> Scope | None:
    if isinstance(joiner, User):
        sees_all = joiner.is_active and may(joiner.roles, SEE_ALL)
        return Scope(joiner.city_id) if sees_all and joiner.city_id else None
    return joiner.data if joiner.kind == NAME else None


def recognise(handshake: Handshake) -> Guest | None:
    """Vouch for a screen with a key that holds; None once it is revoked."""
    watcher = watcher_by_key(handshake.cookies.get(COOKIE, ""))
    if watcher is None or watcher.key is None:
        return None
    return Guest(NAME, str(watcher.key.pk), watcher.scope)


BROADCAST = Broadcast(NAME, compute, may_join)
