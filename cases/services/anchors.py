"""Anchors: a signed digest, once a day, of the heads of all chains that grew since the one before.

A chain alone cannot show that its tail was cut or that it was rebuilt from the start. An anchor
can: it is numbered, holds the digest of the anchor before, is signed with a key the database does
not know, and is exported as a file that belongs on another machine.

No change falls between two anchors. Event ids are not given in the order of commits, so an anchor
remembers up to which id everything was settled when it looked (``settled_event_id``); the next one
looks at every event above. Uses the primary key of cases_caseevent and the index anchor_head_case.
"""

from __future__ import annotations

import base64
import io
import json
import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from cases.history_form import AnchorHead, anchor_digest, heads_digest, moment
from cases.models import HistoryAnchor, HistoryAnchorHead

LOCK = 0x414E4348  # "ANCH": one anchor at a time, whoever makes it
SETTLE_SECONDS = 10.0
CHUNK = 5000
PAUSE_SECONDS = 0.05

_LAST_ID = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM cases_caseevent_id_seq"
# Who is writing events: a transaction locks the table before it gets an id, and until it ends.
_WRITERS = """
SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'cases_caseevent'::regclass AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND mode = 'RowExclusiveLock' AND pid <> pg_backend_pid()
"""
_GROWN = """
SELECT grown.id, grown.number, grown.history_length, grown.history_head
FROM cases_case AS grown
WHERE grown.id IN (SELECT case_id FROM cases_caseevent WHERE id > %s) AND NOT EXISTS (
    SELECT FROM cases_historyanchorhead AS head
    WHERE head.case_id = grown.id AND head.length >= grown.history_length
)
ORDER BY grown.id
"""


# ── the key ───────────────────────────────────────────────────────────────────────────────────


def signing_key() -> Ed25519PrivateKey:
    """Return the key of HISTORY_SIGNING_KEY, the base64 of 32 secret bytes."""
    try:
        seed = base64.b64decode(settings.HISTORY_SIGNING_KEY, validate=True)
        return Ed25519PrivateKey.from_private_bytes(seed)
    except ValueError as error:
        raise ImproperlyConfigured(
            "HISTORY_SIGNING_KEY must be the base64 of 32 random bytes."
        ) from error


def public_key() -> str:
    """Return the public half of the signing key, in base64: give it to whoever checks."""
    return base64.b64encode(signing_key().public_key().public_bytes_raw()).decode()


def is_signed_by(key: str, digest: str, signature: str) -> bool:
    """Tell whether ``signature`` is that of ``digest`` under the public key."""
    try:
        verifier = Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))
        verifier.verify(base64.b64decode(signature, validate=True), digest.encode())
    except (ValueError, InvalidSignature):
        return False
    return True


# ── making one ────────────────────────────────────────────────────────────────────────────────


def history_anchor(
    *, now: datetime, directory: Path | None = None, settle_seconds: float = SETTLE_SECONDS
) -> HistoryAnchor | None:
    """Anchor every chain that grew since the last anchor and export the file; None if none grew.

    Waits at most ``settle_seconds`` for transactions under way; whatever they write later is in the
    next anchor. Run it outside a transaction.
    """
    last_event_id, settled = _wait_for_writers(settle_seconds)
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        previous = HistoryAnchor.objects.order_by("-number").first()
        seen = previous.settled_event_id if previous else 0
        heads = _grown(seen)
        anchor = None
        if heads:
            anchor = _sign(heads, previous, now, last_event_id if settled else seen)
            _store(anchor, heads)
    export_anchors(directory or settings.ANCHOR_DIR)
    return anchor


def _wait_for_writers(seconds: float) -> tuple[int, bool]:
    """Return the last event id given out and whether everybody who got one by then has ended."""
    give_up = time.monotonic() + seconds
    with connection.cursor() as cursor:
        cursor.execute(_LAST_ID)
        last_event_id = cursor.fetchone()[0]
        waiting_for = _writers(cursor)
        while waiting_for and time.monotonic() < give_up:
            time.sleep(PAUSE_SECONDS)
            waiting_for &= _writers(cursor)
    return last_event_id, not waiting_for


def _writers(cursor: CursorWrapper) -> set[str]:
    cursor.execute(_WRITERS)
    return {transaction_id for (transaction_id,) in cursor.fetchall()}


def _grown(seen: int) -> list[AnchorHead]:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '10min'")
        cursor.execute(_GROWN, [seen])
        return [AnchorHead(*row) for row in cursor.fetchall()]


def _sign(
    heads: list[AnchorHead], previous: HistoryAnchor | None, now: datetime, settled_event_id: int
) -> HistoryAnchor:
    anchor = HistoryAnchor(
        number=previous.number + 1 if previous else 1,
        made_at=now,
        head_count=len(heads),
        settled_event_id=settled_event_id,
        previous_digest=previous.digest if previous else "",
    )
    anchor.digest = digest_of(anchor, heads_digest(heads)[0])
    key = signing_key()
    anchor.signature = base64.b64encode(key.sign(anchor.digest.encode())).decode()
    anchor.public_key = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    return anchor


def digest_of(anchor: HistoryAnchor, heads: str) -> str:
    """Return the digest of an anchor whose heads have the digest ``heads``."""
    return anchor_digest(
        number=anchor.number,
        made_at=anchor.made_at,
        settled_event_id=anchor.settled_event_id,
        head_count=anchor.head_count,
        heads=heads,
        previous=anchor.previous_digest,
    )


def _store(anchor: HistoryAnchor, heads: list[AnchorHead]) -> None:
    anchor.save(force_insert=True)
    lines = "".join(f"{anchor.pk}\t{a}\t{b}\t{c}\t{d}\n" for a, b, c, d in heads)
    with connection.cursor() as cursor:
        cursor.copy_expert(
            "COPY cases_historyanchorhead (anchor_id, case_id, number, length, head) FROM STDIN",
            io.StringIO(lines),
        )


# ── files ─────────────────────────────────────────────────────────────────────────────────────


def anchor_file(directory: Path, number: int) -> Path:
    """Return where the anchor of a number is exported."""
    return directory / f"anchor-{number:06d}.jsonl"


def export_anchors(directory: Path) -> list[Path]:
    """Write the anchors made after the last file there; returns the new files.

    JSON lines: the signed anchor, then one line a head. A file appears whole or not at all.
    """
    directory.mkdir(parents=True, exist_ok=True)
    last = max(exported_numbers(directory), default=0)
    anchors = HistoryAnchor.objects.filter(number__gt=last).order_by("number")
    return [_export(anchor, directory) for anchor in anchors]


def exported_numbers(directory: Path) -> list[int]:
    """Return the numbers of the anchors that have a file, in order."""
    return sorted(int(path.stem.removeprefix("anchor-")) for path in _files(directory))


def _files(directory: Path) -> list[Path]:
    return [
        path
        for path in directory.glob("anchor-*.jsonl")
        if path.stem.removeprefix("anchor-").isdigit()
    ]


def _export(anchor: HistoryAnchor, directory: Path) -> Path:
    path = anchor_file(directory, anchor.number)
    part = path.with_suffix(f".part{os.getpid()}")
    with part.open("w", encoding="utf-8") as file:
        file.write(json.dumps(described(anchor)) + "\n")
        file.writelines(json.dumps(head._asdict()) + "\n" for head in stored_heads(anchor))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    return path


def described(anchor: HistoryAnchor) -> dict[str, Any]:
    """Return an anchor as the first line of its file."""
    return {
        "number": anchor.number,
        "made_at": moment(anchor.made_at),
        "settled_event": anchor.settled_event_id,
        "head_count": anchor.head_count,
        "previous": anchor.previous_digest,
        "digest": anchor.digest,
        "signature": anchor.signature,
        "public_key": anchor.public_key,
    }


def stored_heads(anchor: HistoryAnchor) -> Iterator[AnchorHead]:
    """Yield the heads of an anchor, in the order in which they are hashed."""
    rows = HistoryAnchorHead.objects.filter(anchor=anchor).order_by("case_id")
    values = rows.values_list("case_id", "number", "length", "head")
    return (AnchorHead(*row) for row in values.iterator(chunk_size=CHUNK))
