"""How a person is recognised: with their roles in the same query."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from accounts.models import User
from common.prepared import Prepared, Slot

_PEOPLE = User.objects.with_roles().select_related("city")
PERSON = Prepared(_PEOPLE.filter(pk=Slot("pk")))
PERSON_OF_TOKEN = Prepared(User.objects.with_roles().filter(auth_token=Slot("key")))
_at_hand: ContextVar[Mapping[str, User] | None] = ContextVar("people_at_hand", default=None)


@contextmanager
def people_at_hand(keys: Collection[str]) -> Iterator[None]:
    """Read many people in one query; sessions that are recognised within read nobody themselves.

    ``keys`` as sessions have them: texts of digits, others are nobody's.
    """
    wanted = {key for key in keys if key.isascii() and key.isdigit()}
    token = _at_hand.set({str(row.pk): row for row in _PEOPLE.filter(pk__in=wanted)})
    try:
        yield
    finally:
        _at_hand.reset(token)


class PersonBackend(ModelBackend):
    """Passwords as Django keeps them; people come with organisation and roles."""

    def get_user(self, user_id: Any) -> User | None:
        """Return the active person of a session."""
        at_hand = _at_hand.get()
        if at_hand is None:
            found = PERSON(pk=user_id)
        else:  # each session its own: who stands in for another is marked
            found = [copy(at_hand[str(user_id)])] if str(user_id) in at_hand else []
        return found[0] if found and self.user_can_authenticate(found[0]) else None


class PersonTokenAuthentication(TokenAuthentication):
    """``Authorization: Token …``: one query for token, person, organisation and roles."""

    def authenticate_credentials(self, key: str) -> tuple[User, str]:
        """Return the person of a token; refuse unknown tokens and inactive people."""
        found = PERSON_OF_TOKEN(key=key) if "\x00" not in key else []
        if not found or not found[0].is_active:
            raise AuthenticationFailed(_("This token is not valid."))
        return found[0], key
