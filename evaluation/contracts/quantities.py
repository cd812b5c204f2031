"""Where a lot lies in time, and what is counted there: each quantity is the length of its list.

A lot counts what its contractor did in the cells of its beats, on the days on which the beats were
the lot's. Cells are frozen with a statement, so that its lists are the same for ever.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import BooleanField, F, Func, Min, Q, Value

from evaluation.contracts.amounts import LineKind, Quantities
from evaluation.contracts.models import CollectionContract, ContractLot
from evaluation.periods import Period, earlier_than
from evaluation.selectors.behind import Behind, cases_behind
from evaluation.selectors.scope import EVERYWHERE, Mark
from grid.models import Beat


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is counted: a measure of evaluation, of it the late ones only, or each case once."""

    measure: str
    only_late: bool = False
    once_a_case: bool = False


REPORTS = Quantity("effective")
MISSED = Quantity("missed", once_a_case=True)  # a case is missed by every collector of the beat
CONFIRM_DUE, CONFIRM_LATE = Quantity("confirm_due"), Quantity("confirm_due", only_late=True)
CHECK_DUE, CHECK_LATE = Quantity("check_due"), Quantity("check_due", only_late=True)
MEASURES = tuple(dict.fromkeys(q.measure for q in (REPORTS, MISSED, CONFIRM_DUE, CHECK_DUE)))

BEHIND: Mapping[LineKind, Quantity] = {  # the list that a line's quantity opens
    LineKind.REPORTS: REPORTS,
    LineKind.SHORTFALL: REPORTS,
    LineKind.MISSED: MISSED,
    LineKind.CONFIRM: CONFIRM_LATE,
    LineKind.CHECK: CHECK_LATE,
}
BEHIND_OF: Mapping[LineKind, Quantity] = {  # the list of all of which the quantity is a part
    LineKind.CONFIRM: CONFIRM_DUE,
    LineKind.CHECK: CHECK_DUE,
}

Span = tuple[date, date, tuple[int, ...]]


class _IsOneOf(Func):
    """Whether a column is among the values of an array: one short literal, however many cells."""

    template = "(%(expressions)s::bigint[]))"
    arg_joiner = " = ANY ("
    output_field = BooleanField()


def _of_cells(cells: tuple[int, ...]) -> _IsOneOf:
    return _IsOneOf(F("cell_id"), Value(f"{{{','.join(map(str, cells))}}}"))


@dataclass(frozen=True, slots=True)
class Ground:
    """Which cells were a lot's on the days [first, end) of each span."""

    spans: tuple[Span, ...]

    def condition(self) -> Q:
        """Return the ground as a condition on facts; without spans nothing fits."""
        parts = [Q(_of_cells(cells), day__gte=a, day__lt=b) for a, b, cells in self.spans]
        return reduce(or_, parts, Q(pk__in=[]))

    def within(self, period: Period) -> Ground:
        """Return what of it lies in a period."""
        cut = ((max(a, period.first), min(b, period.end), cells) for a, b, cells in self.spans)
        return Ground(tuple((a, b, cells) for a, b, cells in cut if a < b))

    def without(self, others: Iterable[Span]) -> Ground:
        """Return what is left of it when others have cells of it on some of the days."""
        spans = list(self.spans)
        for other in others:
            spans = [piece for span in spans for piece in _cut(span, other)]
        return Ground(tuple(spans))

    def told(self) -> list[list[Any]]:
        """Return it as it is frozen."""
        return [[a.isoformat(), b.isoformat(), list(cells)] for a, b, cells in self.spans]

    @classmethod
    def read(cls, rows: Iterable[Any]) -> Ground:
        """Return the ground that was frozen."""
        return cls(
            tuple(
                (date.fromisoformat(a), date.fromisoformat(b), tuple(cells)) for a, b, cells in rows
            )
        )


def _cut(span: Span, other: Span) -> Iterator[Span]:
    """Yield a span without another's cells on the days that both have."""
    (a, b, cells), (other_a, other_b, taken) = span, other
    first, end = max(a, other_a), min(b, other_b)
    left = tuple(sorted(set(cells) - set(taken)))
    if first >= end or len(left) == len(cells):
        yield span
        return
    yield from (piece for piece in ((a, first, cells), (end, b, cells)) if piece[0] < piece[1])
    yield first, end, left


def grounds_of(contract: CollectionContract, until: date) -> dict[int, Ground]:
    """Return where each lot of a contract lies before a day.

    Beats may share cells: what lots of one contractor share counts for the first of them, by the
    numbers of contracts and the codes of lots, so that nothing is paid twice.
    """
    lots = ContractLot.objects.filter(contract__contractor=contract.contractor_id)
    found: dict[int, Ground] = {}
    taken: list[Span] = []
    for lot in lots.filter(contract__number__lte=contract.number).order_by(
        "contract__number", "code"
    ):
        ground = ground_of(lot, until).without(taken)
        taken += ground.spans
        if lot.contract_id == contract.pk:
            found[lot.pk] = ground
    return found


def ground_of(lot: ContractLot, until: date) -> Ground:
    """Return where a lot lies before a day: the cells of its beats, by days. Two queries."""
    beats_by_days: dict[tuple[date, date], list[int]] = defaultdict(list)
    held = lot.beats.filter(valid_from__lt=until).values_list("valid_from", "valid_to", "beat")
    for first, end, beat in held:
        last = min(day for day in (end, lot.valid_to, until) if day is not None)
        if first < last:
            beats_by_days[max(first, lot.valid_from), last].append(beat)
    cells_of: dict[int, list[int]] = defaultdict(list)
    wanted = [beat for beats in beats_by_days.values() for beat in beats]
    for beat, cell in Beat.cells.through.objects.filter(beat__in=wanted).values_list(
        "beat", "gridcell"
    ):
        cells_of[beat].append(cell)
    return Ground(
        tuple(
            (first, end, tuple(sorted({cell for beat in beats for cell in cells_of[beat]})))
            for (first, end), beats in sorted(beats_by_days.items())
        )
    )


@dataclass(frozen=True, slots=True)
class Counted:
    """What a statement counts of a lot: a month, and late facts of earlier days where carried."""

    contractor: int
    period: Period
    ground: Ground
    mark: Mark
    since: Mark | None = None

    def lists(self, quantity: Quantity, now: datetime) -> list[Behind]:
        """Return the rows of a quantity, part by part."""
        found = [self._list(quantity, self.period, self.mark, now)]
        if self.since is not None:
            found.append(self._list(quantity, earlier_than(self.period), self.since, now))
        return found

    def count(self, quantity: Quantity, now: datetime) -> int:
        """Return how long these lists are."""
        return sum(behind.count() for behind in self.lists(quantity, now))

    def quantities(self, deductions_fen: tuple[int, ...], now: datetime) -> Quantities:
        """Return all that amounts are computed from."""
        return Quantities(
            reports=self.count(REPORTS, now),
            missed=self.count(MISSED, now),
            confirm_due=self.count(CONFIRM_DUE, now),
            confirm_late=self.count(CONFIRM_LATE, now),
            check_due=self.count(CHECK_DUE, now),
            check_late=self.count(CHECK_LATE, now),
            deductions_fen=deductions_fen,
        )

    def _list(self, quantity: Quantity, period: Period, mark: Mark, now: datetime) -> Behind:
        scope = EVERYWHERE.narrowed("organisation", self.contractor)
        found = cases_behind(quantity.measure, period=period, now=now, scope=scope, until=mark)
        wanted = self.ground.within(period).condition()
        if quantity.only_late:
            wanted &= Q(is_late=True)
        facts, entries = found.facts.filter(wanted), found.entries.filter(wanted)
        if quantity.once_a_case:
            first = facts.order_by().values("case").annotate(first=Min("pk"))
            entries = entries.exclude(case__in=facts.order_by().values("case"))
            others = entries.order_by().values("case").annotate(first=Min("pk"))
            facts = facts.filter(pk__in=first.values("first"))
            entries = entries.filter(pk__in=others.values("first"))
        return Behind(facts, None, entries)
