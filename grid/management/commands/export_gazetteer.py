"""`manage.py export_gazetteer FILE`: every place with its other names, as a CSV file to edit."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from grid.geocoding.files import write_lines
from grid.geocoding.services import gazetteer_lines


class Command(BaseCommand):
    """Places into a file."""

    help = "Write the gazetteer into a CSV file that import_gazetteer reads again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        with options["file"].open("w", encoding="utf-8-sig", newline="") as stream:
            count = write_lines(stream, gazetteer_lines())
        self.stdout.write(_("Places written: %(count)d") % {"count": count})
