"""How a person is recognised: with their roles in the same query."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from accounts.models import User
from common.prepared import Prepared, Slot

PERSON = Prepared(User.objects.with_roles().select_related("city").filter(pk=Slot("pk")))
PERSON_OF_TOKEN = Prepared(User.objects.with_roles().filter(auth_token=Slot("key")))


class PersonBackend(ModelBackend):
    """Passwords as Django keeps them; people come with organisation and roles."""

    def get_user(self, user_id: Any) -> User | None:
        """Return the active person of a session."""
        found = PERSON(pk=user_id)
        return found[0] if found and self.user_can_authenticate(found[0]) else None


class PersonTokenAuthentication(TokenAuthentication):
    """``Authorization: Token …``: one query for token, person, organisation and roles."""

    def authenticate_credentials(self, key: str) -> tuple[User, str]:
        """Return the person of a token; refuse unknown tokens and inactive people."""
        found = PERSON_OF_TOKEN(key=key) if "\x00" not in key else []
        if not found or not found[0].is_active:
            raise AuthenticationFailed(_("This token is not valid."))
        return found[0], key
