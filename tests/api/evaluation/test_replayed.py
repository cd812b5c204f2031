"""Another city's requests, replayed through the door and evaluated, against the file itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from desks.replay.run import choose, replay
from tests.api.evaluation.replayed import agree_with_file
from tests.cast import NOW
from tests.replay_rows import row, write_rows


def dirty_rows() -> list[dict[str, str]]:
    """Requests as the file has them: quick and slow ones, urgent ones, open ones, dirty times."""
    random, rows = Random(3), []
    for number in range(26):
        created = datetime(2019, 7, 1, 6) + timedelta(minutes=random.randrange(14 * 1440))
        closed = created + timedelta(minutes=int(random.lognormvariate(6.5, 1.6)))
        kind = {}
        if number % 6 == 0:
            kind = {
                "complaint_type": "Damaged Tree",
                "descriptor": "Entire Tree Has Fallen Down",
            }
        if number % 7 == 0:
            kind |= {"open_data_channel_type": "UNKNOWN"}
        if number == 3:
            closed = created - timedelta(hours=5)
        status = "Open" if number % 11 == 5 else "Closed"
        rows.append(
            row(
                unique_key=str(number),
                created_date=created.isoformat(),
                closed_date="" if status == "Open" or number == 4 else closed.isoformat(),
                status=status,
                longitude=str(-73.99 + number / 1000),
                **kind,
            )
        )
    return rows


def test_median_p90_and_the_share_that_is_late_are_those_of_the_file(cast, tmp_path):
    path = write_rows(tmp_path / "requests.csv", dirty_rows())
    summary = replay(choose(path, cast.city, (), None, NOW), 1, lambda size: None)
    assert summary.agrees, summary.refused
    found = agree_with_file(path, NOW)
    assert found["requests"] == len(dirty_rows())
