"""Who may look at a wall: people who see the whole city, and screens with a key.

A key opens one wall and what lies in its scope, and nothing else of the installation. Whatever
cannot be opened (never made, revoked, another's scope) looks the same: 404.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts.models import User
from accounts.roles import SEE_ALL, may
from desks.wall.models import KioskKey, Wall
from desks.wall.scope import Scope
from dispatch.links.tokens import token_digest

PARAMETER, HEADER = "key", "X-Wall-Key"
COOKIE = "wall_key"  # for the socket alone, which can bring no header


@dataclass(frozen=True, slots=True)
class Watcher:
    """Somebody or something that looks: how far, at which wall, with which key."""

    scope: Scope
    wall: Wall | None = None
    key: KioskKey | None = None
    user: User | None = None


def wall_scope(wall: Wall) -> Scope:
    """Return how far a wall sees."""
    if wall.district is None:
        return Scope(wall.city_id)
    return Scope(wall.city_id, wall.district_id, wall.district.code)


def watcher_by_key(text: str) -> Watcher | None:
    """Return the screen that holds this key; None where nobody does, or no longer: one query."""
    digest = token_digest(text)
    if not digest:
        return None
    key = (
        KioskKey.objects.filter(digest=digest, revoked_at__isnull=True, wall__is_active=True)
        .select_related("wall__district")
        .defer("wall__district__geometry")
        .first()
    )
    return None if key is None else Watcher(wall_scope(key.wall), wall=key.wall, key=key)


def watcher_of_person(user: User, wall_code: str = "") -> Watcher | None:
    """Return what a logged-in person looks at; None for a wall there is not.

    Raises PermissionDenied for people who do not see every case: they get no sums of them.
    """
    if user.city_id is None or not user.is_active or not may(user.roles, SEE_ALL):
        raise PermissionDenied
    if not wall_code:
        return Watcher(Scope(user.city_id), user=user)
    walls = Wall.objects.select_related("district").defer("district__geometry")
    wall = (
        None
        if "\0" in wall_code
        else walls.filter(code=wall_code, city=user.city_id, is_active=True).first()
    )
    return None if wall is None else Watcher(wall_scope(wall), wall=wall, user=user)


def key_of(request: HttpRequest) -> str:
    """Return the key a request brings, in the page's address or its scripts' header."""
    return request.headers.get(HEADER) or request.GET.get(PARAMETER, "")
