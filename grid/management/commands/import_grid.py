"""`manage.py import_grid FILE --code-field BGID`: cells made elsewhere, with the same checks."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import City
from common import clock
from common.errors import DomainError
from grid.importing import read_grid
from grid.management.commands.make_grid import report
from grid.services import grid_apply, grid_read


class Command(BaseCommand):
    """Report how well the cells fit; with --apply close the old cells and open these."""

    help = "Import ready unit grid cells from a Shapefile (.shp, .zip), GeoPackage or GeoJSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--code-field", required=True, help="field of the cells' codes")
        parser.add_argument("--kind-field", default="", help="field that says built, water or hill")
        parser.add_argument("--crs", default="", help="where the file does not say: EPSG:4549, …")
        parser.add_argument("--apply", action="store_true", help="let the cells hold")
        parser.add_argument("--from", dest="since", type=date.fromisoformat, help="default today")

    def handle(self, *args: Any, **options: Any) -> None:
        city = City.objects.order_by("pk").first()
        if city is None:
            raise CommandError("There is no city in this database. Load one first.")
        on = options["since"] or timezone.localdate(clock.now())
        try:
            cells = read_grid(
                options["file"],
                sequence_digits=city.cell_sequence_length,
                code_field=options["code_field"],
                kind_field=options["kind_field"],
                crs=options["crs"],
            )
            communities, check = grid_read(city=city, cells=cells, on=on)
            for line in report(cells, check):
                self.stdout.write(line)
            if not options["apply"]:
                return
            if not check.is_partition:
                raise CommandError("These cells do not fit their communities: nothing was changed.")
            closed, opened = grid_apply(city=city, communities=communities, cells=cells, on=on)
        except DomainError as refusal:
            raise CommandError(str(refusal.message)) from refusal
        self.stdout.write(f"from {on}: {closed:,} cells closed, {opened:,} opened")
