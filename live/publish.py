"""What is said to the processes that hold sockets, by the database's notifications.

A notification reaches every process that listens, after the commit, and needs nothing but the
database. It may be lost (a process that starts, a connection that breaks): it wakes whoever then
looks into the log, or carries a hint nobody relies on. So nothing here is ever the only way by
which something is known.

    hint_case("2026112600012", "lock", {"by": "王芳"})   # those who have this case on their screen
    hint_people([7, 12], "inbox")                       # these people's pages
    hint_broadcast("wall:330106", "scene", {"scene": "evaluation"})   # screens that joined it

Everything is said when the surrounding transaction commits, and not at all when it does not.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from django.db import Error, connection, transaction

logger = logging.getLogger(__name__)

CHANNEL = "citymgmt_live"
MOST_BYTES = 7900  # PostgreSQL takes less than 8000
MOST_PEOPLE = 500


def wake() -> None:
    """Say after the commit that events were committed; once, however many there are."""
    if not any(hook[1] is _wake for hook in connection.run_on_commit):
        transaction.on_commit(_wake, robust=True)


def hint_case(number: str, kind: str, data: Mapping[str, Any] | None = None) -> None:
    """Hint something about a case to those who may see it and have it on their screen."""
    _say({"hint": kind, "case": number, "data": dict(data or {})})


def hint_people(people: Iterable[int], kind: str, data: Mapping[str, Any] | None = None) -> None:
    """Hint something to some people's pages, wherever they are open."""
    everybody = sorted(people)
    for start in range(0, len(everybody), MOST_PEOPLE):
        some = everybody[start : start + MOST_PEOPLE]
        _say({"hint": kind, "people": some, "data": dict(data or {})})


def hint_broadcast(address: str, kind: str, data: Mapping[str, Any] | None = None) -> None:
    """Hint something to the screens that follow a broadcast, such as which scene to show."""
    _say({"hint": kind, "broadcast": address, "data": dict(data or {})})


def tell_inboxes(people: Iterable[int]) -> None:
    """Hint that some people's inbox of notifications changed; their pages ask by themselves."""
    hint_people(people, "inbox")


def guests_changed() -> None:
    """Say that a permission of guests changed: each is recognised anew, or cut off."""
    _say({"guests": True})


def wake_followers(sender: Any, **_kwargs: Any) -> None:
    """Follow ``cases.publish.events_written``."""
    wake()


def pass_on_hint(
    sender: Any, *, number: str, kind: str, data: Mapping[str, Any], **_kwargs: Any
) -> None:
    """Follow ``cases.publish.case_hinted``."""
    hint_case(number, kind, data)


def _say(message: dict[str, Any]) -> None:
    """Say something at the commit. Raises ValueError for more than a notification takes."""
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode()) > MOST_BYTES:
        raise ValueError("A hint is a few words: what is large is asked for by whoever hears it.")
    transaction.on_commit(partial(notify, text), robust=True)


def _wake() -> None:
    notify('{"wake":true}')


def notify(text: str) -> None:
    """Send a notification now; a database that is away just now is told later, by a look."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, text])
    except Error as error:
        logger.warning("The sockets could not be told: %s", error)
