"""The ledger's pages: nothing is cut off, and the columns of a page stay side by side."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.atlas.ledger import COLUMNS, NOTHING, STYLES, ledger_pages
from components.atlas.sheets import PAPERS

TEXTS = st.text(alphabet="文三路教工 abcdEFG 0123-()<>", max_size=60)
ROWS = st.lists(st.tuples(*[TEXTS] * len(COLUMNS)), max_size=40)
PAPER = st.sampled_from(list(PAPERS.values()))


def squeezed(text: str) -> str:
    return "".join(text.replace(NOTHING, "").split())


@given(ROWS, PAPER)
def test_every_text_is_on_the_pages_whole_and_in_order(rows, paper):
    pages = list(ledger_pages(rows, paper))
    for column in range(len(COLUMNS)):
        printed = "".join(page["columns"][column] for page in pages)
        assert squeezed(printed) == squeezed("".join(row[column] for row in rows))


@given(ROWS, PAPER)
def test_the_columns_of_a_page_have_as_many_lines_as_each_other_and_fit_it(rows, paper):
    style = STYLES[paper.key]
    for page in ledger_pages(rows, paper):
        lengths = {len(column.split("\n")) for column in page["columns"]}
        assert len(lengths) == 1
        if len(page["stripes"]) > 0:  # more than one row
            assert lengths.pop() * style.line_mm <= style.height_mm


@pytest.mark.parametrize("paper", PAPERS.values())
def test_the_columns_fill_the_paper_between_its_margins(paper):
    margin = {"a3": 14, "a4": 10}[paper.key]
    assert sum(STYLES[paper.key].widths) == pytest.approx(paper.width - 2 * margin, abs=4)


def test_a_long_name_takes_two_lines_in_its_column_and_room_in_the_others():
    row = ["1", "3301060103000001", "Short", "", "007001", "A1", "Intact", "A" * 60, "–", "–"]
    (page,) = ledger_pages([row, row], PAPERS["a4"])
    assert page["columns"][0].split("\n")[:2] == ["1", NOTHING]
    assert page["columns"][7].replace("\n", "").count("A") == 120
