"""`manage.py import_gazetteer FILE --apply`: places from a CSV file, all of them or none."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from common import clock
from common.errors import DomainError
from grid.geocoding.files import read_lines
from grid.geocoding.services import gazetteer_import

SHOWN = 50  # bad lines that are explained one by one


class Command(BaseCommand):
    """Places out of a file."""

    help = "Read places from a CSV file. Without --apply nothing is written."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--apply", action="store_true", help="write what was read")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            lines, bad = read_lines(options["file"].read_bytes())
            for line in bad[:SHOWN]:
                self.stdout.write(
                    _("Line %(line)d: %(reason)s.") % {"line": line.line, "reason": line.reason}
                )
            if bad:
                raise CommandError(
                    _("%(bad)d lines cannot be used; nothing was written.") % {"bad": len(bad)}
                )
            if not options["apply"]:
                self.stdout.write(_("%(count)d lines can be used.") % {"count": len(lines)})
                return
            counts = gazetteer_import(lines=lines, on=timezone.localdate(clock.now()))
        except OSError as error:
            raise CommandError(str(error)) from error
        except DomainError as error:
            raise CommandError(str(error.message)) from error
        sentence = _("Added %(added)d, changed %(changed)d, left as they were %(left)d.")
        self.stdout.write(sentence % dict(zip(("added", "changed", "left"), counts, strict=True)))
