"""The books of a fund under two writers at once: every figure is what one order of theirs gives."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, connections, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accounts.models import City
from common.errors import DomainError
from dispatch.funds.models import (
    CONTRA,
    PERPETUAL,
    Account,
    EntryKind,
    Fund,
    FundYear,
    JournalEntry,
    Kind,
    Posting,
)
from dispatch.funds.rules import charge_moves, moves
from dispatch.funds.selectors import books_verify
from dispatch.funds.services.books import entry_book, year_lock
from tests.cast import NOW

pytestmark = pytest.mark.django_db(transaction=True)

Balances = dict[Kind, int]
numbers = itertools.count(1_000_000)  # of entries that bypass the services
codes = itertools.count(1)

AMOUNTS = st.one_of(st.integers(1, 30), st.integers(1, 2_000))
STEPS = st.one_of(
    *(
        st.tuples(st.just(kind), AMOUNTS, st.just(0), st.booleans())
        for kind in EntryKind
        if kind not in (EntryKind.CHARGE, EntryKind.REVERSAL)
    ),
    st.tuples(st.just(EntryKind.CHARGE), AMOUNTS, AMOUNTS, st.booleans()),
)


def sides_of(step: tuple) -> dict[Kind, int]:
    """Return what a step posts: (kind, amount, what was committed, past the services)."""
    kind, amount, committed, _raw = step
    return dict(
        charge_moves(committed, amount) if kind is EntryKind.CHARGE else moves(kind, amount)
    )


def imagined(balances: Balances, steps: tuple) -> tuple[Balances, list[str]]:
    """Return balances and outcomes when steps are taken one after the other: the simple model."""
    now, said = dict(balances), []
    for step in steps:
        after = now | {kind: now[kind] + fen for kind, fen in sides_of(step).items()}
        fits = all(fen >= 0 for kind, fen in after.items() if kind not in CONTRA)
        now = after if fits else now
        said.append("done" if fits else "refused")
    return now, said


def by_service(year_id: int, step: tuple) -> None:
    kind, amount, _committed, _raw = step
    entry_book(
        year=year_lock(year_id),
        kind=kind,
        amount_fen=amount,
        sides=sides_of(step),
        actor=None,
        now=NOW,
    )


def past_the_services(year_id: int, step: tuple) -> None:
    """Write as somebody with a console might: only the database stands in the way."""
    year = FundYear.objects.get(pk=year_id)
    sides = sides_of(step)
    entry = JournalEntry.objects.create(
        year=year,
        number=next(numbers),
        kind=step[0],
        amount_fen=step[1],
        posting_count=len(sides),
        at=NOW,
    )
    accounts = Account.objects.filter(fund=year.fund_id, kind__in=sides).order_by("pk")
    for account in accounts:
        Posting.objects.create(entry=entry, account=account, amount_fen=sides[Kind(account.kind)])


def take(year_id: int, step: tuple) -> str:
    """Take a step in a transaction of its own; return what became of it."""
    write: Callable[[int, tuple], None] = past_the_services if step[3] else by_service
    try:
        with transaction.atomic():
            write(year_id, step)
    except DomainError as refused:
        return "refused" if refused.code == "not_enough_money" else refused.code
    except IntegrityError as refused:
        return "refused" if "balance_never_negative" in str(refused) else str(refused)
    return "done"


class Books(RuleBasedStateMachine):
    """A fund of a year, and two writers with a connection each."""

    writers: tuple[ThreadPoolExecutor, ThreadPoolExecutor]

    def __init__(self) -> None:
        super().__init__()
        city, _new = City.objects.get_or_create(code="machine", defaults={"name": "machine"})
        fund = Fund.objects.create(
            city=city, code=f"fund-{next(codes)}", name="fund", is_active=False
        )
        self.year = FundYear.objects.create(fund=fund, year=2026)
        for kind in Kind:
            year = None if kind in PERPETUAL else self.year
            Account.objects.create(fund=fund, year=year, kind=kind)
        self.balances: Balances = dict.fromkeys(Kind, 0)
        for kind, amount in ((EntryKind.BUDGET, 3_000), (EntryKind.ALLOCATION, 1_500)):
            self.one((kind, amount, 0, False))

    def kept(self) -> Balances:
        rows = Account.objects.filter(fund=self.year.fund_id)
        return {Kind(row.kind): row.balance_fen for row in rows}

    @rule(step=STEPS)
    def one(self, step: tuple) -> None:
        """One writer alone: the model says what comes out."""
        self.balances, said = imagined(self.balances, (step,))
        assert [take(self.year.pk, step)] == said

    @rule(first=STEPS, second=STEPS)
    def two_at_once(self, first: tuple, second: tuple) -> None:
        """Two at once: what comes out is what one of the two orders gives, nothing else."""
        futures = [
            writer.submit(take, self.year.pk, step)
            for writer, step in zip(self.writers, (first, second), strict=True)
        ]
        said = [future.result(timeout=60) for future in futures]
        one_way, one_said = imagined(self.balances, (first, second))
        other_way, other_said = imagined(self.balances, (second, first))
        kept = self.kept()
        assert (kept, said) in ((one_way, one_said), (other_way, other_said[::-1]))
        self.balances = kept

    @invariant()
    def every_balance_is_the_sum_of_its_postings_and_none_is_negative(self) -> None:
        """Added up here, row by row, not by the database."""
        sums: Balances = dict.fromkeys(Kind, 0)
        entries: dict[int, int] = {}
        rows = Posting.objects.filter(account__fund=self.year.fund_id)
        for entry, kind, fen in rows.values_list("entry_id", "account__kind", "amount_fen"):
            sums[Kind(kind)] += fen
            entries[entry] = entries.get(entry, 0) + fen
        assert sums == self.kept() == self.balances
        assert not any(entries.values())
        assert all(fen >= 0 for kind, fen in sums.items() if kind not in CONTRA)
        booked = JournalEntry.objects.filter(year=self.year, number__lt=1_000_000)
        found = sorted(booked.values_list("number", flat=True))
        assert found == list(range(1, len(found) + 1))


def test_the_balance_is_the_sum_of_entries_and_never_negative_whoever_writes_at_once(size):
    Books.writers = (ThreadPoolExecutor(1), ThreadPoolExecutor(1))
    try:
        run_state_machine_as_test(
            Books,
            settings=settings(
                max_examples=size(8, 150),
                stateful_step_count=size(10, 40),
                deadline=None,
                suppress_health_check=list(HealthCheck),
                database=None,
            ),
        )
    finally:
        for writer in Books.writers:
            writer.submit(connections.close_all).result(timeout=60)
            writer.shutdown()
    assert books_verify() == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM dispatch_posting")
        assert cursor.fetchone()[0] > 0
