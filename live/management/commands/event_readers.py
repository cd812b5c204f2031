"""How far the readers of the event log have come: `manage.py event_readers`.

`--skip NAME POSITION` leaves out the one event a reader stands before because it cannot be read;
the reader's row keeps which, why and when.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common import clock
from common.errors import DomainError
from live.readers import reader_skip, readers_lag


class Command(BaseCommand):
    help = "Show how far the readers of the event log are, or let one leave out a bad event."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--skip", nargs=2, metavar=("NAME", "POSITION"))

    def handle(self, *args: Any, **options: Any) -> None:
        if options["skip"]:
            self._skip(*options["skip"])
        now = clock.now()
        for lag in readers_lag():
            line = f"{lag.name}: at {lag.position}, {lag.behind} behind"
            if lag.behind:
                line += f" for {lag.seconds(now):.0f} s"
            if lag.failed_position is not None:
                line += f"; cannot read {lag.failed_position}: {lag.failure}"
            self.stdout.write(line)

    def _skip(self, name: str, position: str) -> None:
        if not position.isdecimal():
            raise CommandError("A position is a whole number.")
        try:
            reader_skip(name=name, position=int(position), now=clock.now())
        except DomainError as refusal:
            raise CommandError(str(refusal.message)) from refusal
