"""What the commands that change the grid have in common: report first, change only when told."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import City
from common import clock
from common.errors import DomainError
from grid.gridding import BUILT, Cell, Check
from grid.services import grid_apply

SHOWN = 10

Measured = tuple[Sequence[int], list[Cell], Check]


class GridCommand(BaseCommand):
    """Report how well cells fit; with --apply close the old cells and open these.

    A command's own ``measure(city, on, options)`` returns communities (ids), their new cells, and
    how well these fit.
    """

    measure: Callable[[City, date, dict[str, Any]], Measured]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--apply", action="store_true", help="let the cells hold")
        parser.add_argument("--from", dest="since", type=date.fromisoformat, help="default today")

    def handle(self, *args: Any, **options: Any) -> None:
        city = City.objects.order_by("pk").first()
        if city is None:
            raise CommandError("There is no city in this database. Load one first.")
        on = options["since"] or timezone.localdate(clock.now())
        try:
            communities, cells, check = self.measure(city, on, options)
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
