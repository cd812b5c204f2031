"""Who may report from which source (docs/rules/intake.md).

A collector speaks as a collector; the hotline, the public and the media are taken down by
acceptors; sensors and cameras come through sharing partners; nobody but the leader's office claims
``leader``.
"""

from __future__ import annotations

from accounts.models import User
from accounts.roles import Role
from cases.models import Source

SOURCE_ROLES: dict[Source, frozenset[Role]] = {
    Source.COLLECTOR: frozenset({Role.COLLECTOR}),
    Source.HOTLINE: frozenset({Role.ACCEPTOR}),
    Source.PUBLIC: frozenset({Role.ACCEPTOR, Role.SHARING_PARTNER}),
    Source.SENSOR: frozenset({Role.SHARING_PARTNER}),
    Source.LEADER: frozenset({Role.LEADER}),
    Source.MEDIA: frozenset({Role.ACCEPTOR}),
    Source.VIDEO: frozenset({Role.ACCEPTOR, Role.SHARING_PARTNER}),
}
# Who is not paid to look: what they find first, the collector of the beat has missed (漏报).
THE_PUBLIC = frozenset({Source.HOTLINE, Source.PUBLIC, Source.MEDIA})


def sources_of(user: User) -> list[Source]:
    """Return the sources this person may report from, in the order of the list."""
    return [source for source, roles in SOURCE_ROLES.items() if roles & user.roles]
