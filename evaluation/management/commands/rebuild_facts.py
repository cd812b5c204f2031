"""Make facts again from the events: `manage.py rebuild_facts --check`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import ProgrammingError

from common import clock
from evaluation.services.rebuilding import facts_compare, facts_rebuild


class Command(BaseCommand):
    help = (
        "Write every fact anew from the events, as DB_ROLE=owner; with --check compare only:"
        " a line for each fact that differs, and exit status 1."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="compare and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check"]:
            self.check_facts()
            return
        try:
            count = facts_rebuild(now=clock.now())
        except ProgrammingError as error:
            message = f"Only the owner of the table may, with DB_ROLE=owner: {error}"
            raise CommandError(message) from error
        self.stdout.write(f"{count} facts were made of the events.")

    def check_facts(self) -> None:
        count = 0
        for difference in facts_compare():
            count += 1
            self.stdout.write(str(difference))
        if count:
            self.stderr.write(f"{count} facts are not what the events say.")
            raise SystemExit(1)
        self.stdout.write("The facts are what the events say.")
