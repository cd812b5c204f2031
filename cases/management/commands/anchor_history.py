"""Anchor the history now: `manage.py anchor_history`; the daily task does the same."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from cases.services.anchors import SETTLE_SECONDS, history_anchor
from common import clock


class Command(BaseCommand):
    help = "Sign and export a digest of all chains that grew since the last anchor."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--directory", type=Path, default=settings.ANCHOR_DIR)
        parser.add_argument(
            "--wait", type=float, default=SETTLE_SECONDS, help="seconds for others to commit"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        anchor = history_anchor(
            now=clock.now(), directory=options["directory"], settle_seconds=options["wait"]
        )
        if anchor is None:
            self.stdout.write("No history has grown since the last anchor.")
            return
        self.stdout.write(
            f"Anchor {anchor.number}: {anchor.head_count} chains, digest {anchor.digest}"
        )
