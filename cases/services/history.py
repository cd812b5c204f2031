"""Writing the history: one event a step, chained by hash within the case.

The hashed form stands in ``cases.history_form`` and docs/rules/history.md. What people wrote goes
into an erasable row; the event holds its salted digest only.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from cases.history_form import HashedEvent, chain_hash, moment, text_digest
from cases.models import Case, CaseEvent
from cases.publish import tell_events_written
from cases.workflow import Post
from common.prepared import Statement


def event_hash(event: CaseEvent, number: str) -> str:
    """Return the hash of an event of the case ``number``, chained to the one before it."""
    return chain_hash(
        number,
        HashedEvent(
            event.sequence,
            event.run,
            event.action,
            event.actor_id,
            event.principal_id,
            event.role,
            event.organisation_id,
            event.old_state,
            event.new_state,
            moment(event.at),
            event.data,
            event.text_digest,
            event.idempotency_key,
            event.previous_hash,
        ),
    )


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


_INSERT = Statement(
    "event_append",
    """
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
    SELECT id, %s::text, %s::jsonb FROM event WHERE %s::text <> ''
)
SELECT id FROM event
""",
)


def event_append(event: CaseEvent, salt: str, text: Mapping[str, Any]) -> CaseEvent:
    """Store a chained event, its text and its place in the outbox in one statement."""
    with connection.cursor() as cursor:
        _INSERT.execute(
            cursor,
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
    tell_events_written()
    return event


_INSERT_MANY = """
WITH event AS (
    INSERT INTO cases_caseevent (
        case_id, sequence, run, action, actor_id, role, organisation_id, old_state, new_state, at,
        data, text_digest, idempotency_key, previous_hash, hash
    )
    SELECT case_id, sequence, run, action, actor_id, role, organisation_id, state, state, at,
        data::jsonb, '', '', previous_hash, hash
    FROM unnest(
        %s::bigint[], %s::int[], %s::int[], %s::text[], %s::bigint[], %s::text[], %s::bigint[],
        %s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::text[]
    ) WITH ORDINALITY AS given (
        case_id, sequence, run, action, actor_id, role, organisation_id, state, at, data,
        previous_hash, hash, place
    ) ORDER BY place
    RETURNING id
)
INSERT INTO cases_eventoutbox (event_id) SELECT id FROM event
"""
_MOVE_HEADS = """
UPDATE cases_case AS held SET history_head = given.head, history_length = given.length
FROM unnest(%s::bigint[], %s::text[], %s::int[]) AS given (id, head, length)
WHERE held.id = given.id
"""


def events_append(events: Iterable[CaseEvent], cases: Iterable[Case]) -> None:
    """Store chained events without words that leave their cases' states as they are.

    Two statements for any number: the events with their places in the outbox, and the heads of
    the cases, which must be locked.
    """
    events, cases = list(events), list(cases)
    if not events:
        return
    rows = [
        (
            event.case_id,
            event.sequence,
            event.run,
            event.action,
            event.actor_id,
            event.role,
            event.organisation_id,
            event.new_state,
            event.at,
            json.dumps(event.data, ensure_ascii=False),
            event.previous_hash,
            event.hash,
        )
        for event in events
    ]
    heads = [(case.pk, case.history_head, case.history_length) for case in cases]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_MANY, [list(column) for column in zip(*rows, strict=True)])
        cursor.execute(_MOVE_HEADS, [list(column) for column in zip(*heads, strict=True)])
    tell_events_written()


def notice_chain(
    case: Case, action: str, now: datetime, data: dict[str, Any]
) -> tuple[CaseEvent, str]:
    """Return the system's next event of a locked case, chained, and its salt; the head moves on."""
    event = CaseEvent(
        case=case,
        run=case.run,
        action=action,
        role=Post.SYS.value,
        old_state=case.state,
        new_state=case.state,
        at=now,
        data=data,
    )
    return event_chain(case, event, {})


def notice_append(*, case: Case, action: str, data: dict[str, Any], now: datetime) -> CaseEvent:
    """Let the system tell something in a case's history: state and version stay as they are.

    The case must be locked. Only identifiers belong into ``data``.
    """
    event, salt = notice_chain(case, action, now, data)
    case.save(update_fields=["history_head", "history_length"])
    return event_append(event, salt, {})
