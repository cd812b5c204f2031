"""A statement as it is frozen: canonical JSON, and reading it back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from django.utils import timezone

from evaluation.contracts.amounts import Line, LineKind
from evaluation.contracts.models import ContractStatement
from evaluation.contracts.quantities import Counted, Ground
from evaluation.selectors.scope import Mark

CARRIED = ""  # the code of what belongs to no lot


@dataclass(frozen=True, slots=True)
class ToldLot:
    """A lot as it was: names, days, terms, ground, deductions, lines."""

    code: str
    name: str
    name_en: str
    days: int
    of_days: int
    terms: Mapping[str, Any]
    ground: Ground
    deductions: tuple[int, ...]
    lines: tuple[Line, ...]

    @property
    def amount_fen(self) -> int:
        """What the lot comes to."""
        return sum(line.amount_fen for line in self.lines)

    @property
    def most_deducted(self) -> Fraction | None:
        """The share of the fee that is taken off at most."""
        told = self.terms["most_deducted"]
        return None if told is None else Fraction(told)


@dataclass(frozen=True, slots=True)
class Told:
    """A statement as it was frozen."""

    contract: Mapping[str, Any]
    position: int
    entries: int
    since: Mark | None
    formulas: str
    lots: tuple[ToldLot, ...]
    settled: tuple[Line, ...]
    total_fen: int

    def lines(self) -> Iterator[tuple[str, ToldLot | None, Line]]:
        """Yield every line with its key, such as "west-1/missed", and its lot."""
        for lot in self.lots:
            for line in lot.lines:
                yield key_of(lot.code, line.kind), lot, line
        for line in self.settled:
            yield key_of(CARRIED, line.kind), None, line

    def line(self, key: str) -> tuple[ToldLot | None, Line] | None:
        """Return one line by its key."""
        return next(((lot, line) for each, lot, line in self.lines() if each == key), None)

    def counted(self, lot: ToldLot, statement: ContractStatement) -> Counted:
        """Return what the lists behind a lot's lines are made of."""
        return Counted(
            self.contract["contractor"],
            statement.period,
            lot.ground,
            Mark(self.position, self.entries),
            self.since,
        )


def key_of(lot_code: str, kind: LineKind) -> str:
    """Return what a line is called in addresses and appeals."""
    return f"{lot_code}/{kind.value}"


def lot_told(
    names: tuple[str, str, str],
    days: tuple[int, int],
    terms: Mapping[str, Any],
    ground: Ground,
    deductions: list[int],
    lines: list[Line],
) -> dict[str, Any]:
    """Return a lot as it is frozen."""
    code, name, name_en = names
    return {
        "code": code,
        "name": name,
        "name_en": name_en,
        "days": list(days),
        "terms": dict(terms),
        "ground": ground.told(),
        "deductions": deductions,
        "lines": [line.told() for line in lines],
    }


def statement_read(statement: ContractStatement) -> Told:
    """Return the statement that was frozen."""
    told = json.loads(statement.content)
    since = told["since"]
    return Told(
        told["contract"],
        told["position"],
        told["entries"],
        None if since is None else Mark(told["position"], told["entries"], *since),
        told["formulas"],
        tuple(_lot(lot) for lot in told["lots"]),
        tuple(_line(line) for line in told["settled"]),
        told["total_fen"],
    )


def _lot(told: Mapping[str, Any]) -> ToldLot:
    days, of_days = told["days"]
    return ToldLot(
        told["code"],
        told["name"],
        told["name_en"],
        days,
        of_days,
        told["terms"],
        Ground.read(told["ground"]),
        tuple(told["deductions"]),
        tuple(_line(line) for line in told["lines"]),
    )


def _line(told: Mapping[str, Any]) -> Line:
    return Line(
        LineKind(told["kind"]),
        told["quantity"],
        told["amount_fen"],
        told["of"],
        told["numbers"],
    )


def days_held(
    spans: list[tuple[date, date | None]], first: date, end: date
) -> tuple[date, date] | None:
    """Return the days of [first, end) that lie in all of some spans; None: there are none."""
    start = max([first, *(span[0] for span in spans)])
    last = min([end, *(span[1] for span in spans if span[1] is not None)])
    return (start, last) if start < last else None


def appeals_end(statement: ContractStatement, told: Told) -> datetime | None:
    """Return the moment at which it is too late to appeal; None before it was issued."""
    if statement.issued_at is None:
        return None
    days = told.contract["answer_days"]
    issued = timezone.localtime(statement.issued_at)
    midnight = issued.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=days + 1)
