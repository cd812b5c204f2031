"""Make the counts of the tiles anew from the register: `manage.py rebuild_tiles [--check]`.

They are kept true by themselves; this is for after a restore, or for who wants to see it proved.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from components.tiling.services import counts_differ, counts_rebuild


class Command(BaseCommand):
    help = "Make the counts that map tiles are made of anew, or only compare them (--check)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing, only compare")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["check"]:
            self.stdout.write(f"{counts_rebuild()} counts made")
        if different := counts_differ():
            raise CommandError(f"{different} counts differ from the register.")
        self.stdout.write("The counts are those of the register.")
