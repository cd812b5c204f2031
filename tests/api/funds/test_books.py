"""The books hold to their rules whoever writes, and say in words why not."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from dispatch.funds.models import Account, EntryKind, JournalEntry, Kind, Posting
from dispatch.funds.selectors import books_verify
from dispatch.funds.services.books import (
    budget_allocate,
    budget_enter,
    entry_book,
    entry_reverse,
    year_close,
    year_lock,
)
from tests.api.funds.conftest import YEAR, Funds, refusal
from tests.cast import NOW


def refused_by_database(statement: str, *values) -> str:
    """Run SQL as anybody could, up to the commit, and return why the database refuses."""
    with pytest.raises(DatabaseError) as refused, transaction.atomic():
        commit(statement, values)
    return str(refused.value)


def commit(statement: str, values=()) -> None:
    """Run SQL, and what the database checks at the commit."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def account(funds: Funds, kind: Kind) -> Account:
    return Account.objects.get(fund=funds.xihu, kind=kind, year__year=YEAR)


def test_a_budget_and_its_allocation_are_two_entries_that_balance(funds: Funds):
    entries = JournalEntry.objects.filter(year__fund=funds.xihu).order_by("number")
    assert [(row.number, row.kind, row.amount_fen) for row in entries] == [
        (1, "budget", 2_000_000),
        (2, "allocation", 1_000_000),
    ]
    assert funds.balance(Kind.SOURCE) == -2_000_000
    assert funds.balance(Kind.UNALLOCATED) == 1_000_000
    assert funds.figures == (1_000_000, 0, 0)
    assert books_verify() == []


def test_no_more_is_allocated_than_the_budget_holds(funds: Funds, cast):
    def allocate(fen: int):
        budget_allocate(
            actor=cast.leader_tang,
            fund_id=funds.xihu.pk,
            year=YEAR,
            amount_fen=fen,
            note="",
            now=NOW,
        )

    refused = refusal(lambda: allocate(1_000_001))
    assert (refused.code, refused.status) == ("not_enough_money", 409)
    assert "10,000.01" in str(refused.message)
    allocate(1_000_000)
    assert funds.figures == (2_000_000, 0, 0)


def test_only_a_leader_enters_a_budget_and_only_above_zero(funds: Funds, cast):
    def enter(name: str, fen: int):
        budget_enter(
            actor=cast.people[name],
            fund_id=funds.xihu.pk,
            year=YEAR,
            amount_fen=fen,
            note="追加",
            now=NOW,
        )

    for name in ("inspector_he", "administrator_bai", "dispatcher_li", "squad_gao"):
        assert refusal(lambda name=name: enter(name, 1)).code == "role_refused", name
    for fen in (0, -1):
        refused = refusal(lambda fen=fen: enter("leader_tang", fen))
        assert (refused.code, list(refused.fields)) == ("invalid", ["amount"])


def test_a_closed_year_takes_no_entry_by_any_way(funds: Funds, cast):
    year = year_close(actor=cast.leader_tang, fund_id=funds.xihu.pk, year=YEAR, now=NOW)
    refused = refusal(lambda: funds.give(funds.xihu, 100, 0))
    assert (refused.code, refused.status) == ("year_closed", 409)
    allocation = JournalEntry.objects.get(year=year, kind=EntryKind.ALLOCATION)
    refused = refusal(
        lambda: entry_reverse(actor=cast.leader_tang, entry_id=allocation.pk, reason="错", now=NOW)
    )
    assert refused.code == "year_closed"
    assert "closed" in refused_by_database(
        "INSERT INTO dispatch_journalentry"
        " (year_id, number, kind, amount_fen, posting_count, note, at)"
        " VALUES (%s, 99, 'budget', 5, 2, '', now())",
        year.pk,
    )
    assert "closed" in refused_by_database(
        "UPDATE dispatch_fundyear SET closed_at = NULL WHERE id = %s", year.pk
    )


def test_a_year_with_commitments_is_not_closed(funds: Funds, cast):
    funds.approved()
    refused = refusal(
        lambda: year_close(actor=cast.leader_tang, fund_id=funds.xihu.pk, year=YEAR, now=NOW)
    )
    assert refused.code == "not_possible"


def test_an_entry_is_taken_back_once_by_its_opposite(funds: Funds, cast):
    allocation = JournalEntry.objects.get(year__fund=funds.xihu, kind=EntryKind.ALLOCATION)

    def reverse(name: str = "leader_tang", reason: str = "拨款有误"):
        return entry_reverse(
            actor=cast.people[name], entry_id=allocation.pk, reason=reason, now=NOW
        )

    assert refusal(lambda: reverse("inspector_he")).code == "role_refused"
    assert refusal(lambda: reverse(reason=" ")).code == "missing_field"
    entry = reverse()
    assert (entry.kind, entry.reverses) == ("reversal", allocation)
    assert funds.figures == (0, 0, 0)
    assert refusal(reverse).code == "not_possible"
    assert refusal(
        lambda: entry_reverse(actor=cast.leader_tang, entry_id=entry.pk, reason="再", now=NOW)
    ).code in ("not_possible", "role_refused")
    assert books_verify() == []


def test_what_is_spoken_for_cannot_be_taken_back(funds: Funds, cast):
    funds.approved()
    allocation = JournalEntry.objects.get(year__fund=funds.xihu, kind=EntryKind.ALLOCATION)
    refused = refusal(
        lambda: entry_reverse(actor=cast.leader_tang, entry_id=allocation.pk, reason="错", now=NOW)
    )
    assert refused.code == "not_enough_money"


# ── beside the services ───────────────────────────────────────────────────────────────────────


def test_the_database_itself_lets_no_balance_fall_below_zero(funds: Funds):
    year = year_lock(account(funds, Kind.FREE).year_id)
    said = refused_by_database(
        "WITH entry AS (INSERT INTO dispatch_journalentry"
        " (year_id, number, kind, amount_fen, posting_count, note, at)"
        " VALUES (%s, 99, 'commitment', 5, 2, '', now()) RETURNING id) SELECT id FROM entry;"
        " INSERT INTO dispatch_posting (entry_id, account_id, amount_fen)"
        " SELECT max(id), %s, -1000001 FROM dispatch_journalentry",
        year.pk,
        account(funds, Kind.FREE).pk,
    )
    assert "balance_never_negative" in said


UNBALANCED = (  # what is posted, how many postings the entry says it has, what the database says
    ({Kind.FREE: -5, Kind.COMMITTED: 4}, 2, "sum -1"),
    ({Kind.FREE: -5}, 2, "1 postings of 2"),
    ({Kind.FREE: -5, Kind.COMMITTED: 5}, 3, "2 postings of 3"),
    ({}, 2, "0 postings of 2"),
)


def test_an_entry_that_does_not_balance_cannot_be_committed(funds: Funds):
    year = account(funds, Kind.FREE).year
    for sides, count, said in UNBALANCED:
        with pytest.raises(DatabaseError, match=said), transaction.atomic():
            write_badly(funds, year, sides, count)


def write_badly(funds: Funds, year, sides, count: int) -> None:
    """Write an entry as no service would."""
    entry = JournalEntry.objects.create(
        year=year, number=99, kind="commitment", amount_fen=5, posting_count=count, at=NOW
    )
    for kind, fen in sides.items():
        Posting.objects.create(entry=entry, account=account(funds, kind), amount_fen=fen)
    commit("SELECT 1")


def test_nothing_can_be_slipped_into_an_entry_that_was_committed(funds: Funds):
    entry = JournalEntry.objects.filter(year__fund=funds.xihu).first()
    said = refused_by_database(
        "INSERT INTO dispatch_posting (entry_id, account_id, amount_fen)"
        " VALUES (%s, %s, 5), (%s, %s, -5)",
        entry.pk,
        account(funds, Kind.COMMITTED).pk,
        entry.pk,
        account(funds, Kind.PAID).pk,
    )
    assert "balance_never_negative" in said or "postings of" in said


def test_an_entry_posts_to_no_other_book(funds: Funds):
    funds.give(funds.city, budget=100, allocated=100)
    other = Account.objects.get(fund=funds.city, kind=Kind.FREE)
    entry = JournalEntry.objects.filter(year__fund=funds.xihu).first()
    said = refused_by_database(
        "INSERT INTO dispatch_posting (entry_id, account_id, amount_fen) VALUES (%s, %s, 5)",
        entry.pk,
        other.pk,
    )
    assert "another book" in said


def test_a_balance_is_moved_by_postings_alone_and_they_are_written_once(funds: Funds):
    for statement in (
        "UPDATE dispatch_fundaccount SET balance_fen = balance_fen + 1",
        "DELETE FROM dispatch_fundaccount",
        """INSERT INTO dispatch_fundaccount (fund_id, kind, balance_fen)
        SELECT fund_id, 'paid', 5 FROM dispatch_fundaccount LIMIT 1""",
    ):
        assert "moved by postings alone" in refused_by_database(statement)
    for table in ("dispatch_journalentry", "dispatch_posting"):
        assert "written once" in refused_by_database(f"UPDATE {table} SET id = id")
        assert "written once" in refused_by_database(f"DELETE FROM {table}")


def test_the_running_program_books_without_owning_a_table(funds: Funds, cast, as_app_role):
    funds.give(funds.xihu, budget=100, allocated=100)
    assert funds.figures == (1_000_100, 0, 0)


def test_the_proof_finds_what_was_forced_past_the_guards(funds: Funds, capsys):
    call_command("verify_funds")
    assert "agree" in capsys.readouterr().out
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE dispatch_fundaccount DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE dispatch_fundaccount SET balance_fen = balance_fen + 1 WHERE id = %s",
            [account(funds, Kind.PAID).pk],
        )
    with pytest.raises(SystemExit):
        call_command("verify_funds")
    assert "balance 1, postings 0" in capsys.readouterr().out


def test_three_decimals_cannot_even_be_stored(funds: Funds):
    year = year_lock(account(funds, Kind.FREE).year_id)
    with pytest.raises(TypeError), transaction.atomic():
        entry_book(year=year, kind=EntryKind.COMMITMENT, amount_fen="12.345", actor=None, now=NOW)
