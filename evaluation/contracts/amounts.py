"""What a contractor is paid for a lot in a month: terms × quantities → lines. Pure.

Amounts are whole fen. A line is computed exactly, in fractions, and rounded once
(``common.money.whole_fen``); the amount of a statement is the sum of its rounded lines. What is
taken off is a line with a negative amount.

Terms follow what cities agree on when they buy collection (采集服务): a fee for the lot, a price
for reports beyond those the fee covers, something off for what was missed, late or badly done, and
a limit to all that is taken off. Source: contracts that cities have published.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from common.money import whole_fen


class LineKind(StrEnum):
    """What a line of a statement is about, in the order of a statement."""

    FEE = "fee"
    REPORTS = "reports"
    SHORTFALL = "shortfall"
    MISSED = "missed"
    CONFIRM = "confirm"
    CHECK = "check"
    QUALITY = "quality"
    LIMIT = "limit"
    SETTLED = "settled"


DEDUCTED = (
    LineKind.SHORTFALL,
    LineKind.MISSED,
    LineKind.CONFIRM,
    LineKind.CHECK,
    LineKind.QUALITY,
)


@dataclass(frozen=True, slots=True)
class Step:
    """From what rate on (None: below all others) which share of the fee is taken off."""

    at_least: Fraction | None
    share: Fraction

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Step:
        """Return the step of a JSON row such as {"at_least": "0.95", "share": "0.02"}."""
        least = row.get("at_least")
        return cls(None if least is None else _exact(least), _exact(row["share"]))

    def told(self) -> dict[str, str | None]:
        """Return the row it is read from."""
        least = None if self.at_least is None else _plain(self.at_least)
        return {"at_least": least, "share": _plain(self.share)}


def _exact(value: object) -> Fraction:
    """Read a share written as text or as a whole number; a float is no exact number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"{value!r} is no exact number")
    return Fraction(value)


def _plain(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed for a lot; amounts in fen."""

    fee_fen: int
    included_count: int = 0
    report_fen: int = 0
    ceiling_fen: int | None = None
    shortfall_fen: int = 0
    missed_fen: int = 0
    confirm_steps: tuple[Step, ...] = ()
    check_steps: tuple[Step, ...] = ()
    most_deducted: Fraction | None = None

    def told(self) -> dict[str, Any]:
        """Return the terms as they are frozen."""
        limit = self.most_deducted
        return {
            "fee_fen": self.fee_fen,
            "included_count": self.included_count,
            "report_fen": self.report_fen,
            "ceiling_fen": self.ceiling_fen,
            "shortfall_fen": self.shortfall_fen,
            "missed_fen": self.missed_fen,
            "confirm_steps": [step.told() for step in self.confirm_steps],
            "check_steps": [step.told() for step in self.check_steps],
            "most_deducted": None if limit is None else _plain(limit),
        }


@dataclass(frozen=True, slots=True)
class Quantities:
    """What was counted for a lot, and the amounts of its quality deductions."""

    reports: int = 0
    missed: int = 0
    confirm_due: int = 0
    confirm_late: int = 0
    check_due: int = 0
    check_late: int = 0
    deductions_fen: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One line: how many (of how many), what that comes to, and the numbers of its formula."""

    kind: LineKind
    quantity: int
    amount_fen: int
    of: int | None = None
    numbers: Mapping[str, Any] | None = None

    def told(self) -> dict[str, Any]:
        """Return the line as it is frozen."""
        return {
            "kind": self.kind.value,
            "quantity": self.quantity,
            "of": self.of,
            "amount_fen": self.amount_fen,
            "numbers": dict(self.numbers or {}),
        }


def lines_of(terms: Terms, found: Quantities, *, days: int, of_days: int) -> list[Line]:
    """Return the lines of a lot that was held on so many days of a month.

    Fee, ceiling and the reports covered go by the days held. A line is there when its term is,
    though it come to nothing. *Example*: docs/rules/contracts.md.
    """
    part = Fraction(days, of_days)
    fee = whole_fen(terms.fee_fen * part)
    lines = [
        Line(LineKind.FEE, days, fee, of_days, {"fee_fen": terms.fee_fen}),
        *_reports(terms, found.reports, part),
    ]
    if terms.missed_fen:
        amount = -found.missed * terms.missed_fen
        lines.append(
            Line(LineKind.MISSED, found.missed, amount, numbers={"price_fen": terms.missed_fen})
        )
    lines += _in_time(
        LineKind.CONFIRM, terms.confirm_steps, found.confirm_late, found.confirm_due, fee
    )
    lines += _in_time(LineKind.CHECK, terms.check_steps, found.check_late, found.check_due, fee)
    lines.append(Line(LineKind.QUALITY, len(found.deductions_fen), -sum(found.deductions_fen)))
    return lines + _limit(terms, lines, fee)


def _reports(terms: Terms, reports: int, part: Fraction) -> list[Line]:
    included = whole_fen(terms.included_count * part)  # whole reports, by the same rule
    lines = []
    if terms.report_fen:
        ceiling = None if terms.ceiling_fen is None else whole_fen(terms.ceiling_fen * part)
        amount = max(reports - included, 0) * terms.report_fen
        numbers = {"included": included, "price_fen": terms.report_fen, "ceiling_fen": ceiling}
        at_most = amount if ceiling is None else min(amount, ceiling)
        lines.append(Line(LineKind.REPORTS, reports, at_most, numbers=numbers))
    if terms.shortfall_fen:
        amount = -max(included - reports, 0) * terms.shortfall_fen
        numbers = {"included": included, "price_fen": terms.shortfall_fen}
        lines.append(Line(LineKind.SHORTFALL, reports, amount, numbers=numbers))
    return lines


def _in_time(kind: LineKind, steps: Sequence[Step], late: int, due: int, fee: int) -> list[Line]:
    """Return what lateness costs: nothing due has no rate, and costs nothing."""
    if not steps:
        return []
    step = step_of(steps, Fraction(due - late, due)) if due else None
    share = step.share if step else Fraction(0)
    numbers = {"share": _plain(share), "fee_fen": fee}
    return [Line(kind, late, -whole_fen(fee * share), due, numbers)]


def step_of(steps: Iterable[Step], rate: Fraction) -> Step:
    """Return the first step that a rate reaches; the last has no bound."""
    return next(step for step in steps if step.at_least is None or rate >= step.at_least)


def _limit(terms: Terms, lines: Iterable[Line], fee: int) -> list[Line]:
    """Return what goes beyond the limit of deductions, which is not taken off."""
    if terms.most_deducted is None:
        return []
    deducted = -sum(line.amount_fen for line in lines if line.kind in DEDUCTED)
    most = whole_fen(fee * terms.most_deducted)
    numbers = {"deducted_fen": deducted, "share": _plain(terms.most_deducted), "fee_fen": fee}
    return [Line(LineKind.LIMIT, 0, max(deducted - most, 0), numbers=numbers)]
