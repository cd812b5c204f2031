"""Tokens for programs: a log-in once, then ``Authorization: Token …``."""

from __future__ import annotations

from django.contrib.auth import authenticate
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.authtoken.models import Token
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.errors import DomainError


class LogInSerializer(serializers.Serializer):
    """A log-in name and its password."""

    username = serializers.CharField()
    password = serializers.CharField()


class TokenSerializer(serializers.Serializer):
    """The token to send with every request."""

    token = serializers.CharField()


class TokenView(APIView):
    """Where a program logs in."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(operation_id="auth_token", request=LogInSerializer, responses=TokenSerializer)
    def post(self, request: Request) -> Response:
        """Return the token of a person; wrong ones and locked-out ones are refused alike."""
        data = request.data if isinstance(request.data, dict) else {}
        username, password = data.get("username"), data.get("password")
        missing = [n for n in ("username", "password") if not isinstance(data.get(n), str)]
        if missing:
            fields = {name: [_("This is required.")] for name in missing}
            raise DomainError("missing_field", _("Log-in name and password are needed."), fields)
        is_clean = "\x00" not in username and "\x00" not in password
        user = (
            authenticate(request._request, username=username, password=password)
            if is_clean
            else None
        )
        if user is None:
            raise DomainError(
                "invalid", _("Log-in name or password is wrong, or the log-in is locked.")
            )
        return Response({"token": Token.objects.get_or_create(user=user)[0].key})
