"""Writing the history: one event a step, chained by hash within the case.

The hashed form is canonical JSON (sorted keys, no spaces, UTF-8, UTC with microseconds), described
with a worked example in docs/rules/history.md. What people wrote goes into an erasable row; the
event holds its salted digest only.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from cases.models import Case, CaseEvent

FORMAT = 1


def canonical(value: Mapping[str, Any]) -> bytes:
    """Return the one byte string that stands for ``value``."""
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def moment(value: datetime) -> str:
    """Return a moment as UTC with microseconds, e.g. 2026-11-22T00:41:03.000000Z."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def text_digest(salt: str, content: Mapping[str, Any]) -> str:
    """Return the digest by which an event refers to an erasable text."""
    return hashlib.sha256(salt.encode() + b"\n" + canonical(content)).hexdigest()


def event_hash(event: CaseEvent, number: str) -> str:
    """Return the hash of an event of the case ``number``, chained to the one before it."""
    payload = {
        "format": FORMAT,
        "case": number,
        "sequence": event.sequence,
        "run": event.run,
        "action": event.action,
        "actor": event.actor_id,
        "principal": event.principal_id,
        "role": event.role,
        "organisation": event.organisation_id,
        "old_state": event.old_state,
        "new_state": event.new_state,
        "at": moment(event.at),
        "data": event.data,
        "text_digest": event.text_digest,
        "idempotency_key": event.idempotency_key,
        "previous": event.previous_hash,
    }
    return hashlib.sha256(canonical(payload)).hexdigest()


def event_chain(case: Case, event: CaseEvent, text: Mapping[str, Any]) -> tuple[CaseEvent, str]:
    """Give the event its place in the case's chain and move the case's head to it.

    Returns the event and the salt of its text ("" without text). The case must be locked; its
    ``history_head`` and ``history_length`` are set, to be saved with the case.
    """
    salt = secrets.token_hex(16) if text else ""
    event.sequence = case.history_length + 1
    event.previous_hash = case.history_head
    event.text_digest = text_digest(salt, text) if text else ""
    event.hash = event_hash(event, case.number)
    case.history_length, case.history_head = event.sequence, event.hash
    return event, salt


_INSERT = """
WITH event AS (
    INSERT INTO cases_caseevent (
        case_id, sequence, run, action, actor_id, principal_id, role, organisation_id, old_state,
        new_state, at, data, text_digest, idempotency_key, previous_hash, hash
    ) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    RETURNING id
), outbox AS (
    INSERT INTO cases_eventoutbox (event_id) SELECT id FROM event
), words AS (
    INSERT INTO cases_eventtext (event_id, salt, content)
    SELECT id, %s, %s::jsonb FROM event WHERE %s <> ''
)
SELECT id FROM event
"""


def event_append(event: CaseEvent, salt: str, text: Mapping[str, Any]) -> CaseEvent:
    """Store a chained event, its text and its place in the outbox in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                event.case_id,
                event.sequence,
                event.run,
                event.action,
                event.actor_id,
                event.principal_id,
                event.role,
                event.organisation_id,
                event.old_state,
                event.new_state,
                event.at,
                json.dumps(event.data, ensure_ascii=False),
                event.text_digest,
                event.idempotency_key,
                event.previous_hash,
                event.hash,
                salt,
                json.dumps(dict(text), ensure_ascii=False),
                salt,
            ],
        )
        event.pk = cursor.fetchone()[0]
    return event
