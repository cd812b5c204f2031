"""The channels besides the inbox: what is set up on this server, where a person is reached."""

from __future__ import annotations

from django.conf import settings

from accounts.models import User
from live.notifications.rules import Channel


def channels_set_up() -> frozenset[str]:
    """Return the channels this server can send by; a city may use fewer of them."""
    found = set()
    if settings.NOTIFICATION_EMAIL:
        found.add(Channel.EMAIL.value)
    if settings.NOTIFICATION_GATEWAY:
        found.add(Channel.SMS.value)
    return frozenset(found)


def address_of(person: User, channel: str) -> str:
    """Return where a person is reached over a channel, "" where it is not known."""
    return {Channel.EMAIL.value: person.email, Channel.SMS.value: person.phone}[channel].strip()


def masked(address: str) -> str:
    """Return an address of which lists and logs show only the ends: 138****5678, l***@city.cn."""
    name, at, host = address.partition("@")
    if at:
        return f"{name[:1]}***@{host}"
    return f"{address[:3]}****{address[-4:]}" if len(address) > 7 else "****"
