"""`manage.py make_grid [CODE …]`: grid communities, streets, districts or the whole city."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections import Counter
from datetime import date
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import City
from common import clock
from common.errors import DomainError
from grid.gridding import BUILT, Cell, Check
from grid.services import community_ids, grid_apply, grid_make

SHOWN = 10


class Command(BaseCommand):
    """Report what the gridding would give; with --apply close the old cells and open these."""

    help = "Make unit grid cells out of communities, along roads and shores (CJ/T 213)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("codes", nargs="*", help="communities, streets, districts; default all")
        parser.add_argument("--apply", action="store_true", help="let the cells hold")
        parser.add_argument("--from", dest="since", type=date.fromisoformat, help="default today")

    def handle(self, *args: Any, **options: Any) -> None:
        city = City.objects.order_by("pk").first()
        if city is None:
            raise CommandError("There is no city in this database. Load one first.")
        on = options["since"] or timezone.localdate(clock.now())
        started = time.monotonic()
        try:
            communities = community_ids(city, on, options["codes"])
            _grounds, cells, check = grid_make(communities=communities)
            for line in report(cells, check):
                self.stdout.write(line)
            self.stdout.write(f"gridded in {time.monotonic() - started:.1f} s")
            if not options["apply"]:
                return
            if not check.is_partition:
                raise CommandError("These cells do not fit their communities: nothing was changed.")
            closed, opened = grid_apply(city=city, communities=communities, cells=cells, on=on)
        except DomainError as refusal:
            raise CommandError(str(refusal.message)) from refusal
        self.stdout.write(f"from {on}: {closed:,} cells closed, {opened:,} opened")


def report(cells: list[Cell], check: Check) -> list[str]:
    """Return count, sizes, what is unusual and how well it fits, in lines."""
    kinds = Counter(cell.kind for cell in cells)
    built = np.array([cell.area_m2 for cell in cells if cell.kind == BUILT] or [0.0])
    low, median, high = np.percentile(built, [5, 50, 95])
    unusual = [*check.too_small, *check.too_large]
    lines = [
        f"{len(check.counts):,} communities, {len(cells):,} cells: "
        + ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common()),
        f"built-up cells in m²: 5 % below {low:,.0f}, median {median:,.0f}, 5 % above {high:,.0f}",
        f"unusual size: {len(check.too_small):,} below, {len(check.too_large):,} above",
        *(
            f"  {cell.community} {cell.sequence:03d}: {cell.area_m2:,.0f} m²"
            for cell in sorted(unusual, key=lambda cell: cell.area_m2)[:SHOWN]
        ),
    ]
    for name, areas in (
        ("gap", check.uncovered_m2),
        ("overlap", check.overlap_m2),
        ("overhang", check.outside_m2),
    ):
        code = max(areas, key=areas.__getitem__, default="–")
        lines.append(f"largest {name}: {areas.get(code, 0.0):.3f} m² in {code}")
    return lines
