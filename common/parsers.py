"""What the API reads: JSON, whole, of a sensible size and depth; anything else is a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from common.errors import DomainError

MAX_DEPTH = 20


class JSONParser(BaseParser):
    """Strict JSON in UTF-8: no NaN, no half of an emoji, no towers of brackets."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the value; raise ParseError 400, or DomainError ``too_large`` 413."""
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(most + 1)
        if len(raw) > most:
            raise DomainError("too_large", _("This is too much at once."), status=413)
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise ParseError(_("This is not JSON.")) from error
        if is_deeper_than(MAX_DEPTH, value):
            raise ParseError(_("This JSON is nested too deeply."))
        return value


def is_deeper_than(levels: int, value: Any) -> bool:
    """Tell whether plain JSON is nested deeper."""
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return False
    return levels == 0 or any(is_deeper_than(levels - 1, part) for part in value)
