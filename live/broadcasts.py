"""Broadcasts: what many screens show alike, computed once a second and sent as what changed.

Two hundred walls do not ask two hundred times. An app names what they share and who may see it;
each process that holds sockets computes it once a second, however many screens have joined, and
sends one delta to all of them.

    def overview(topic: str, now: datetime) -> dict[str, Any]:
        return {"open": 812, "ranking": [...], "districts": {...}}     # JSON; reads only

    def may_join(joiner: User | Guest, topic: str) -> bool:
        ...

    register_broadcast(Broadcast("wall", overview, may_join))          # in the app's ready()

A screen joins ``wall`` or one topic of it, ``wall:330106``: what follows the colon reaches both
functions as ``topic``. Topics are the app's to define; one nobody has joined is not computed. It
gets the whole state once, then every second the top-level keys whose values changed: keep what
changes apart in keys of its own. A screen that was too slow gets the whole state again, never half
of a change. Where ``compute`` fails, the screens are told since when they hear nothing new.

A screen without a log-in, such as a wall's, is a ``Guest``: an app vouches for it by the cookies or
the session it brings (``register_guests``). After a permission was withdrawn, call
``live.publish.guests_changed``: whoever is not recognised any more is cut off at once.

Rules: docs/rules/live.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from accounts.models import User


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a browser brought when it opened its socket."""

    cookies: Mapping[str, str] = field(default_factory=dict)
    session: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody without a log-in whom an app vouches for.

    ``key`` is the same as long as the permission is the same one; ``data`` is whatever the app
    wants to find again in ``may_join``, such as the scope of a kiosk's token.
    """

    kind: str
    key: str
    data: Any = None


Joiner = User | Guest


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Something many screens show alike.

    ``compute(topic, now)`` runs in a thread of its own, with ``now`` the city's time, and returns
    what is JSON; ``may_join(joiner, topic)`` decides at joining and again when rights change.
    """

    name: str
    compute: Callable[[str, datetime], dict[str, Any]]
    may_join: Callable[[Joiner, str], bool]
    every_seconds: float = 1.0


BROADCASTS: dict[str, Broadcast] = {}
_GUESTS: dict[str, Callable[[Handshake], Guest | None]] = {}


def register_broadcast(broadcast: Broadcast) -> None:
    """Let screens join a broadcast under its name."""
    BROADCASTS[broadcast.name] = broadcast


def register_guests(kind: str, recognise: Callable[[Handshake], Guest | None]) -> None:
    """Let an app vouch for guests of a kind by what their browser brings; None: not one of mine."""
    _GUESTS[kind] = recognise


def guest_of(handshake: Handshake) -> Guest | None:
    """Return the guest whom some app recognises."""
    found = (recognise(handshake) for recognise in _GUESTS.values())
    return next((guest for guest in found if guest is not None), None)


def broadcast_of(address: str) -> tuple[Broadcast, str] | None:
    """Return the broadcast and the topic of an address such as ``wall:330106``; None if none."""
    name, _colon, topic = address.partition(":")
    broadcast = BROADCASTS.get(name)
    return None if broadcast is None else (broadcast, topic)
