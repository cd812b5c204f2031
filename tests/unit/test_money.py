"""Amounts as people write them, to the fen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.money import MOST_FEN, NotMoney, fen_of, money_text, yuan_of


@pytest.mark.parametrize(
    ("written", "fen"),
    [
        ("0", 0),
        ("12", 1_200),
        ("12.5", 1_250),
        ("12.50", 1_250),
        ("12.", 1_200),
        ("1,234.05", 123_405),
        (" ¥1,234,567.89 ", 123_456_789),
        ("１２．３", 1_230),  # full width
        ("￥8", 800),
        (7, 700),
        ("100000000000", MOST_FEN),
    ],
)
def test_an_amount_is_read_as_it_was_written(written, fen):
    assert fen_of(written) == fen


@pytest.mark.parametrize(
    "written",
    ["", " ", "x", "1.234", "12.345", "-1", "−1", "1e3", "1_000", "1,23", "12,34.5", "1 2", "NaN",
     "٣", "1/2", "½", "0x10", ".5", "100000000000.01", "9" * 31, True, None, 1.5, [], b"1"],
)  # fmt: skip
def test_what_is_no_amount_is_refused_with_a_sentence(written):
    with pytest.raises(NotMoney) as refused:
        fen_of(written)
    assert str(refused.value.sentence)


@given(st.integers(0, MOST_FEN))
def test_what_is_written_is_read_again(fen):
    assert fen_of(yuan_of(fen)) == fen_of(money_text(fen)) == fen
