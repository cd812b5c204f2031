"""A whole file of another city's requests, replayed and evaluated.

REPLAY_FILE=nyc311.csv.gz make faults                           every day of it
REPLAY_FILE=nyc311.csv.gz REPLAY_DAYS=2019-07-02..2019-07-03 make faults    some days
"""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path

import pytest

from common import clock
from desks.replay.run import choose, replay
from tests.api.evaluation.replayed import agree_with_file

FILE, DAYS = Path(os.environ["REPLAY_FILE"]), os.environ.get("REPLAY_DAYS", "")
PROCESSES = 2


def days() -> list[date]:
    """Return the days that were asked for; none: all of the file."""
    if not DAYS:
        return []
    first, _to, last = DAYS.partition("..")
    begin, end = date.fromisoformat(first), date.fromisoformat(last or first)
    return [begin + timedelta(days=number) for number in range((end - begin).days + 1)]


@pytest.mark.django_db(transaction=True)
def test_the_share_that_is_late_in_a_whole_file_is_that_of_a_plain_recomputation(demo_city, capsys):
    now = clock.now()
    summary = replay(choose(FILE, demo_city, days(), None, now), PROCESSES, lambda size: None)
    assert summary.agrees, summary.refused
    found = agree_with_file(FILE, now)
    assert found["requests"] == summary.requests
    with capsys.disabled():
        shown = ", ".join(f"{name} {value:,.6g}" for name, value in found.items())
        print(f"\n{FILE.name} {DAYS}: {shown}")  # noqa: T201  the figures of a long run
