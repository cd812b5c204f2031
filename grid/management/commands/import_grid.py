"""`manage.py import_grid FILE --code-field BGID`: cells made elsewhere, with the same checks."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from accounts.models import City
from grid.importing import read_grid
from grid.management.gridding import GridCommand, Measured
from grid.services import grid_read


class Command(GridCommand):
    """Cells out of a file."""

    help = "Import ready unit grid cells from a Shapefile (.shp, .zip), GeoPackage or GeoJSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--code-field", required=True, help="field of the cells' codes")
        parser.add_argument("--kind-field", default="", help="field that says built, water or hill")
        parser.add_argument("--crs", default="", help="where the file does not say: EPSG:4549, …")
        super().add_arguments(parser)

    def measure(self, city: City, on: date, options: dict[str, Any]) -> Measured:
        """Read the file."""
        cells = read_grid(
            options["file"],
            sequence_digits=city.cell_sequence_length,
            code_field=options["code_field"],
            kind_field=options["kind_field"],
            crs=options["crs"],
        )
        communities, check = grid_read(city=city, cells=cells, on=on)
        return communities, cells, check
