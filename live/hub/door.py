"""Who is at a socket: decided when it is opened, and again when rights change.

A person is whoever the session of the browser belongs to, by the same code that answers pages. The
session itself is kept as a digest only, as the database names it when it ends.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from types import SimpleNamespace
from typing import Any, cast

from django.conf import settings
from django.contrib.auth import SESSION_KEY as PERSON_KEY
from django.contrib.auth import get_user

from accounts.backends import people_at_hand
from accounts.delegation import SESSION_KEY, DutyEnded, standing_in
from accounts.models import User
from accounts.sessions import SessionStore, sessions_at_hand
from cases.models import Case
from common import clock
from live.broadcasts import Guest, Handshake, Joiner, broadcast_of, guest_of
from live.hub.sight import Scope, scope_of

TOGETHER = 50  # who are asked about at once: few enough that the first need not wait for the last


@dataclass(frozen=True, slots=True)
class Entrance:
    """Who came in, with what they may see; ``scope`` is None for guests, who see no cases."""

    joiner: Joiner
    scope: Scope | None
    cookies: Mapping[str, str]
    session_digest: str = ""

    @property
    def person(self) -> User | None:
        """The person; None for a guest."""
        return self.joiner if isinstance(self.joiner, User) else None

    @property
    def guest(self) -> Guest | None:
        """The guest; None for a person."""
        return self.joiner if isinstance(self.joiner, Guest) else None


def session_digest(key: str | None) -> str:
    """Return how the database names a session in its notifications; "" without one."""
    return sha256(key.encode()).hexdigest() if key else ""


def admit(cookies: Sequence[Mapping[str, str]]) -> list[Entrance | None]:
    """Return who each of these cookies belongs to now; None for a stranger.

    Two queries for all of them, two more for everybody who stands in for another.
    """
    sessions = [SessionStore(each.get(settings.SESSION_COOKIE_NAME)) for each in cookies]
    with sessions_at_hand({session.session_key or "" for session in sessions}):
        people = {str(session.get(PERSON_KEY, "")) for session in sessions}
    with people_at_hand(people):
        return [_entrance(*each) for each in zip(cookies, sessions, strict=True)]


def _entrance(cookies: Mapping[str, str], session: SessionStore) -> Entrance | None:
    key = cookies.get(settings.SESSION_COOKIE_NAME)
    user = cast(Any, get_user(SimpleNamespace(session=session)))  # type: ignore[arg-type]
    if user.is_authenticated:
        user = as_whom(user, session.get(SESSION_KEY))
        return Entrance(user, scope_of(user), cookies, session_digest(key))
    guest = guest_of(Handshake(cookies, dict(session.items())))
    return Entrance(guest, None, cookies, session_digest(key)) if guest else None


def as_whom(user: User, principal_id: int | None) -> User:
    """Return the person as pages see them: in a principal's stead where the session says so."""
    if principal_id is None:
        return user
    try:
        return standing_in(user=user, principal_id=principal_id, now=clock.now())
    except DutyEnded:
        return user


def may_join(entrance: Entrance, address: str) -> bool:
    """Tell whether somebody may follow a broadcast; nobody may follow one that does not exist."""
    found = broadcast_of(address)
    if found is None:
        return False
    broadcast, topic = found
    return bool(broadcast.may_join(entrance.joiner, topic))


def numbers_seen(entrance: Entrance, numbers: Collection[str]) -> set[str]:
    """Return which of these case numbers somebody may see; guests see none."""
    if entrance.person is None:
        return set()
    visible = Case.objects.visible_to(entrance.person).filter(number__in=list(numbers))
    return set(visible.values_list("number", flat=True))
