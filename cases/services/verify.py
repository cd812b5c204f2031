"""Verifying the history: what was altered, cut, deleted, rebuilt or left out, each by name.

One consistent snapshot is read as a stream, so the memory needed does not grow with the history and
the city may go on working. What each check finds, and what none can find, stands in
docs/rules/history.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cases.history_form import AnchorHead, HashedEvent, heads_digest, is_digest_of, is_hash_of
from cases.models import Case, HistoryAnchor
from cases.services.anchors import (
    CHUNK,
    anchor_file,
    described,
    digest_of,
    exported_numbers,
    is_signed_by,
    public_key,
    stored_heads,
)

Sentence = str | Promise


class Fault(StrEnum):
    """What can be wrong with the history."""

    ALTERED_EVENT = "altered_event"
    BROKEN_LINK = "broken_link"
    MISSING_EVENT = "missing_event"
    CUT_TAIL = "cut_tail"
    HEAD_DIFFERS = "head_differs"
    STATE_DIFFERS = "state_differs"
    DELETED_CASE = "deleted_case"
    REBUILT_CHAIN = "rebuilt_chain"
    NUMBER_GAP = "number_gap"
    CHANGED_TEXT = "changed_text"
    MISSING_TEXT = "missing_text"
    ALTERED_ANCHOR = "altered_anchor"
    REMOVED_ANCHOR = "removed_anchor"
    BAD_SIGNATURE = "bad_signature"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: which case, anchor or day, and what, in a sentence."""

    fault: Fault
    subject: str  # the case's number, "#" and an anchor's number, or a day
    message: Sentence
    sequence: int | None = None

    def __str__(self) -> str:
        place = f"{self.subject}/{self.sequence}" if self.sequence else self.subject
        return f"{self.fault} {place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which cases are looked at: a condition on ``case_id`` (SQL, parameters); default all."""

    condition: str = "true"
    parameters: tuple[Any, ...] = ()

    @classmethod
    def of_case(cls, case_id: int) -> Scope:
        """One case."""
        return cls("case_id = %s", (case_id,))

    @classmethod
    def since_anchor(cls, number: int) -> Scope:
        """Chains that grew after the anchor of this number, anchored since or not yet."""
        return cls(
            "case_id IN ("
            "SELECT head.case_id FROM cases_historyanchorhead AS head"
            " JOIN cases_historyanchor AS anchor ON anchor.id = head.anchor_id"
            " WHERE anchor.number > %s"
            " UNION SELECT event.case_id FROM cases_caseevent AS event WHERE event.id >"
            " coalesce((SELECT max(settled_event_id) FROM cases_historyanchor), 0))",
            (number,),
        )

    @classmethod
    def between(cls, first: int, last: int) -> Scope:
        """Cases by id, both ends included."""
        return cls("case_id BETWEEN %s AND %s", (first, last))


EVERYTHING = Scope()


# ── the whole ─────────────────────────────────────────────────────────────────────────────────


def verify_history(
    *,
    anchors: Path | None = None,
    since: int | None = None,
    number: str | None = None,
    trusted_keys: Iterable[str] = (),
) -> Iterator[Finding]:
    """Look at chains, texts, numbers and anchors; yield what is wrong, nothing when all is well.

    ``anchors`` is the folder of exported files (None: the rows alone). ``since`` leaves out chains
    that have not grown since the anchor of that number; ``number`` looks at one case alone.
    ``trusted_keys`` are public keys of former signing keys.
    """
    with snapshot():
        if number is not None:
            yield from _verify_one(number)
            return
        scope = EVERYTHING if since is None else Scope.since_anchor(since)
        yield from verify_chains(scope)
        yield from verify_texts(scope)
        yield from verify_numbers()
        yield from verify_anchored(scope)
        yield from verify_anchors(anchors, since or 0, {public_key(), *trusted_keys})


def case_verify(case: Case) -> list[Finding]:
    """Return what is wrong with the history of one case; an empty list is 历史完整."""
    scope = Scope.of_case(case.pk)
    return [*verify_chains(scope), *verify_texts(scope), *verify_anchored(scope)]


def _verify_one(number: str) -> Iterator[Finding]:
    case = Case.objects.filter(number=number).first()
    if case is not None:
        yield from case_verify(case)
        return
    message = _("There is no such case, and no anchor knows one.")
    if _rows(f"{_ANCHORED_NUMBER} LIMIT 1", (number,)):
        message = _("The case has been deleted: an anchor holds its number.")
    yield Finding(Fault.DELETED_CASE, number, message)


@contextmanager
def snapshot(identifier: str | None = None) -> Iterator[None]:
    """Read everything as of one moment (of the snapshot exported elsewhere, if named)."""
    outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if identifier is not None:
            cursor.execute("SET TRANSACTION SNAPSHOT %s", [identifier])
        cursor.execute("SET LOCAL statement_timeout = 0")
        yield


def _rows(sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def _stream(sql: str, parameters: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a query from a cursor that stays on the server."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, parameters)
        while rows := cursor.fetchmany(CHUNK):
            yield from rows


# ── chains ────────────────────────────────────────────────────────────────────────────────────


class Head(NamedTuple):
    """What a case's row says of its chain."""

    case_id: int
    number: str
    length: int
    head: str
    state: str


# Both walk an index in its order: cases_case_pkey and event_sequence_unique.
_HEADS = """
SELECT case_id, number, history_length, history_head, state
FROM (SELECT id AS case_id, * FROM cases_case) AS cases WHERE {condition} ORDER BY case_id
"""
_EVENTS = """
SELECT case_id, hash, sequence, run, action, actor_id, principal_id, role, organisation_id,
    old_state, new_state, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    data::text, text_digest, idempotency_key, previous_hash
FROM cases_caseevent WHERE {condition} ORDER BY case_id, sequence
"""


def verify_chains(scope: Scope = EVERYTHING) -> Iterator[Finding]:
    """Compute every hash again and hold every chain against its case."""
    heads = _stream(_HEADS.format(condition=scope.condition), scope.parameters)
    events = _stream(_EVENTS.format(condition=scope.condition), scope.parameters)
    chains = groupby(events, itemgetter(0))
    chain_id, chain = next(chains, (None, iter(())))
    for head in map(Head._make, heads):
        while chain_id is not None and chain_id < head.case_id:
            yield _orphans(chain_id)
            chain_id, chain = next(chains, (None, iter(())))
        if chain_id == head.case_id:
            yield from _verify_chain(head, chain)
            chain_id, chain = next(chains, (None, iter(())))
        else:
            yield from _verify_chain(head, ())
    while chain_id is not None:
        yield _orphans(chain_id)
        chain_id, chain = next(chains, (None, iter(())))


def _orphans(case_id: int) -> Finding:
    rows = _rows(
        "SELECT number FROM cases_historyanchorhead WHERE case_id = %s LIMIT 1", (case_id,)
    )
    subject = rows[0][0] if rows else f"id {case_id}"
    return Finding(
        Fault.DELETED_CASE, subject, _("The case has been deleted; its events are still here.")
    )


def _verify_chain(head: Head, chain: Iterable[tuple[Any, ...]]) -> Iterator[Finding]:
    previous, length, state = "", 0, ""
    for row in chain:
        digest, event = row[1], HashedEvent(*row[2:])
        if event.sequence != length + 1:
            message = _("Events are missing before this one.")
            yield Finding(Fault.MISSING_EVENT, head.number, message, event.sequence)
        elif event.previous_hash != previous:
            message = _("The event does not continue the one before it.")
            yield Finding(Fault.BROKEN_LINK, head.number, message, event.sequence)
        if not is_hash_of(digest, head.number, event):
            message = _("The event has been altered: its hash is another.")
            yield Finding(Fault.ALTERED_EVENT, head.number, message, event.sequence)
        previous, length, state = digest, event.sequence, event.new_state
    yield from _verify_head(head, length, previous, state)


def _verify_head(head: Head, length: int, last_hash: str, state: str) -> Iterator[Finding]:
    if length < head.length:
        message = _("The end of the history has been cut off: %(there)s of %(of)s events are left.")
        yield Finding(
            Fault.CUT_TAIL, head.number, message % {"there": length, "of": head.length}, length
        )
    elif length > head.length or last_hash != head.head:
        message = _("The case's head is not its last event.")
        yield Finding(Fault.HEAD_DIFFERS, head.number, message, length)
    elif state != head.state:
        message = _("The case is “%(state)s”, but its last event left it “%(last)s”.")
        yield Finding(
            Fault.STATE_DIFFERS, head.number, message % {"state": head.state, "last": state}, length
        )


# ── texts ─────────────────────────────────────────────────────────────────────────────────────

_TEXTS = """
SELECT event.case_id, event.sequence, event.text_digest, words.salt, words.content::text
FROM cases_eventtext AS words
JOIN (SELECT id, case_id, sequence, text_digest FROM cases_caseevent WHERE {condition}) AS event
    ON event.id = words.event_id
WHERE words.erased_at IS NULL OR words.content IS NOT NULL
"""
_TEXTS_GONE = """
SELECT case_id, sequence FROM cases_caseevent AS event
WHERE {condition} AND text_digest <> ''
    AND NOT EXISTS (SELECT FROM cases_eventtext AS words WHERE words.event_id = event.id)
"""


def verify_texts(scope: Scope = EVERYTHING) -> Iterator[Finding]:
    """Hold every text that was not erased against the digest its event keeps."""
    texts = _stream(_TEXTS.format(condition=scope.condition), scope.parameters)
    for case_id, sequence, digest, salt, content in texts:
        if content is None or not is_digest_of(digest, salt, content):
            message = _("What was written has been changed.")
            yield Finding(Fault.CHANGED_TEXT, _number(case_id), message, sequence)
    gone = _stream(_TEXTS_GONE.format(condition=scope.condition), scope.parameters)
    for case_id, sequence in gone:
        message = _("What was written is gone without having been erased.")
        yield Finding(Fault.MISSING_TEXT, _number(case_id), message, sequence)


def _number(case_id: int) -> str:
    rows = _rows("SELECT number FROM cases_case WHERE id = %s", (case_id,))
    return rows[0][0] if rows else f"id {case_id}"


# ── numbers ───────────────────────────────────────────────────────────────────────────────────

# Days on which the numbers given are not exactly 1 … last of the counter.
_DAYS = """
SELECT coalesce(counter.city_id, given.city_id),
    coalesce(to_char(counter.day, 'YYYYMMDD'), given.day), coalesce(counter.last, 0)
FROM cases_numbercounter AS counter
FULL JOIN (
    SELECT city_id, left(number, 8) AS day, count(*) AS total, max(right(number, -8)::int) AS last
    FROM cases_case WHERE number ~ '^[0-9]{13,}$' GROUP BY city_id, left(number, 8)
) AS given ON given.city_id = counter.city_id AND given.day = to_char(counter.day, 'YYYYMMDD')
WHERE given.total IS DISTINCT FROM counter.last OR given.last IS DISTINCT FROM counter.last
ORDER BY 2
"""
_GAPS = """
SELECT %(day)s || lpad(number::text, 5, '0') FROM generate_series(1, %(last)s) AS number
EXCEPT SELECT number FROM cases_case WHERE number LIKE %(day)s || '%%' ORDER BY 1
"""
_BEYOND = """
SELECT number FROM cases_case
WHERE city_id = %(city)s AND number LIKE %(day)s || '%%' AND right(number, -8)::int > %(last)s
ORDER BY number
"""


def verify_numbers() -> Iterator[Finding]:
    """Compare the numbers of every day with the day's counter."""
    for city_id, day, last in _rows(_DAYS):
        with connection.cursor() as cursor:
            given = {"city": city_id, "day": day, "last": last}
            cursor.execute(_GAPS, given)
            for (number,) in cursor.fetchall():
                message = _("This number was given, but there is no such case.")
                yield Finding(Fault.NUMBER_GAP, number, message)
            cursor.execute(_BEYOND, given)
            for (number,) in cursor.fetchall():
                message = _("The counter of the day never gave this number.")
                yield Finding(Fault.NUMBER_GAP, number, message)


# ── what the anchors say of the chains ────────────────────────────────────────────────────────

_ANCHORED_NUMBER = "SELECT 1 FROM cases_historyanchorhead WHERE number = %s"
_ANCHORED = """
SELECT DISTINCT ON (head.case_id) head.number, head.length, anchor.number, cases.number,
    cases.history_length, last.sequence
FROM (SELECT * FROM cases_historyanchorhead WHERE {condition}) AS head
JOIN cases_historyanchor AS anchor ON anchor.id = head.anchor_id
LEFT JOIN cases_case AS cases ON cases.id = head.case_id
LEFT JOIN cases_caseevent AS event
    ON event.case_id = head.case_id AND event.sequence = head.length
LEFT JOIN LATERAL (
    SELECT max(sequence) AS sequence FROM cases_caseevent AS any_event
    WHERE any_event.case_id = head.case_id AND event.hash IS NULL
) AS last ON true
WHERE event.hash IS DISTINCT FROM head.head OR cases.number IS DISTINCT FROM head.number
ORDER BY head.case_id, head.length
"""


def verify_anchored(scope: Scope = EVERYTHING) -> Iterator[Finding]:
    """Hold every anchored head against the chain as it is now."""
    for row in _stream(_ANCHORED.format(condition=scope.condition), scope.parameters):
        number, length, anchor, present, present_length, last = row
        if present is None:
            message = _("The case has been deleted: anchor %(anchor)s holds its history.")
            yield Finding(Fault.DELETED_CASE, number, message % {"anchor": anchor})
        elif present_length < length or (last or length) < length:
            message = _("The history is shorter than when anchor %(anchor)s was made.")
            yield Finding(Fault.CUT_TAIL, number, message % {"anchor": anchor}, last)
        else:
            message = _("The history is another one than when anchor %(anchor)s was made.")
            yield Finding(Fault.REBUILT_CHAIN, number, message % {"anchor": anchor}, length)


# ── the anchors themselves ────────────────────────────────────────────────────────────────────


def verify_anchors(directory: Path | None, since: int, keys: set[str]) -> Iterator[Finding]:
    """Look at numbers, links, digests and signatures of the anchors, and at their files."""
    previous = HistoryAnchor.objects.filter(number=since).first() if since else None
    expected, digest = since + 1, previous.digest if previous else ""
    for anchor in HistoryAnchor.objects.filter(number__gt=since).order_by("number"):
        for number in range(expected, anchor.number):
            yield _anchor_finding(Fault.REMOVED_ANCHOR, number, _("The anchor has been removed."))
        if anchor.number == expected and anchor.previous_digest != digest:
            message = _("The anchor does not continue the one before it.")
            yield _anchor_finding(Fault.ALTERED_ANCHOR, anchor.number, message)
        heads, count = heads_digest(stored_heads(anchor))
        yield from _verify_anchor(anchor, heads, count, keys)
        if directory is not None:
            yield from _verify_file(anchor, heads, directory)
        expected, digest = anchor.number + 1, anchor.digest
    if directory is not None:
        for number in exported_numbers(directory):
            if number >= expected:
                message = _("The anchor has been removed; its file is still here.")
                yield _anchor_finding(Fault.REMOVED_ANCHOR, number, message)


def _anchor_finding(fault: Fault, number: int, message: Sentence) -> Finding:
    return Finding(fault, f"#{number}", message)


def _verify_anchor(
    anchor: HistoryAnchor, heads: str, count: int, keys: set[str]
) -> Iterator[Finding]:
    if count != anchor.head_count or digest_of(anchor, heads) != anchor.digest:
        message = _("The anchor or its heads have been altered: its digest is another.")
        yield _anchor_finding(Fault.ALTERED_ANCHOR, anchor.number, message)
    if anchor.public_key not in keys:
        message = _("The anchor was signed with a key that is not trusted.")
        yield _anchor_finding(Fault.BAD_SIGNATURE, anchor.number, message)
    elif not is_signed_by(anchor.public_key, anchor.digest, anchor.signature):
        message = _("The anchor's signature is not that of its digest.")
        yield _anchor_finding(Fault.BAD_SIGNATURE, anchor.number, message)


def _verify_file(anchor: HistoryAnchor, heads: str, directory: Path) -> Iterator[Finding]:
    """The file must say what the rows say; whoever keeps a copy compares that one."""
    path = anchor_file(directory, anchor.number)
    if not path.exists():
        message = _("The anchor's file is not in the folder.")
        yield _anchor_finding(Fault.REMOVED_ANCHOR, anchor.number, message)
    elif _file_says(path) != (described(anchor), heads):
        message = _("The anchor's file says something else than the database.")
        yield _anchor_finding(Fault.ALTERED_ANCHOR, anchor.number, message)


def _file_says(path: Path) -> tuple[dict[str, Any], str] | None:
    """Return the first line of a file and the digest of its heads; None when it is unreadable."""
    try:
        with path.open(encoding="utf-8") as file:
            first = json.loads(file.readline())
            heads = (AnchorHead(**json.loads(line)) for line in file)
            return first, heads_digest(heads)[0]
    except (ValueError, TypeError):
        return None
