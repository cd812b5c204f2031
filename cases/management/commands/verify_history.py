"""Verify the history: `manage.py verify_history [--anchors DIR] [--since N] [--case NUMBER]`."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from cases.services.verify import verify_history


class Command(BaseCommand):
    help = "Find what was altered, cut, deleted or rebuilt; exit status 1 and a line for each."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--anchors", type=Path, help="folder of exported anchors, best a copy kept elsewhere"
        )
        parser.add_argument(
            "--since", type=int, metavar="N", help="only chains that grew after anchor N"
        )
        parser.add_argument("--case", metavar="NUMBER", help="one case alone")
        parser.add_argument(
            "--trust", action="append", default=[], metavar="KEY", help="a former public key"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        directory = options["anchors"] or settings.ANCHOR_DIR
        count = 0
        for finding in verify_history(
            anchors=directory if directory.is_dir() else None,
            since=options["since"],
            number=options["case"],
            trusted_keys=options["trust"],
        ):
            count += 1
            self.stdout.write(str(finding))
        if count:
            self.stderr.write(f"The history is not whole: {count} findings.")
            raise SystemExit(1)
        self.stdout.write("The history is whole.")
