"""Another city's requests, replayed through the door and evaluated, against the file itself."""

from __future__ import annotations

import csv
import statistics
from datetime import date, datetime, timedelta
from random import Random

from cases.models import Case
from desks.replay.run import choose, replay
from evaluation.indicators import INDICATORS
from evaluation.periods import Period, PeriodKind
from evaluation.selectors.durations import durations
from evaluation.selectors.figures import figures
from evaluation.services.facts import READER
from evaluation.story import FactKind
from live.readers import reader_run
from live.services import events_sequence
from tests.api.evaluation.naive import Naive
from tests.cast import NOW
from tests.replay_rows import row, write_rows

ALL_OF_IT = Period(date(2025, 1, 1), date(2027, 1, 1), PeriodKind.YEAR)


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


def seconds_of_the_file(path) -> list[float]:
    """From creation to close, with the times that docs/rules/replay.md mends; plain Python."""
    taken = []
    with path.open(newline="") as file:
        for request in csv.DictReader(file):
            if request["status"] != "Closed":
                continue
            created = datetime.fromisoformat(request["created_date"])
            if not request["closed_date"]:
                taken.append(6 * 3600.0)
                continue
            seconds = (datetime.fromisoformat(request["closed_date"]) - created).total_seconds()
            taken.append(6 * 3600.0 if seconds < 0 else max(seconds, 20 * 60.0))
    return taken


def test_median_p90_and_the_share_that_is_late_are_those_of_the_file(cast, tmp_path):
    path = write_rows(tmp_path / "requests.csv", dirty_rows())
    summary = replay(choose(path, cast.city, (), None, NOW), 1, lambda size: None)
    assert summary.agrees, summary.refused
    events_sequence()
    reader_run(reader=READER, now=NOW)

    taken = seconds_of_the_file(path)
    tenths = statistics.quantiles(taken, n=10, method="inclusive")
    [median, p90] = durations(FactKind.WHOLE, period=ALL_OF_IT, shares=(0.5, 0.9))[()]
    assert median.total_seconds() == statistics.median(taken)
    assert abs(p90.total_seconds() - tenths[8]) < 0.001

    naive = Naive()
    naive.read(Case.objects.values_list("pk", flat=True))
    late = sum(count for (name, *_who), count in naive.counts.items() if name == "finished_late")
    found = figures(indicators=INDICATORS, period=ALL_OF_IT, now=NOW)[()]
    assert (found["finished"], found["finished_late"]) == (len(taken), late)
    assert 0 < late < len(taken)
    handled_late = sum(n for (name, *_who), n in naive.counts.items() if name == "handled_late")
    assert found["handled_late"] == handled_late
