"""`manage.py show_reorganisation`: the demo city of 2020 is reorganised and back, and checked.

In a database of its own: the city as it was in 2020 (with 下城 and 江干), its register and open
cases; the plan of 2021 applied and undone. Prints what is checked; ends in an error when one fails.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone, translation

from accounts.models import City
from common.errors import DomainError
from common.owner import database_analyze
from components.models import Component
from desks.demo.digest import digest
from desks.demo.loading import PLAN_OF_2021, build_city_of_2020
from desks.demo.register import load_register
from desks.demo.reorganising import Check, checks_after, report_cases
from desks.replay.database import database_use
from grid.models import Reorganisation
from grid.reorganisation.report import report
from grid.reorganisation.services import (
    reorganisation_apply,
    reorganisation_preview,
    reorganisation_read,
    reorganisation_undo,
)

DATABASE = "citymgmt_2020"


class Command(BaseCommand):
    """Show that nothing is lost on the way there and back."""

    help = "Load the demo city of 2020 in its own database, reorganise it by the plan, undo it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--database", default=DATABASE)
        parser.add_argument("--components", type=int, default=100_000)
        parser.add_argument("--cases", type=int, default=300, help="open cases")
        parser.add_argument("--keep-applied", action="store_true", help="do not undo at the end")

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override(settings.LANGUAGE_CODE):
            try:
                database_use(options["database"])
                self._show(options)
            except DomainError as refused:
                raise CommandError(str(refused.message)) from refused

    def _show(self, options: dict[str, Any]) -> None:
        now = timezone.now()
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
        city = City.objects.first() or self._load(options, now)
        plan = reorganisation_read(
            city=city,
            name=f"{PLAN_OF_2021.stem} {now:%H:%M:%S}",
            data=PLAN_OF_2021.read_bytes(),
            now=now,
            effective_date=timezone.localdate(now),
        )
        with self._timed("preview"):
            seen, stakes = reorganisation_preview(plan)
        for line in report(seen, stakes):
            self.stdout.write(f"  {line}")
        before = digest()
        with self._timed("applied"):
            reorganisation_apply(reorganisation=plan, now=now)
        self._say(checks_after(plan))
        self._say([Check("something has changed", digest() != before, "")])
        if options["keep_applied"]:
            return
        with self._timed("undone"):
            reorganisation_undo(reorganisation=plan, now=now)
        self._say(
            Check(f"as before: {name}", value == before[name], value[:12])
            for name, value in digest().items()
        )
        for step in Reorganisation.objects.get(pk=plan.pk).steps.all():
            self.stdout.write(f"history: {step} {step.counts}")

    def _load(self, options: dict[str, Any], now: Any) -> City:
        with self._timed("city of 2020, register, cases"):
            city = build_city_of_2020(now, settings.DEMO_PASSWORD)
            database_analyze()
            load_register(city, timezone.localdate(now), options["components"])
            database_analyze()
            report_cases(city, options["cases"], now)
        self.stdout.write(f"{Component.objects.count():,} components")
        return city

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        self.stdout.write(f"{what}: {time.monotonic() - start:.1f} s")

    def _say(self, checks: Any) -> None:
        failed = []
        for check in checks:
            self.stdout.write(f"{'✓' if check.is_true else '✗'} {check.name} {check.detail}")
            failed += [] if check.is_true else [check.name]
        if failed:
            raise CommandError(", ".join(failed))
