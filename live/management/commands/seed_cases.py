"""Fill a database with histories: `manage.py seed_cases --count 1000000 --processes 2`.

Deterministic for a seed, a count, days and the day until which they go: the same seed and count
again add nothing, an interrupted run goes on. Never on a database that people use.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils import timezone

from accounts.models import City
from cases.deadlines.engine import clocks_reschedule
from cases.seeding.load import TABLES, Plan, analyze, cases_seed, find_plan, usual_days
from common import clock
from common.errors import DomainError
from common.lifted_keys import keys_checked_at_the_end
from common.models import DemoClock
from live.services import events_number

CONSENT = "--yes-this-is-a-benchmark-database"
EVERY_SECONDS = 10
MANY = 100_000  # foreign keys are then checked as a whole


@contextmanager
def unhurried() -> Iterator[None]:
    """Let a statement take its time: places are looked for in every cell of a city."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    yield
    with connection.cursor() as cursor:  # several processes have closed the other one
        cursor.execute("RESET statement_timeout")


class Command(BaseCommand):
    help = "Make histories by the thousand, as the door would have left them, for benchmarks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--count", type=int, required=True, help="how many cases")
        parser.add_argument("--seed", type=int, default=1, help="another seed, another city life")
        parser.add_argument(
            "--days", type=int, help="over how many days (default 5,500 cases each)"
        )
        parser.add_argument(
            "--until", type=date.fromisoformat, help="first day without cases (default today)"
        )
        parser.add_argument("--processes", type=int, default=1)
        parser.add_argument(CONSENT, action="store_true", dest="consent")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["consent"] and not (settings.DEMO and DemoClock.objects.exists()):
            raise CommandError(
                f"People may use this database: made-up cases are for a demo's or, with {CONSENT},"
                " for a benchmark's."
            )
        plan = self._plan(options)
        city = City.objects.order_by("pk").first()
        if city is None:
            raise CommandError("There is no city in this database. Load one first.")
        lifted = keys_checked_at_the_end(TABLES) if plan.count >= MANY else nullcontext()
        try:
            with lifted, unhurried():
                added = self._load(city, plan, options["processes"])
        except DomainError as refusal:
            raise CommandError(str(refusal.message)) from refusal
        analyze()
        if added:  # their city has warned already; what is ahead of their clocks is to come
            clocks_reschedule(passed_until=clock.now())
        self.stdout.write(
            f"{added} cases added to the plan of {plan.count} cases in {plan.days} days until"
            f" {plan.until} (seed {plan.seed})."
        )

    def _plan(self, options: dict[str, Any]) -> Plan:
        """A run of the same seed and count goes on as it began, unless told otherwise."""
        seed, count = options["seed"], options["count"]
        begun = find_plan(seed, count)
        days = options["days"] or (begun.days if begun else usual_days(count))
        until = options["until"] or (begun.until if begun else timezone.localdate(clock.now()))
        if count < 1 or days < 1:
            raise CommandError("There must be at least one case and one day.")
        return Plan(seed, count, days, until)

    def _load(self, city: City, plan: Plan, processes: int) -> int:
        added, told = 0, time.monotonic()
        started = told
        for number in cases_seed(
            city=city, plan=plan, processes=processes, number_events=events_number
        ):
            added += number
            if time.monotonic() - told > EVERY_SECONDS:
                told = time.monotonic()
                pace = added / (told - started)
                self.stdout.write(f"{added} of {plan.count} cases, {pace:.0f}/s")
        return added
