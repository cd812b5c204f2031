"""The hashed form of the history: which bytes stand for an event, a text and an anchor.

Canonical JSON: keys sorted by code point, no spaces, UTF-8, only `"`, `\\` and control characters
escaped, moments in UTC with microseconds. docs/rules/history.md describes it with a worked example
that a test computes. Pure: no models, no queries.

A number is written as Python writes it, and PostgreSQL must give the same number back: integers up
to 64 bits and decimal fractions of ordinary size. orjson writes the same bytes except for numbers
with an exponent, six times faster: `is_hash_of` tries it first and lets the definition decide.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

FORMAT = 1


class HashedEvent(NamedTuple):
    """What of an event is hashed, in the order in which it is read from the database."""

    sequence: int
    run: int
    action: str
    actor_id: int | None
    principal_id: int | None
    role: str
    organisation_id: int | None
    old_state: str
    new_state: str
    at: str  # as `moment` writes it
    data: Any
    text_digest: str
    idempotency_key: str
    previous_hash: str


def canonical(value: Any) -> bytes:
    """Return the one byte string that stands for ``value``: the definition."""
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def canonical_quick(value: Any) -> bytes:
    """Return the same bytes, unless a number in ``value`` needs an exponent."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def moment(value: datetime) -> str:
    """Return a moment as UTC with microseconds, e.g. 2026-11-22T00:41:03.000000Z."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def text_digest(salt: str, content: Mapping[str, Any]) -> str:
    """Return the digest by which an event refers to an erasable text."""
    return hashlib.sha256(salt.encode() + b"\n" + canonical(content)).hexdigest()


def text_digest_quick(salt: str, content: Mapping[str, Any]) -> str:
    """Return the same digest; what people wrote holds no numbers with an exponent."""
    return hashlib.sha256(salt.encode() + b"\n" + canonical_quick(content)).hexdigest()


def is_digest_of(digest: str, salt: str, content: str) -> bool:
    """Tell whether ``digest`` is that of a text; ``content`` is JSON text as stored."""
    return (
        text_digest_quick(salt, orjson.loads(content)) == digest
        or text_digest(salt, json.loads(content)) == digest
    )


def payload(number: str, event: HashedEvent) -> dict[str, Any]:
    """Return what is hashed of an event of the case ``number``."""
    return {
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
        "at": event.at,
        "data": event.data,
        "text_digest": event.text_digest,
        "idempotency_key": event.idempotency_key,
        "previous": event.previous_hash,
    }


def chain_hash(number: str, event: HashedEvent) -> str:
    """Return the hash of an event, which also covers the hash of the event before it."""
    return hashlib.sha256(canonical(payload(number, event))).hexdigest()


def chain_hash_quick(number: str, event: HashedEvent) -> str:
    """Return the same hash for data in which no number needs an exponent."""
    return hashlib.sha256(canonical_quick(payload(number, event))).hexdigest()


def is_hash_of(digest: str, number: str, event: HashedEvent) -> bool:
    """Tell whether ``digest`` is the event's hash; ``event.data`` is JSON text as stored."""
    quick = event._replace(data=orjson.loads(event.data))
    if chain_hash_quick(number, quick) == digest:
        return True
    return chain_hash(number, event._replace(data=json.loads(event.data))) == digest


class AnchorHead(NamedTuple):
    """How long a case's chain was and which hash it ended with."""

    case_id: int
    number: str
    length: int
    head: str


def heads_digest(heads: Iterable[AnchorHead]) -> tuple[str, int]:
    """Return digest and number of heads: lines `case number length head`, in order of case ids."""
    digest, count = hashlib.sha256(), 0
    for head in heads:
        digest.update(f"{head[0]} {head[1]} {head[2]} {head[3]}\n".encode())
        count += 1
    return digest.hexdigest(), count


def anchor_digest(
    *,
    number: int,
    made_at: datetime,
    settled_event_id: int,
    head_count: int,
    heads: str,
    previous: str,
) -> str:
    """Return the digest that an anchor signs; ``previous`` is the digest of the anchor before."""
    value = {
        "format": FORMAT,
        "number": number,
        "made_at": moment(made_at),
        "settled_event": settled_event_id,
        "head_count": head_count,
        "heads": heads,
        "previous": previous,
    }
    return hashlib.sha256(canonical(value)).hexdigest()
