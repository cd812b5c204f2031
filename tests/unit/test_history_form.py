"""The hashed form: one byte string for one event, the same whoever computes it."""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.history_form import (
    AnchorHead,
    HashedEvent,
    anchor_digest,
    canonical,
    canonical_quick,
    chain_hash,
    chain_hash_quick,
    heads_digest,
    is_digest_of,
    is_hash_of,
    moment,
    text_digest,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rules" / "history.md"
FIRST = HashedEvent(
    sequence=1,
    run=1,
    action="report",
    actor_id=31,
    principal_id=None,
    role="COL",
    organisation_id=12,
    old_state="",
    new_state="reported",
    at="2026-11-22T00:41:03.000000Z",
    data={
        "source": "collector",
        "type": "C0103",
        "component": None,
        "cell": "330106007011023",
        "community": "330106007011",
        "point": [120.1234567, 30.2765432],
    },
    text_digest=text_digest("6f1d0c5b9a3e48f27d60b1c4e8a95312", {"description": "井盖破损"}),
    idempotency_key="7d1c",
    previous_hash="",
)
SECOND = FIRST._replace(
    sequence=2,
    action="accept",
    actor_id=7,
    role="ACC",
    organisation_id=2,
    old_state="reported",
    new_state="accepted",
    at="2026-11-22T00:45:10.250000Z",
    data={},
    text_digest="",
    idempotency_key="",
    previous_hash=chain_hash("2026112200137", FIRST),
)
NUMBER = "2026112200137"


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of the page in a language."""
    return re.findall(rf"```{language}\n(.*?)\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_page_shows_the_bytes_that_are_hashed():
    first, second = blocks("json")[:2]
    assert canonical(dict(json.loads(first))) == first.encode()
    assert hashlib.sha256(first.encode()).hexdigest() == chain_hash(NUMBER, FIRST)
    assert hashlib.sha256(second.encode()).hexdigest() == chain_hash(NUMBER, SECOND)


def test_the_page_names_the_hashes_of_its_example():
    page = PAGE.read_text(encoding="utf-8")
    assert chain_hash(NUMBER, FIRST) in page
    assert chain_hash(NUMBER, SECOND) in page
    assert FIRST.text_digest in page


def test_a_chain_hash_covers_the_event_before():
    other = SECOND._replace(previous_hash=chain_hash(NUMBER, FIRST._replace(actor_id=32)))
    assert chain_hash(NUMBER, other) != chain_hash(NUMBER, SECOND)


@pytest.mark.parametrize("name", HashedEvent._fields)
def test_every_field_of_an_event_is_hashed(name):
    changed = FIRST._replace(**{name: "another"})
    assert chain_hash(NUMBER, changed) != chain_hash(NUMBER, FIRST)


def test_the_number_of_the_case_is_hashed():
    assert chain_hash("2026112200138", FIRST) != chain_hash(NUMBER, FIRST)


def test_a_moment_is_written_in_utc_with_microseconds():
    shanghai = timezone(timedelta(hours=8))
    assert moment(datetime(2026, 11, 22, 8, 41, 3, tzinfo=shanghai)) == FIRST.at
    assert moment(datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)) == "2026-01-02T03:04:05.000006Z"


# Numbers between which Python and PostgreSQL never write an exponent.
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(-1e15, 1e15).filter(
    lambda value: value == 0 or abs(value) >= 1e-4
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,  # what events hold is small; large ones take Hypothesis seconds to make
)


@given(st.dictionaries(TEXTS, VALUES))
def test_the_quick_form_is_the_canonical_form(data):
    assert canonical_quick(data) == canonical(data)
    assert chain_hash_quick(NUMBER, FIRST._replace(data=data)) == chain_hash(
        NUMBER, FIRST._replace(data=data)
    )


@pytest.mark.parametrize("number", [1e-7, 1.5e-300, 1e16, 2**70])
def test_a_number_with_an_exponent_is_left_to_the_definition(number):
    stored = FIRST._replace(data=json.dumps({"number": number}))
    digest = chain_hash(NUMBER, FIRST._replace(data={"number": number}))
    assert is_hash_of(digest, NUMBER, stored)
    assert not is_hash_of(digest, NUMBER, stored._replace(actor_id=1))


def test_a_text_is_held_against_its_digest():
    digest = text_digest("salt", {"note": "已清理 🧹"})
    assert is_digest_of(digest, "salt", '{"note": "已清理 🧹"}')
    assert not is_digest_of(digest, "salt", '{"note": "已清理"}')
    assert not is_digest_of(digest, "pepper", '{"note": "已清理 🧹"}')


def test_nothing_that_is_not_a_number_can_be_hashed():
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"value": float("nan")})


HEADS = [AnchorHead(5, "2026112200001", 9, "a" * 64), AnchorHead(7, "2026112200002", 3, "b" * 64)]


def test_heads_are_hashed_as_lines():
    lines = f"5 2026112200001 9 {'a' * 64}\n7 2026112200002 3 {'b' * 64}\n"
    assert heads_digest(HEADS) == (hashlib.sha256(lines.encode()).hexdigest(), 2)


def test_the_page_shows_what_an_anchor_signs():
    example = blocks("json")[2]
    value = json.loads(example)
    digest = anchor_digest(
        number=value["number"],
        made_at=datetime.fromisoformat(value["made_at"]),
        settled_event_id=value["settled_event"],
        head_count=value["head_count"],
        heads=heads_digest(HEADS)[0],
        previous=value["previous"],
    )
    assert digest == hashlib.sha256(example.encode()).hexdigest()
    assert digest in PAGE.read_text(encoding="utf-8")
