"""No cell of what we hand out is run as a formula, and what we handed out can come back."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.spreadsheets import STARTERS, as_it_was, defused


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+86 571 8888", "'+86 571 8888"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\x01=1", "'=1"),
        ("井盖", "井盖"),
        ("a=b", "a=b"),
        ("", ""),
        ("-123.07", "-123.07"),
        ("+5", "+5"),
        ("-1e3", "-1e3"),
        (-5, -5),
        (None, None),
        (date(2026, 3, 1), date(2026, 3, 1)),
    ],
)
def test_a_cell_is_never_a_formula(value, cell):
    assert defused(value) == cell


@given(st.text(alphabet=st.one_of(st.sampled_from("=+-@\t\r'1."), st.characters()), max_size=20))
def test_text_is_a_number_or_begins_harmlessly_and_comes_back(text):
    cell = defused(text)
    if cell.startswith(STARTERS):
        float(cell)
    again = defused(as_it_was(cell))
    assert again == cell
