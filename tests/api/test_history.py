"""The history: whatever is done to it behind the door is found, and named.

Tampering is done as the owner of the tables with the guards lifted, inside the test's transaction.
"""

import base64
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from cases.history_form import chain_hash
from cases.models import Case, CaseEvent, EventText, HistoryAnchor, HistoryAnchorHead
from cases.services.anchors import history_anchor, public_key
from cases.services.erase import case_erase_words
from cases.services.verify import _EVENTS, Fault, HashedEvent, case_verify, verify_history
from cases.workflow import State
from tests.cast import NOW, Story
from tests.databases import filled

Tamper = Callable[..., None]
GUARDED = (
    "cases_caseevent",
    "cases_caseclock",
    "cases_historyanchor",
    "cases_historyanchorhead",
)


@filled("cast")
def closed_case(cast) -> None:
    """A case that went the whole road."""
    Story(cast).walk_to(State.CLOSED)


@pytest.fixture
def story(closed_case) -> Story:
    return Story(closed_case, case=Case.objects.get())


@pytest.fixture
def other(cast) -> Story:
    return Story(cast, metres=30).walk_to(State.HANDLING)


@pytest.fixture
def tamper(db) -> Tamper:
    """Run statements as somebody who may lift the guards."""

    def run(*statements: str, **values: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table in GUARDED:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            for statement in statements:
                cursor.execute(statement, values)
            for table in GUARDED:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")

    return run


@pytest.fixture
def anchor(tmp_path) -> Callable[..., HistoryAnchor | None]:
    def make(days: int = 0) -> HistoryAnchor | None:
        return history_anchor(now=NOW + timedelta(days=days), directory=tmp_path, settle_seconds=0)

    return make


def found(**options) -> list[tuple[str, str, int | None]]:
    """Return what the verification finds: fault, subject, sequence."""
    return [(str(f.fault), f.subject, f.sequence) for f in verify_history(**options)]


def delete_case(tamper: Tamper, case: Case) -> None:
    """Remove a case with everything that refers to it, as somebody with all rights would."""
    tables = ("eventtext", "eventoutbox")
    tamper(
        *(
            f"DELETE FROM cases_{table} WHERE event_id IN"
            " (SELECT id FROM cases_caseevent WHERE case_id = %(case)s)"
            for table in tables
        ),
        *(
            f"DELETE FROM cases_{table} WHERE case_id = %(case)s"
            for table in (
                "casephoto",
                "casewords",
                "caseclock",
                "fieldtask",
                "suborder",
                "caseevent",
            )
        ),
        "DELETE FROM cases_case WHERE id = %(case)s",
        case=case.pk,
    )


def rebuild(tamper: Tamper, case: Case) -> None:
    """Hash a case's chain anew, so that every link is right again."""
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS.format(condition="case_id = %s"), [case.pk])
        rows = cursor.fetchall()
    previous = ""
    for row in rows:
        event = HashedEvent(*row[2:])._replace(previous_hash=previous, data=json.loads(row[12]))
        digest = chain_hash(case.number, event)
        tamper(
            "UPDATE cases_caseevent SET hash = %(hash)s, previous_hash = %(previous)s"
            " WHERE case_id = %(case)s AND sequence = %(sequence)s",
            hash=digest,
            previous=previous,
            case=case.pk,
            sequence=event.sequence,
        )
        previous = digest
    tamper(
        "UPDATE cases_case SET history_head = %(head)s WHERE id = %(case)s",
        head=previous,
        case=case.pk,
    )


# ── nothing wrong ─────────────────────────────────────────────────────────────────────────────


def test_a_history_made_through_the_door_is_whole(story, other, anchor, tmp_path):
    anchor()
    other.act("complete", other.cast.clerk_sun)
    anchor(days=1)
    assert found(anchors=tmp_path) == []
    assert case_verify(story.case) == []


def test_an_empty_history_is_whole(db):
    assert found() == []


def test_a_merged_case_leaves_both_histories_whole(story, other, cast):
    third = Story(cast, metres=10)
    third.act("merge", cast.acceptor_wang, master=other.case.number)
    assert found() == []


def test_erased_words_leave_the_history_whole(story):
    assert EventText.objects.filter(event__case=story.case).exists()
    case_erase_words(case=story.case, now=NOW)
    assert found() == []


# ── chains ────────────────────────────────────────────────────────────────────────────────────

ALTERATIONS = (
    "actor_id = NULL",
    "role = 'SYS'",
    "organisation_id = NULL",
    "at = at + interval '1 microsecond'",
    "data = data || '{\"extra\": 1}'",
    "new_state = 'refused'",
    "old_state = 'closed'",
    "action = 'merge'",
    "run = 2",
    "idempotency_key = 'other'",
    "text_digest = md5('x')",
    "hash = md5('x')",
)


@pytest.mark.parametrize("change", ALTERATIONS)
def test_an_altered_row_is_named(story, other, tamper, change):
    tamper(
        f"UPDATE cases_caseevent SET {change.replace('%', '%%')}"
        " WHERE case_id = %(case)s AND sequence = 5",
        case=story.case.pk,
    )
    assert ("altered_event", story.case.number, 5) in found()
    assert {subject for _fault, subject, _sequence in found()} == {story.case.number}
    assert Fault.ALTERED_EVENT in {finding.fault for finding in case_verify(story.case)}
    assert case_verify(other.case) == []


def test_an_altered_row_with_its_own_hash_made_anew_breaks_the_next_link(story, tamper):
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS.format(condition="case_id = %s AND sequence = 4"), [story.case.pk])
        row = cursor.fetchone()
    event = HashedEvent(*row[2:])._replace(actor_id=None, data=json.loads(row[12]))
    tamper(
        "UPDATE cases_caseevent SET actor_id = NULL, hash = %(hash)s"
        " WHERE case_id = %(case)s AND sequence = 4",
        hash=chain_hash(story.case.number, event),
        case=story.case.pk,
    )
    assert found() == [("broken_link", story.case.number, 5)]


def test_a_row_taken_out_of_the_middle_is_missed(story, tamper):
    tamper(
        "DELETE FROM cases_eventtext USING cases_caseevent AS event WHERE event_id = event.id"
        " AND event.case_id = %(case)s AND event.sequence = 3",
        "DELETE FROM cases_eventoutbox USING cases_caseevent AS event WHERE event_id = event.id"
        " AND event.case_id = %(case)s AND event.sequence = 3",
        "DELETE FROM cases_caseevent WHERE case_id = %(case)s AND sequence = 3",
        case=story.case.pk,
    )
    assert found() == [("missing_event", story.case.number, 4)]


def cut_tail(tamper: Tamper, case: Case, last: int, *more: str) -> None:
    tamper(
        *(
            f"DELETE FROM cases_{table} USING cases_caseevent AS event WHERE event_id = event.id"
            " AND event.case_id = %(case)s AND event.sequence > %(last)s"
            for table in ("eventtext", "eventoutbox")
        ),
        "DELETE FROM cases_caseevent WHERE case_id = %(case)s AND sequence > %(last)s",
        *more,
        case=case.pk,
        last=last,
    )


def test_a_cut_tail_is_missed_by_the_case_itself(story, tamper):
    cut_tail(tamper, story.case, 7)
    assert found() == [("cut_tail", story.case.number, 7)]


FIT_HEAD = """
UPDATE cases_case SET history_length = %(last)s, history_head = event.hash, state = event.new_state
FROM cases_caseevent AS event
WHERE cases_case.id = %(case)s AND event.case_id = cases_case.id AND event.sequence = %(last)s
"""


def test_a_cut_tail_with_the_case_made_to_fit_is_found_by_the_anchor(story, tamper, anchor):
    anchor()
    cut_tail(tamper, story.case, 7, FIT_HEAD)
    assert found() == [("cut_tail", story.case.number, 7)]
    assert [finding.fault for finding in case_verify(story.case)] == [Fault.CUT_TAIL]


def test_a_rebuilt_chain_is_found_by_the_anchor_and_only_by_it(story, tamper, anchor):
    change = "UPDATE cases_caseevent SET actor_id = NULL WHERE case_id = %(case)s AND sequence = 6"
    tamper(change, case=story.case.pk)
    rebuild(tamper, story.case)
    assert found() == []  # nothing was anchored yet
    anchor()
    tamper(change.replace("= 6", "= 5"), case=story.case.pk)
    rebuild(tamper, story.case)
    assert found() == [("rebuilt_chain", story.case.number, story.case.history_length)]


def test_a_head_that_is_not_the_last_event_is_named(story, tamper):
    tamper("UPDATE cases_case SET history_head = md5('x') WHERE id = %(case)s", case=story.case.pk)
    assert found() == [("head_differs", story.case.number, story.case.history_length)]


def test_a_state_changed_beside_the_door_is_named(other, tamper):
    tamper("UPDATE cases_case SET state = 'dispatched' WHERE id = %(case)s", case=other.case.pk)
    assert found() == [("state_differs", other.case.number, other.case.history_length)]


# ── deleted cases and numbers ─────────────────────────────────────────────────────────────────


def test_a_deleted_case_leaves_a_gap_in_the_numbers(story, other, tamper):
    delete_case(tamper, story.case)
    assert found() == [("number_gap", story.case.number, None)]


def test_a_deleted_case_is_named_by_the_anchor(story, other, tamper, anchor):
    anchor()
    delete_case(tamper, other.case)  # the last of the day: the counter can be made to fit
    tamper("UPDATE cases_numbercounter SET last = last - 1")
    assert found() == [("deleted_case", other.case.number, None)]
    assert found(number=other.case.number) == [("deleted_case", other.case.number, None)]


def test_a_case_deleted_from_under_its_events_is_named(story, other, anchor):
    anchor()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE cases_caseevent DROP CONSTRAINT {fk_to_case()}")
        for table in ("casephoto", "casewords", "caseclock", "fieldtask", "suborder"):
            cursor.execute(f"ALTER TABLE cases_{table} DISABLE TRIGGER USER")
            cursor.execute(f"DELETE FROM cases_{table} WHERE case_id = %s", [story.case.pk])
            cursor.execute(f"ALTER TABLE cases_{table} ENABLE TRIGGER USER")
        cursor.execute("DELETE FROM cases_case WHERE id = %s", [story.case.pk])
    faults = found()
    assert ("deleted_case", story.case.number, None) in faults
    assert {subject for _fault, subject, _sequence in faults} == {story.case.number}


def fk_to_case() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'cases_caseevent'::regclass"
            " AND confrelid = 'cases_case'::regclass"
        )
        return cursor.fetchone()[0]


def test_a_number_that_was_never_given_is_named(story, tamper):
    tamper("UPDATE cases_numbercounter SET last = 0")
    assert found() == [("number_gap", story.case.number, None)]


def test_a_case_that_never_was_is_not_whole(story):
    assert found(number="2026031699999") == [("deleted_case", "2026031699999", None)]


# ── texts ─────────────────────────────────────────────────────────────────────────────────────


def test_a_changed_text_is_named(story):
    text = EventText.objects.filter(event__case=story.case, event__sequence=1)
    text.update(content={"description": "一切正常"})
    assert found() == [("changed_text", story.case.number, 1)]


def test_a_text_emptied_without_being_erased_is_named(story):
    EventText.objects.filter(event__case=story.case, event__sequence=1).update(content=None)
    assert found() == [("changed_text", story.case.number, 1)]


def test_a_text_that_is_gone_is_named(story):
    EventText.objects.filter(event__case=story.case, event__sequence=1).delete()
    assert found() == [("missing_text", story.case.number, 1)]


# ── anchors ───────────────────────────────────────────────────────────────────────────────────


def test_an_anchor_holds_the_heads_of_all_chains_that_grew(story, other, anchor):
    first = anchor()
    assert (first.number, first.head_count, first.previous_digest) == (1, 2, "")
    assert anchor() is None
    other.act("complete", other.cast.clerk_sun)
    second = anchor(days=1)
    assert (second.number, second.previous_digest) == (2, first.digest)
    assert list(second.heads.values_list("number", "length", "head")) == [
        (other.case.number, other.case.history_length, other.case.history_head)
    ]


def test_the_file_of_an_anchor_says_what_the_rows_say(story, anchor, tmp_path):
    made = anchor()
    first, head = (tmp_path / "anchor-000001.jsonl").read_text().splitlines()
    assert json.loads(first)["digest"] == made.digest
    assert json.loads(first)["signature"] == made.signature
    assert json.loads(head)["head"] == story.case.history_head


def test_a_file_that_could_not_be_written_is_written_next_time(story, tmp_path):
    blocked = tmp_path / "anchors"
    blocked.write_text("a file where the folder should be")
    with pytest.raises(FileExistsError):
        history_anchor(now=NOW, directory=blocked, settle_seconds=0)
    assert HistoryAnchor.objects.count() == 1
    blocked.unlink()
    assert history_anchor(now=NOW, directory=blocked, settle_seconds=0) is None
    assert found(anchors=blocked) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE cases_historyanchorhead SET head = md5('x')",
        "UPDATE cases_historyanchorhead SET length = length - 1",
        "DELETE FROM cases_historyanchorhead",
        "UPDATE cases_historyanchor SET made_at = made_at - interval '1 day'",
        "UPDATE cases_historyanchor SET settled_event_id = settled_event_id + 1",
    ],
)
def test_an_altered_anchor_is_named(story, anchor, tamper, change):
    anchor()
    tamper(change)
    assert ("altered_anchor", "#1", None) in found()


def test_an_anchor_signed_by_somebody_else_is_named(story, anchor, settings):
    trusted = settings.HISTORY_SIGNING_KEY
    settings.HISTORY_SIGNING_KEY = base64.b64encode(b"another key of thirty-two bytes!").decode()
    anchor()
    former = public_key()
    settings.HISTORY_SIGNING_KEY = trusted
    assert found() == [("bad_signature", "#1", None)]
    assert found(trusted_keys=[former]) == []


def test_a_signature_of_something_else_is_named(story, anchor, tamper):
    anchor()
    forged = base64.b64encode(bytes(64)).decode()
    tamper("UPDATE cases_historyanchor SET signature = %(forged)s", forged=forged)
    assert found() == [("bad_signature", "#1", None)]


def three_anchors(anchor, other) -> None:
    for days, action in enumerate(("complete", None, "recall")):
        if action == "complete":
            other.act("complete", other.cast.clerk_sun)
        elif action == "recall":
            other.act("send_check", other.cast.acceptor_wang)
        else:
            other.act("instruct", other.cast.leader_tang)
        assert anchor(days) is not None


def test_a_removed_anchor_is_missed(other, anchor, tamper, tmp_path):
    three_anchors(anchor, other)
    assert found(anchors=tmp_path) == []
    tamper(
        "DELETE FROM cases_historyanchorhead WHERE anchor_id IN"
        " (SELECT id FROM cases_historyanchor WHERE number = 2)",
        "DELETE FROM cases_historyanchor WHERE number = 2",
    )
    assert found() == [("removed_anchor", "#2", None)]


def test_the_last_anchor_removed_is_missed_by_its_file(other, anchor, tamper, tmp_path):
    three_anchors(anchor, other)
    tamper(
        "DELETE FROM cases_historyanchorhead WHERE anchor_id IN"
        " (SELECT id FROM cases_historyanchor WHERE number = 3)",
        "DELETE FROM cases_historyanchor WHERE number = 3",
    )
    assert found() == []
    assert found(anchors=tmp_path) == [("removed_anchor", "#3", None)]


def test_an_altered_or_missing_file_is_named(other, anchor, tmp_path):
    three_anchors(anchor, other)
    (tmp_path / "anchor-000001.jsonl").unlink()
    second = tmp_path / "anchor-000002.jsonl"
    second.write_text(second.read_text().replace(other.case.number, "2026031699999"))
    (tmp_path / "anchor-000003.jsonl").write_text("not JSON")
    assert found(anchors=tmp_path) == [
        ("removed_anchor", "#1", None),
        ("altered_anchor", "#2", None),
        ("altered_anchor", "#3", None),
    ]


def test_since_leaves_out_chains_that_have_not_grown(story, other, anchor, tamper):
    anchor()
    other.act("complete", other.cast.clerk_sun)
    anchor(days=1)
    tamper("UPDATE cases_caseevent SET role = 'SYS' WHERE sequence = 2")
    altered = {subject for fault, subject, _sequence in found() if fault == "altered_event"}
    assert altered == {story.case.number, other.case.number}
    with connection.cursor() as cursor:  # as if everything before the anchors were settled
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE cases_historyanchor DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE cases_historyanchor SET settled_event_id ="
            " (SELECT max(id) FROM cases_caseevent)"
        )
    later = {subject for fault, subject, _sequence in found(since=1) if fault == "altered_event"}
    assert later == {other.case.number}


# ── the command ───────────────────────────────────────────────────────────────────────────────


def test_the_commands_anchor_and_verify(story, tmp_path, capsys):
    call_command("anchor_history", directory=tmp_path, wait=0)
    call_command("verify_history", anchors=tmp_path)
    assert "The history is whole." in capsys.readouterr().out


def test_the_command_ends_with_one_line_a_finding(story, tamper, capsys):
    tamper("UPDATE cases_caseevent SET role = 'SYS' WHERE sequence IN (2, 3)")
    with pytest.raises(SystemExit) as ending:
        call_command("verify_history")
    assert ending.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        f"altered_event {story.case.number}/{sequence}" for sequence in (2, 3)
    ]


def test_the_command_looks_at_one_case(story, other, tamper, capsys):
    tamper(
        "UPDATE cases_caseevent SET role = 'SYS' WHERE case_id = %(case)s AND sequence = 2",
        case=story.case.pk,
    )
    call_command("verify_history", case=other.case.number)
    with pytest.raises(SystemExit):
        call_command("verify_history", case=story.case.number)


# ── the role of the running program ───────────────────────────────────────────────────────────


def test_the_running_program_acts_and_anchors_but_rewrites_nothing(story, as_app_role, anchor):
    story.act("propose_reopen", story.cast.acceptor_wang)
    assert anchor().head_count == 1
    assert found() == []
    for statement in (
        "UPDATE cases_caseevent SET role = 'SYS'",
        "DELETE FROM cases_historyanchorhead",
        "TRUNCATE cases_caseevent CASCADE",
    ):
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


@pytest.mark.parametrize("model", [CaseEvent, HistoryAnchor, HistoryAnchorHead])
def test_even_the_owner_is_refused(story, anchor, model):
    anchor()
    for change in (
        lambda: model.objects.update(id=0),
        lambda: model.objects.all()._raw_delete("default"),
    ):
        with pytest.raises(DatabaseError, match="written once"), transaction.atomic():
            change()
