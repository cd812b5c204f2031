"""Fill a register along real streets: `manage.py seed_components --count 1077000 --seed 1`.

Deterministic for a city, a seed and a count; run again, it adds nothing. Never in a database that
people use.
"""

import time
from contextlib import nullcontext
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import City
from common import clock
from common.errors import DomainError
from common.lifted_keys import keys_checked_at_the_end
from common.models import DemoClock
from common.owner import database_analyze
from components.models import Component
from components.seeding.load import components_seed
from components.tiling.services import counts_rebuild

CONSENT = "--yes-this-is-a-benchmark-database"
MANY = 100_000  # foreign keys are then checked as a whole, and the planner is told


class Command(BaseCommand):
    help = "Place made-up components of all types along the streets, for demonstrations and loads."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--count", type=int, required=True, help="how many components")
        parser.add_argument("--seed", type=int, default=1, help="another seed, another register")
        parser.add_argument(CONSENT, action="store_true", dest="consent")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["consent"] and not (settings.DEMO and DemoClock.objects.exists()):
            raise CommandError(
                "People may use this database: a made-up register is for a demo's or, with"
                f" {CONSENT}, for a benchmark's."
            )
        city = City.objects.order_by("pk").first()
        if city is None:
            raise CommandError("There is no city in this database. Load one first.")
        count = options["count"]
        if count < 1:
            raise CommandError("There must be at least one component.")
        started = time.monotonic()

        def tell(step: str) -> None:
            self.stdout.write(f"{time.monotonic() - started:6.1f} s  {step}")

        table = [Component._meta.db_table]
        try:
            with keys_checked_at_the_end(table) if count >= MANY else nullcontext():
                added = components_seed(
                    city=city,
                    count=count,
                    seed=options["seed"],
                    on=timezone.localdate(clock.now()),
                    tell=tell,
                )
        except DomainError as refusal:
            raise CommandError(str(refusal.message)) from refusal
        if added >= MANY:
            tell("counts of the tiles")
            counts_rebuild()
            tell("statistics")
            database_analyze()
        tell(f"{added} components added, seed {options['seed']}")
