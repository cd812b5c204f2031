"""How a person is recognised: with their roles in the same query."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from accounts.models import User


class PersonBackend(ModelBackend):
    """Passwords as Django keeps them; people come with organisation and roles."""

    def get_user(self, user_id: Any) -> User | None:
        """Return the active person of a session."""
        user = User.objects.with_roles().filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None


class PersonTokenAuthentication(TokenAuthentication):
    """``Authorization: Token …``: one query for token, person, organisation and roles."""

    def authenticate_credentials(self, key: str) -> tuple[User, str]:
        """Return the person of a token; refuse unknown tokens and inactive people."""
        user = (
            User.objects.with_roles().filter(auth_token=key).first() if "\x00" not in key else None
        )
        if user is None or not user.is_active:
            raise AuthenticationFailed(_("This token is not valid."))
        return user, key
