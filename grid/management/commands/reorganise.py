"""`manage.py reorganise --plan FILE --on DATE [--apply | --undo]`: what a plan changes, in words.

Without --apply or --undo nothing is changed: the report says what would be. Applying stores the
plan and lets it hold; --undo takes back the one that was applied last, or the one named.
"""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import translation

from accounts.models import City
from common import clock
from common.errors import DomainError
from grid.models import Reorganisation
from grid.reorganisation.report import report
from grid.reorganisation.services import (
    reorganisation_apply,
    reorganisation_preview,
    reorganisation_read,
    reorganisation_undo,
)


class Command(BaseCommand):
    """Preview, apply or undo a reorganisation of areas."""

    help = "Reorganise administrative areas by a plan: preview, --apply, --undo."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--plan", type=Path, help="CSV file: docs/rules/reorganisation.md")
        parser.add_argument("--on", type=date.fromisoformat, help="default: the day in the file")
        parser.add_argument("--name", default="", help="what the plan is called; default: the file")
        act = parser.add_mutually_exclusive_group()
        act.add_argument("--apply", action="store_true", help="let the plan hold")
        act.add_argument("--undo", action="store_true", help="take back what was applied last")

    def handle(self, *args: Any, **options: Any) -> None:
        city = City.objects.order_by("pk").first()
        if city is None:
            raise CommandError("There is no city in this database. Load one first.")
        now = clock.now()
        try:
            with translation.override(settings.LANGUAGE_CODE):
                if options["undo"]:
                    self._undo(city, options["name"] or (options["plan"] or Path()).stem, now)
                else:
                    self._preview(city, options, now)
        except DomainError as refusal:
            raise CommandError("\n".join(_sentences(refusal))) from refusal

    @transaction.atomic
    def _preview(self, city: City, options: dict[str, Any], now: datetime) -> None:
        """Read, report, and keep it only when told to apply."""
        if options["plan"] is None:
            raise CommandError("Name the plan's file: --plan FILE.")
        try:
            data = options["plan"].read_bytes()
        except OSError as error:
            raise CommandError(f"{options['plan']}: {error.strerror}.") from error
        plan = reorganisation_read(
            city=city,
            name=options["name"] or options["plan"].stem,
            data=data,
            now=now,
            effective_date=options["on"],
        )
        seen, stakes = reorganisation_preview(plan)
        for line in report(seen, stakes):
            self.stdout.write(line)
        if not options["apply"]:
            transaction.set_rollback(True)
            return
        reorganisation_apply(reorganisation=plan, now=now)
        self.stdout.write(f"{plan.effective_date}: {plan} ✓")

    def _undo(self, city: City, name: str, now: datetime) -> None:
        plans = Reorganisation.objects.filter(city=city, state=Reorganisation.State.APPLIED)
        plan = (plans.filter(name=name) if name else plans).order_by("-applied_at").first()
        if plan is None:
            raise CommandError("No such reorganisation is in force.")
        reorganisation_undo(reorganisation=plan, now=now)
        self.stdout.write(f"{plan} ↶")


def _sentences(refusal: DomainError) -> list[str]:
    found = [str(sentence) for sentences in refusal.fields.values() for sentence in sentences]
    return found or [str(refusal.message)]
