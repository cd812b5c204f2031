"""Reading funds and works: who sees which, what stands in a book, what waits for whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import ExtractMonth

from accounts.models import Organisation, User
from accounts.roles import VIEW_FUNDS, Role, may
from cases.models import Case
from cases.workflow import State
from dispatch.funds.errors import FundNotFound
from dispatch.funds.models import (
    Account,
    CostEntry,
    Fund,
    FundYear,
    JournalEntry,
    Kind,
    Posting,
    ProxyThreshold,
    ProxyWork,
    Quote,
    Recovery,
)

# The squad has completed the work; what comes after is looking and closing.
WORK_DONE = frozenset(
    {State.HANDLED.value, State.CHECKING.value, State.CHECKED.value, State.CLOSED.value}
)
MONTHS = range(1, 13)


# ── who ───────────────────────────────────────────────────────────────────────────────────────


def works_visible_to(user: User) -> QuerySet[ProxyWork]:
    """Return the works whose money a person may see.

    Whoever may see funds sees those of the cases they see, a squad those it was given.
    """
    if may(user.roles, VIEW_FUNDS):
        return ProxyWork.objects.filter(case__in=Case.objects.visible_to(user))
    if Role.PROXY_SQUAD in user.roles and user.organisation is not None and user.is_active:
        return ProxyWork.objects.filter(squad__path__startswith=user.organisation.path)
    return ProxyWork.objects.none()


def holds_desk(user: User, case: Case) -> bool:
    """Tell whether somebody is a dispatcher of the desk that holds a case."""
    return Role.DISPATCHER in user.roles and user.organisation_id == case.desk_id is not None


def is_of_squad(user: User, squad: Organisation) -> bool:
    """Tell whether somebody works for a squad or a body below it."""
    return user.organisation is not None and squad.contains(user.organisation)


# ── the overview ──────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class FundRow:
    """A fund's year in figures, in fen; the months are those of the calendar, 1 to 12."""

    fund: Fund
    year: FundYear | None
    budget: int = 0
    allocated: int = 0
    committed: int = 0
    paid: int = 0
    recovered: int = 0
    free: int = 0
    receivable: int = 0
    paid_by_month: dict[int, int] = field(default_factory=dict)
    committed_by_month: dict[int, int] = field(default_factory=dict)

    @property
    def unallocated(self) -> int:
        """What of the budget has not been made free yet."""
        return self.budget - self.allocated


def funds_overview(user: User, year: int) -> list[FundRow]:
    """Return every fund a person may see with its figures of a year: four queries."""
    funds = list(Fund.objects.visible_to(user).select_related("district"))
    books = {row.fund_id: row for row in FundYear.objects.filter(fund__in=funds, year=year)}
    accounts = Account.objects.filter(Q(year__in=books.values()) | Q(year=None), fund__in=funds)
    rows = {fund.pk: FundRow(fund, books.get(fund.pk)) for fund in funds}
    for account in accounts:
        _add(rows[account.fund_id], Kind(account.kind), account.balance_fen)
    for fund_id, kind, month, fen in _by_month(books.values()):
        row = rows[fund_id]
        months = row.paid_by_month if kind == Kind.PAID else row.committed_by_month
        months[month] = months.get(month, 0) + fen
    return list(rows.values())


def _add(row: FundRow, kind: Kind, fen: int) -> None:
    if kind is Kind.SOURCE:
        row.budget = -fen
        row.allocated += -fen
    elif kind is Kind.UNALLOCATED:
        row.allocated -= fen
    elif kind is Kind.RECOVERED:
        row.recovered = -fen
    elif kind in (Kind.FREE, Kind.COMMITTED, Kind.PAID, Kind.RECEIVABLE):
        setattr(row, kind.value, fen)


def _by_month(books: Iterable[FundYear]) -> QuerySet[Posting, tuple[int, str, int, int]]:
    """Return what was paid and newly committed, by fund and the month it was booked in."""
    moved = Posting.objects.filter(
        account__year__in=books, account__kind__in=(Kind.PAID, Kind.COMMITTED)
    ).exclude(account__kind=Kind.COMMITTED, amount_fen__lt=0)
    return (
        moved.annotate(month=ExtractMonth("entry__at"))
        .values("account__fund", "account__kind", "month")
        .annotate(fen=Sum("amount_fen"))
        .order_by()
        .values_list("account__fund", "account__kind", "month", "fen")
    )


def fund_get_visible(*, user: User, code: str) -> Fund:
    """Return a fund this person may see, by its code.

    Raises:
        FundNotFound: 404.
    """
    fund = Fund.objects.visible_to(user).filter(code=code).select_related("district").first()
    if fund is None:
        raise FundNotFound
    return fund


def years_of(funds: QuerySet[Fund]) -> list[int]:
    """Return the years in which any of these funds has a book, newest first."""
    years = FundYear.objects.filter(fund__in=funds).values_list("year", flat=True)
    return list(years.order_by("-year").distinct())


# ── the ledger ────────────────────────────────────────────────────────────────────────────────


def ledger_entries(
    fund: Fund, *, year: int, kind: str = "", month: int = 0, number: str = ""
) -> QuerySet[JournalEntry]:
    """Return the entries of a fund's book, newest first, narrowed by kind, month and case."""
    rows = JournalEntry.objects.filter(year__fund=fund, year__year=year)
    if kind:
        rows = rows.filter(kind=kind)
    if month:
        rows = rows.filter(at__month=month)
    if number:
        rows = rows.filter(work__case__number=number)
    return rows.select_related(
        "year", "work__case", "work__squad", "recovery__debtor", "actor", "reverses", "reversed_by"
    ).prefetch_related("postings__account")


# ── works ─────────────────────────────────────────────────────────────────────────────────────


def work_queues() -> dict[str, Q]:
    """Return the conditions under which a work waits for somebody, by the step it waits for."""
    is_open = Q(state=ProxyWork.State.OPEN)
    counts = ~Q(costs__state__in=(CostEntry.State.RETURNED, CostEntry.State.ENDED))
    has_cost = Q(costs__isnull=False) & counts
    accepted = Q(quotes__state=Quote.State.ACCEPTED)
    return {
        "quote": is_open & ~Q(pk__in=ProxyWork.objects.filter(accepted).values("pk")),
        "cost": is_open
        & Q(case__state__in=WORK_DONE)
        & Q(pk__in=ProxyWork.objects.filter(accepted).values("pk"))
        & ~Q(pk__in=ProxyWork.objects.filter(has_cost).values("pk")),
        "approve": is_open & Q(costs__state=CostEntry.State.TO_APPROVE),
        "check": is_open & Q(costs__state=CostEntry.State.TO_CHECK),
        "charge": is_open & Q(costs__state=CostEntry.State.CHECKED),
        "recover": Q(recoveries__is_cancelled=False)
        & Q(recoveries__refunded_fen__lt=F("recoveries__amount_fen")),
        "open": is_open,
        "all": Q(),
    }


def work_queue_lengths(user: User) -> dict[str, int]:
    """Return how many works wait in each queue, of those a person may see: one query."""
    counted = {
        key: Count("pk", filter=condition, distinct=True)
        for key, condition in work_queues().items()
    }
    return works_visible_to(user).aggregate(**counted)


def works_in_queue(user: User, key: str) -> QuerySet[ProxyWork]:
    """Return the works of a queue, newest first, with what a row shows."""
    found = works_visible_to(user).filter(work_queues()[key]).values("pk")
    return (
        ProxyWork.objects.filter(pk__in=found)
        .select_related("case__type", "squad", "year__fund")
        .annotate(committed_fen=_committed(), cost_fen=_cost())
    )


def _committed() -> Sum:
    return Sum(
        "entries__postings__amount_fen",
        filter=Q(entries__postings__account__kind=Kind.COMMITTED),
        default=0,
    )


def _cost() -> Any:
    paid = Q(entries__postings__account__kind=Kind.PAID)
    return Sum("entries__postings__amount_fen", filter=paid, default=0)


def work_get_visible(*, user: User, work_id: int) -> ProxyWork:
    """Return a work this person may see, with its case and fund.

    Raises:
        FundNotFound: 404.
    """
    rows = works_visible_to(user).filter(pk=work_id)
    work = rows.select_related("case__desk", "squad", "year__fund", "request__asked_by").first()
    if work is None:
        raise FundNotFound
    return work


@dataclass(slots=True)
class WorkFile:
    """Everything about one work: quotes of its case's run, the cost that counts, the recovery."""

    work: ProxyWork
    quotes: list[Quote]
    costs: list[CostEntry]
    recovery: Recovery | None
    entries: list[JournalEntry]
    thresholds: list[ProxyThreshold]

    @property
    def accepted(self) -> Quote | None:
        """The quote that was accepted."""
        return next((row for row in self.quotes if row.work_id == self.work.pk), None)

    @property
    def cost(self) -> CostEntry | None:
        """The cost that counts: neither returned nor ended."""
        gone = (CostEntry.State.RETURNED, CostEntry.State.ENDED)
        return next((row for row in self.costs if row.state not in gone), None)

    @property
    def held_fen(self) -> int:
        """What is committed now, from the postings."""
        return self._sum(Kind.COMMITTED)

    @property
    def paid_fen(self) -> int:
        """What was paid, from the postings."""
        return self._sum(Kind.PAID)

    def _sum(self, kind: Kind) -> int:
        postings = (posting for entry in self.entries for posting in entry.postings.all())
        return sum(p.amount_fen for p in postings if p.account.kind == kind)


def work_file(work: ProxyWork) -> WorkFile:
    """Return a work with everything about it: seven queries."""
    quotes = Quote.objects.filter(case=work.case_id, run=work.run).exclude(
        state=Quote.State.REPLACED
    )
    entries = JournalEntry.objects.filter(work=work).select_related("actor", "reversed_by", "year")
    costs = work.costs.select_related("entered_by", "approved_by", "checked_by")
    return WorkFile(
        work=work,
        quotes=list(quotes.select_related("bidder", "entered_by", "accepted_by")),
        costs=list(costs.prefetch_related("items", "evidence").order_by("-pk")),
        recovery=work.recoveries.filter(is_cancelled=False).select_related("debtor").first(),
        entries=list(entries.prefetch_related("postings__account").order_by("pk")),
        thresholds=list(ProxyThreshold.objects.filter(city=work.case.city_id)),
    )


# ── proof ─────────────────────────────────────────────────────────────────────────────────────


def books_verify() -> list[str]:
    """Return what does not fit in the books, in words; nothing when all is right: two queries.

    Balances are compared with the sums of their postings, entries with zero. The database holds to
    both by itself: this looks whether it does.
    """
    summed = Account.objects.annotate(total=Sum("postings__amount_fen", default=0))
    wrong = [
        f"account {row.pk} ({row.kind}): balance {row.balance_fen}, postings {row.total}"
        for row in summed.exclude(balance_fen=F("total"))
    ]
    entries = JournalEntry.objects.annotate(
        total=Sum("postings__amount_fen", default=0), count=Count("postings")
    )
    unbalanced = entries.exclude(total=0, count=F("posting_count")).order_by("pk")
    return wrong + [
        f"entry {row.pk}: {row.count} postings of {row.posting_count}, sum {row.total}"
        for row in unbalanced
    ]
