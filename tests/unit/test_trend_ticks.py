"""The trend of evaluation: its grid is labelled in the room it has."""

from __future__ import annotations

import pytest

from evaluation.indicators import INDICATORS
from evaluation.pages.charts import _tick_text, _ticks


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.38, 1.0, ["20%", "40%", "60%", "80%", "100%"]),
        (0.995, 0.998, ["99%", "99.5%", "100%"]),
    ],
)
def test_shares_are_labelled_without_decimals_that_are_none(low, high, labels):
    ticks = _ticks(low, high, is_share=True)
    assert [_tick_text(INDICATORS["closed_rate"], tick) for tick in ticks] == labels
