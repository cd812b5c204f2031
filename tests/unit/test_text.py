"""What people send, made fit to use."""

from __future__ import annotations

import pytest

from common.text import whole_number


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("007", 7), ("330106", 330106), ("9" * 18, 10**18 - 1)]
)
def test_plain_digits_are_a_whole_number(text, number):
    assert whole_number(text) == number


@pytest.mark.parametrize(
    "text",
    ["", " 1", "-1", "+1", "1.0", "1e3", "0x1", "1_000", "²", "１２", "٣", "1\x00", "9" * 19],
)
def test_anything_else_is_none(text):
    assert whole_number(text) is None


def test_a_number_is_never_cut_to_another():
    assert whole_number("9" * 5000) is None
    assert whole_number("123", 2) is None
    assert whole_number("12", 2) == 12
