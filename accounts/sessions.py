"""Sessions in the database, read by a query that is written and planned once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.models import Session
from django.db.models.functions import Now

from common.prepared import Prepared, Slot

SESSION = Prepared(Session.objects.filter(session_key=Slot("key"), expire_date__gt=Now()))
_at_hand: ContextVar[Mapping[str, Session] | None] = ContextVar("sessions_at_hand", default=None)


@contextmanager
def sessions_at_hand(keys: Collection[str]) -> Iterator[None]:
    """Read many sessions in one query; stores that load within read nothing themselves."""
    wanted = {key for key in keys if "\x00" not in key}
    rows = Session.objects.filter(session_key__in=wanted, expire_date__gt=Now())
    token = _at_hand.set({row.session_key: row for row in rows})
    try:
        yield
    finally:
        _at_hand.reset(token)


class SessionStore(DatabaseStore):
    """Django's own, but that every request and every socket asks for."""

    def _get_session_from_db(self) -> Session | None:
        key, at_hand = self.session_key or "", _at_hand.get()
        if at_hand is not None:
            found = [at_hand[key]] if key in at_hand else []
        else:
            found = SESSION(key=key) if "\x00" not in key else []
        if found:
            return found[0]
        self._session_key = None
        return None
