"""Writes that may be sent twice: one effect, one answer.

A key is unique to its user and kept for 7 days with a hash of what was sent. The row is written
first: a second request with the same key waits for the first to commit, then finds its answer.
A refusal rolls the row back, so a refused write may be sent again with the same key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import IdempotentRequest, User
from common.errors import DomainError
from common.prepared import Statement

KEPT_FOR = timedelta(days=7)
MAX_KEY = 100

_CLAIM = Statement(
    "claim_key",
    """
INSERT INTO accounts_idempotentrequest (user_id, key, body_hash, status, answer, created_at)
VALUES (%s, %s, %s, 0, '', %s) ON CONFLICT ON CONSTRAINT idempotency_key_unique DO NOTHING
RETURNING id
""",
)
_ANSWER = Statement(
    "keep_answer",
    "UPDATE accounts_idempotentrequest SET status = %s, answer = %s WHERE id = %s",
)

Answer = tuple[int, str]


def body_hash(operation: str, body: Any) -> str:
    """Return the hash of what was asked: the operation and its body."""
    text = json.dumps([operation, body], ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def run_once(
    *,
    user: User,
    key: str,
    operation: str,
    body: Any,
    now: datetime,
    act: Callable[[], Answer],
) -> tuple[int, str, bool]:
    """Run ``act`` in a transaction unless this key was answered already.

    ``act`` returns status and answer text. Returns status, answer and whether it was stored before.
    Without a key ``act`` simply runs.

    Raises:
        DomainError: ``key_reused`` 409 when the key came with another body; ``invalid`` 400 for a
            key longer than 100 characters.
    """
    if len(key) > MAX_KEY or "\x00" in key:
        raise DomainError("invalid", _("This Idempotency-Key is too long."), status=400)
    with transaction.atomic():
        if not key:
            return (*act(), False)
        digest = body_hash(operation, body)
        with connection.cursor() as cursor:
            _CLAIM.execute(cursor, [user.pk, key, digest, now])
            claimed = cursor.fetchone()
        if claimed is None:
            return _stored(user, key, digest)
        status, answer = act()
        with connection.cursor() as cursor:
            _ANSWER.execute(cursor, [status, answer, claimed[0]])
        return status, answer, False


def _stored(user: User, key: str, digest: str) -> tuple[int, str, bool]:
    row = IdempotentRequest.objects.get(user=user, key=key)
    if row.body_hash != digest:
        raise DomainError(
            "key_reused",
            _("This Idempotency-Key was used for another request."),
            {"Idempotency-Key": [_("Use a new key for a new request.")]},
            status=409,
        )
    return row.status, row.answer, True


def forget_old_keys(*, now: datetime) -> int:
    """Delete keys older than 7 days; returns how many."""
    return IdempotentRequest.objects.filter(created_at__lt=now - KEPT_FOR).delete()[0]
