"""`manage.py replay_requests FILE`: take another city's requests through this city's door."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from accounts.models import City
from common import clock
from common.errors import DomainError
from desks.replay.database import city_prepare, database_use
from desks.replay.run import Summary, choose, replay

DATABASE = "citymgmt_replay"


def days_between(text: str) -> list[date]:
    """Read "2019-07-01" or "2019-07-01..2019-07-03", both ends included."""
    first, _dots, last = text.partition("..")
    try:
        start, end = date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError as error:
        raise ArgumentTypeError("give a day or FIRST..LAST, such as 2019-07-01..03") from error
    if end < start:
        raise ArgumentTypeError("the last day lies before the first")
    return [start + timedelta(days=number) for number in range((end - start).days + 1)]


def at_least_one(text: str) -> int:
    """Read a number above 0."""
    if not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError("give a number above 0")
    return int(text)


class Command(BaseCommand):
    """Replay requests; stopped at any moment it goes on where it was, done it adds nothing."""

    help = "Replay New York's 311 requests (CSV, plain or .gz) through intake and the whole loop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--days", type=days_between, help="a day of the file, or FIRST..LAST (default: all)"
        )
        parser.add_argument("--limit", type=at_least_one, help="take this many requests at most")
        parser.add_argument("--processes", type=at_least_one, default=2)
        parser.add_argument(
            "--database", default=DATABASE, help=f"database of the replay (default {DATABASE})"
        )
        parser.add_argument(
            "--into-demo", action="store_true", help="replay into the demo city itself"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            city = self._city(options["into_demo"], options["database"])
            chosen = choose(
                options["file"], city, options["days"] or (), options["limit"], clock.now()
            )
            with tqdm(total=len(chosen.requests), unit="request", mininterval=1) as bar:
                summary = replay(chosen, options["processes"], bar.update)
        except DomainError as error:
            raise CommandError(str(error.message)) from error
        for line in lines_of(summary):
            self.stdout.write(line)
        if not summary.agrees:
            raise CommandError("Not every request came through: run the command again.")

    def _city(self, into_demo: bool, database: str) -> City:
        if not into_demo:
            database_use(database)
            return city_prepare()
        city = City.objects.first()
        if not settings.DEMO or city is None:
            raise CommandError("There is no demo city here to replay into.")
        return city


def lines_of(summary: Summary) -> Iterator[str]:
    """Return the summary in lines: what went in, what came out, how quickly."""
    yield f"{summary.rows:,} rows in the file, {summary.other_days:,} of other days"
    yield f"{summary.chosen:,} rows chosen, moved by {summary.shift_days:,} days"
    yield f"  {summary.requests:,} requests; {summary.cases:,} cases: {_counts(summary.states)}"
    yield f"  {summary.left_out.total():,} left out: {_counts(summary.left_out)}"
    yield f"  {summary.mended.total():,} mended: {_counts(summary.mended)}"
    yield f"{summary.done_before:,} requests were finished before, {summary.done_now:,} now"
    if summary.calls:
        seconds = max(summary.seconds, 0.001)
        yield (
            f"{summary.calls.total():,} calls of the door in {seconds:,.0f} s: "
            f"{summary.done_now / seconds:.1f} requests/s, "
            f"{summary.calls.total() / seconds:.0f} calls/s"
        )
    for refusal, count in summary.refused.most_common():
        yield f"refused {count:,} times: {refusal}"


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counter.most_common()) or "none"
