"""Refuse who tries too often, counted in the database: right in every process, whatever Redis does.

What is counted is up to the caller: count failures, and honest people never wait. Visitors are kept
as a keyed hash of their address, and only for the span they are counted in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from common.errors import DomainError
from common.models import Attempt

# Uses the unique index on (name, key, span).
_COUNT = """
INSERT INTO common_attempt AS attempt (name, key, span, count) VALUES (%s, %s, %s, 1)
ON CONFLICT (name, key, span) DO UPDATE SET count = attempt.count + 1
"""


class TooManyAttempts(DomainError):
    """Somebody has to wait."""

    def __init__(self) -> None:
        message = _("Too many attempts from here. Please try again in some minutes.")
        super().__init__("too_many", message, status=429)


@dataclass(frozen=True, slots=True)
class Throttle:
    """At most ``limit`` counted attempts of a visitor in each span of ``seconds``."""

    name: str
    limit: int
    seconds: int

    def check(self, visitor: str, at: datetime) -> None:
        """Raise TooManyAttempts 429 for a visitor who has used the limit up."""
        found = Attempt.objects.filter(
            name=self.name, key=self._key(visitor), span=self._span(at), count__gte=self.limit
        )
        if found.exists():
            raise TooManyAttempts

    def count(self, visitor: str, at: datetime) -> None:
        """Count one attempt, and forget the spans that are over."""
        Attempt.objects.filter(name=self.name, span__lt=self._span(at)).delete()
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [self.name, self._key(visitor), self._span(at)])

    def _span(self, at: datetime) -> int:
        return int(at.timestamp()) // self.seconds

    def _key(self, visitor: str) -> str:
        return salted_hmac(f"common.throttle.{self.name}", visitor, algorithm="sha256").hexdigest()
