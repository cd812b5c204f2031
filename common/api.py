"""What every endpoint shares: one shape of refusal, pages by cursor that never count."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions, status
from rest_framework.pagination import CursorPagination as BaseCursorPagination
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

from common.errors import RETRY_AFTER_SECONDS, DomainError, answer_of
from common.text import whole_number

MOST_DIGITS = 6


class CursorPagination(BaseCursorPagination):
    """Pages by cursor: `?cursor=`, `?page_size=` up to 100."""

    page_size = 25
    max_page_size = 100
    page_size_query_param = "page_size"
    ordering = "-id"


def rows_wanted(query: Mapping[str, str], name: str, *, default: int, most: int) -> int:
    """Return how many rows a query asks for; raise ``invalid`` for what is not 1 to ``most``."""
    number = whole_number(query.get(name) or str(default), MOST_DIGITS)
    if number is None or not 1 <= number <= most:
        message = _("Choose a number from 1 to %(most)s.") % {"most": most}
        raise DomainError("invalid", message, {name: [message]})
    return number


def refusal(code: str, message: Any, fields: Any = None, http_status: int = 400) -> Response:
    """Return the one shape in which the API says no."""
    return Response({"code": code, "message": message, "fields": fields or {}}, status=http_status)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn whatever a view raised into `{code, message, fields}`; None: let Django answer 500."""
    response = _answer(error)
    if response is not None:
        set_rollback()
    return response


def _answer(error: Exception) -> Response | None:
    if (known := answer_of(error)) is not None:
        answer = refusal(known.code, known.message, known.fields, known.status)
        if known.status == status.HTTP_503_SERVICE_UNAVAILABLE:
            answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return answer
    if isinstance(error, Http404):
        return refusal("not_found", _("Not found."), http_status=status.HTTP_404_NOT_FOUND)
    if isinstance(error, PermissionDenied):
        return refusal("role_refused", _("You may not do this."), http_status=403)
    if isinstance(error, exceptions.ValidationError):
        return refusal("invalid", _("Some fields are not right."), _field_errors(error.detail))
    if isinstance(error, ValidationError):
        return refusal("invalid", _("Some fields are not right."), _model_errors(error))
    if isinstance(error, exceptions.APIException):
        return _api_answer(error)
    return None


def _api_answer(error: exceptions.APIException) -> Response:
    answer = refusal(error.default_code, error.detail, http_status=error.status_code)
    if header := getattr(error, "auth_header", None):
        answer["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        answer["Retry-After"] = str(int(wait))
    return answer


def _field_errors(detail: Any) -> dict[str, Any]:
    return detail if isinstance(detail, dict) else {api_settings.NON_FIELD_ERRORS_KEY: detail}


def _model_errors(error: ValidationError) -> dict[str, list[str]]:
    if hasattr(error, "error_dict"):
        return error.message_dict
    return {api_settings.NON_FIELD_ERRORS_KEY: error.messages}
