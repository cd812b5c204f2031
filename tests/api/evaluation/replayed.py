"""What was replayed of another city's file, against the file itself and a plain recomputation.

Nothing here uses ``evaluation`` or the replay's own reading of the file but their results: the rows
are read anew, by the rules that docs/rules/replay.md states.
"""

from __future__ import annotations

import csv
import gzip
import statistics
from datetime import date, datetime
from pathlib import Path

from django.conf import settings

from cases.models import Case, CaseEvent
from components.models import CaseStandard
from desks.models import ReplayedRequest
from evaluation.indicators import INDICATORS
from evaluation.periods import Period, PeriodKind
from evaluation.selectors.durations import durations
from evaluation.selectors.figures import figures
from evaluation.services.facts import READER
from evaluation.story import FactKind
from live.readers import reader_run
from live.services import events_sequence
from tests.api.evaluation.naive import Naive

ALL_OF_IT = Period(date(2025, 1, 1), date(2027, 1, 1), PeriodKind.YEAR)
MAPPING = settings.BASE_DIR / "fixtures" / "replay" / "nyc311.csv"
USUAL, SHORTEST = 6 * 3600.0, 20 * 60.0  # seconds
OPENED = datetime(2003, 3, 9)


def rows_of(path: Path) -> dict[str, dict[str, str]]:
    """Return the first row of each key."""
    rows: dict[str, dict[str, str]] = {}
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["unique_key"], row)
    return rows


def seconds_of(row: dict[str, str]) -> float:
    """From creation to close of a closed request, its dirty times mended."""
    created = datetime.fromisoformat(row["created_date"])
    try:
        closed = datetime.fromisoformat(row["closed_date"].strip())
    except ValueError:
        return USUAL
    if closed < OPENED or closed > datetime.now() or closed < created:
        return USUAL
    return max((closed - created).total_seconds(), SHORTEST)


def mapped() -> list[tuple[str, str, str, str]]:
    """Return the mapping's lines: complaint, beginning of the descriptor, type, urgency."""
    with MAPPING.open(encoding="utf-8", newline="") as file:
        lines = [
            (line["complaint_type"], line["descriptor"], line["type"], line["urgency"])
            for line in csv.DictReader(file)
        ]
    return sorted(lines, key=lambda line: -len(line[1]))


def agree_with_file(path: Path, now: datetime) -> dict[str, float]:
    """Compare the figures with the file and with what plain counting of the events gives.

    Returns how many requests, closed and late ones there were, and median and P90 in hours.
    """
    events_sequence()
    while reader_run(reader=READER, now=now):
        pass
    rows, keys = rows_of(path), dict(ReplayedRequest.objects.values_list("case_id", "key"))
    taken = [seconds_of(rows[key]) for key in keys.values() if rows[key]["status"] == "Closed"]
    [median, p90] = durations(FactKind.WHOLE, period=ALL_OF_IT, shares=(0.5, 0.9))[()]
    tenths = statistics.quantiles(taken, n=10, method="inclusive")
    assert abs(median.total_seconds() - statistics.median(taken)) < 0.001
    assert abs(p90.total_seconds() - tenths[8]) < 0.001

    standards_are_those_of_the_mapping(rows, keys)
    naive = Naive()
    naive.read(Case.objects.filter(pk__in=keys).values_list("pk", flat=True))
    plain = {
        measure: sum(count for (name, *_who), count in naive.counts.items() if name == measure)
        for measure in ("finished", "finished_late", "handled", "handled_late", "filed")
    }
    found = figures(indicators=INDICATORS, period=ALL_OF_IT, now=now)[()]
    counted = {measure: found[measure] for measure in plain}
    assert counted == plain, f"{counted} are not {plain}"
    assert plain["finished"] == len(taken)
    assert 0 < plain["finished_late"] < len(taken)
    return {
        "requests": len(keys),
        "closed": len(taken),
        "late": plain["finished_late"],
        "handled": plain["handled"],
        "handled late": plain["handled_late"],
        "median, hours": median.total_seconds() / 3600,
        "P90, hours": p90.total_seconds() / 3600,
    }


def standards_are_those_of_the_mapping(rows: dict[str, dict[str, str]], keys: dict[int, str]):
    """Every limit that was counted by is one of the type and profile that the mapping names."""
    lines, standards = mapped(), CaseStandard.objects.select_related("type").in_bulk()
    filings = CaseEvent.objects.filter(case__in=keys, data__has_key="standard")
    checked = 0
    for case_id, data in filings.values_list("case_id", "data").iterator():
        row = rows[keys[case_id]]
        type_code, urgency = next(
            (code, urgency)
            for complaint, beginning, code, urgency in lines
            if complaint == row["complaint_type"] and row["descriptor"].startswith(beginning)
        )
        standard = standards[data["standard"]["id"]]
        assert standard.type.code == type_code, row
        assert (standard.profile == "emergency") == (urgency == "urgent"), row
        checked += 1
    assert checked
