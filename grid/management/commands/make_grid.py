"""`manage.py make_grid [CODE …]`: grid communities, streets, districts or the whole city."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from accounts.models import City
from grid.management.gridding import GridCommand, Measured
from grid.services import community_ids, grid_make


class Command(GridCommand):
    """Cells along the roads and shores of the base map."""

    help = "Make unit grid cells out of communities, along roads and shores (CJ/T 213)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("codes", nargs="*", help="communities, streets, districts; default all")
        super().add_arguments(parser)

    def measure(self, city: City, on: date, options: dict[str, Any]) -> Measured:
        """Grid what was named."""
        communities = community_ids(city, on, options["codes"])
        _grounds, cells, check = grid_make(communities=communities)
        return communities, cells, check
