"""What a lot comes to: the documented example, and any terms against a plain recomputation."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ValidationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.money import money_text, whole_fen
from evaluation.contracts.amounts import DEDUCTED, LineKind, Quantities, Step, Terms, lines_of
from evaluation.contracts.models import validate_steps

DOCS = Path(django_settings.BASE_DIR) / "docs" / "rules" / "contracts.md"
STEPS = (
    Step(Fraction(98, 100), Fraction(0)),
    Step(Fraction(95, 100), Fraction(1, 100)),
    Step(None, Fraction(3, 100)),
)
TERMS = Terms(
    fee_fen=30_000_00,
    included_count=100,
    report_fen=2_50,
    ceiling_fen=1_000_00,
    shortfall_fen=4_00,
    missed_fen=50_00,
    confirm_steps=STEPS,
    check_steps=STEPS,
    most_deducted=Fraction(1, 10),
)
MARCH = Quantities(
    reports=212,
    missed=6,
    confirm_due=80,
    confirm_late=2,
    check_due=120,
    check_late=9,
    deductions_fen=(400_00, 1_250_50),
)


def test_the_documented_month_comes_to_the_documented_amounts():
    lines = lines_of(TERMS, MARCH, days=31, of_days=31)
    amounts = {line.kind: line.amount_fen for line in lines}
    assert amounts == {
        LineKind.FEE: 30_000_00,
        LineKind.REPORTS: 280_00,
        LineKind.SHORTFALL: 0,
        LineKind.MISSED: -300_00,
        LineKind.CONFIRM: -300_00,
        LineKind.CHECK: -900_00,
        LineKind.QUALITY: -1_650_50,
        LineKind.LIMIT: 150_50,
    }
    total = sum(amounts.values())
    assert total == 27_280_00
    page = DOCS.read_text(encoding="utf-8")
    for fen in (*amounts.values(), total):
        assert money_text(fen) in page, money_text(fen)


def test_a_lot_held_for_a_part_of_the_month_is_paid_for_its_days():
    lines = {line.kind: line for line in lines_of(TERMS, MARCH, days=21, of_days=31)}
    assert lines[LineKind.FEE].amount_fen == 20_322_58  # 30,000 × 21 ÷ 31 = 20,322.580…
    assert lines[LineKind.REPORTS].amount_fen == (212 - 68) * 2_50  # 100 × 21 ÷ 31 = 67.7…


@pytest.mark.parametrize(
    ("late", "due", "fen"),
    [
        (0, 0, 0),  # nothing was due: no rate, nothing off
        (2, 100, 0),  # 98 % exactly reaches the step
        (3, 100, 300_00),
        (5, 100, 300_00),  # 95 % exactly
        (6, 100, 900_00),
        (100, 100, 900_00),
    ],
)
def test_a_rate_on_the_bound_reaches_the_step(late, due, fen):
    found = Quantities(confirm_due=due, confirm_late=late)
    lines = {line.kind: line for line in lines_of(TERMS, found, days=31, of_days=31)}
    assert lines[LineKind.CONFIRM].amount_fen == -fen


money = st.integers(0, 10**9)
shares = st.integers(0, 10_000).map(lambda number: Fraction(number, 10_000))


def steps_of(bounds: set[int], rising: list[Fraction]) -> tuple[Step, ...]:
    """Return steps whose bounds fall and whose shares rise."""
    falling = [Fraction(bound, 100) for bound in sorted(bounds, reverse=True)]
    return tuple(map(Step, [*falling, None], sorted(rising)))


steps = st.builds(
    steps_of,
    st.sets(st.integers(1, 100), min_size=3, max_size=3),
    st.tuples(*[shares] * 4).map(list),
)
terms = st.builds(
    Terms,
    fee_fen=money,
    included_count=st.integers(0, 5_000),
    report_fen=money,
    ceiling_fen=st.none() | money,
    shortfall_fen=money,
    missed_fen=money,
    confirm_steps=st.just(()) | steps,
    check_steps=st.just(()) | steps,
    most_deducted=st.none() | shares,
)
quantities = st.builds(
    lambda due, late, **more: Quantities(
        confirm_due=due[0], confirm_late=min(late[0], due[0]),
        check_due=due[1], check_late=min(late[1], due[1]), **more,
    ),
    due=st.tuples(st.integers(0, 300), st.integers(0, 300)),
    late=st.tuples(st.integers(0, 300), st.integers(0, 300)),
    reports=st.integers(0, 9_000),
    missed=st.integers(0, 500),
    deductions_fen=st.lists(money, max_size=4).map(tuple),
)  # fmt: skip


def plain(terms: Terms, found: Quantities, days: int, of_days: int) -> int:
    """Return the amount as a clerk would work it out, step after step, in decimals."""

    def fen(value: Fraction) -> int:
        exact = Decimal(value.numerator * 10**12 // value.denominator) / 10**12
        return int(exact.quantize(Decimal(1), ROUND_HALF_UP))

    fee = fen(Fraction(terms.fee_fen * days, of_days))
    covered = fen(Fraction(terms.included_count * days, of_days))
    paid = 0
    if found.reports > covered:
        paid = (found.reports - covered) * terms.report_fen
        if terms.ceiling_fen is not None:
            paid = min(paid, fen(Fraction(terms.ceiling_fen * days, of_days)))
    off = found.missed * terms.missed_fen + sum(found.deductions_fen)
    if found.reports < covered:
        off += (covered - found.reports) * terms.shortfall_fen
    for rows, late, due in (
        (terms.confirm_steps, found.confirm_late, found.confirm_due),
        (terms.check_steps, found.check_late, found.check_due),
    ):
        if rows and due:
            for row in rows:
                if row.at_least is None or (due - late) >= row.at_least * due:
                    off += fen(fee * row.share)
                    break
    if terms.most_deducted is not None:
        off = min(off, fen(fee * terms.most_deducted))
    return fee + paid - off


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault
@given(terms, quantities, st.integers(1, 31))
def test_the_sum_of_the_lines_is_the_amount_worked_out_plainly(terms, found, days):
    lines = lines_of(terms, found, days=days, of_days=31)
    assert sum(line.amount_fen for line in lines) == plain(terms, found, days, 31)
    assert all(type(line.amount_fen) is int for line in lines)
    assert all(line.amount_fen <= 0 for line in lines if line.kind in DEDUCTED)


@pytest.mark.parametrize(
    ("exact", "fen"), [(Fraction(25, 2), 13), (Decimal("12.49"), 12), (Fraction(1, 2), 1), (7, 7)]
)
def test_half_a_fen_is_rounded_up(exact, fen):
    assert whole_fen(exact) == fen


@pytest.mark.parametrize(
    "rows",
    [
        {},
        [{"at_least": "0.95"}],
        [{"share": 0.02}],  # a float is no exact number
        [{"at_least": "0.95", "share": "0"}],  # rates below have no share
        [{"share": "0"}, {"share": "0.02"}],
        [{"at_least": "0.9", "share": "0"}, {"at_least": "0.95", "share": "0"}, {"share": "1"}],
        [{"at_least": "0.95", "share": "0.02"}, {"share": "0.01"}],  # better is dearer
        [{"share": "1.5"}],
        [{"share": "x"}],
        [None],
    ],
)
def test_steps_that_do_not_add_up_are_refused(rows):
    with pytest.raises(ValidationError):
        validate_steps(rows)


def test_steps_that_add_up_are_taken():
    validate_steps([])
    validate_steps([{"at_least": "0.98", "share": "0"}, {"share": "0.02"}])
