"""Erase what people wrote in a case, and who reported it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cases.models import Case
from cases.services.erase import case_erase_words
from common import clock


class Command(BaseCommand):
    """``manage.py erase_words NUMBER``: the history stays whole, the words are gone for good."""

    help = "Erase the personal data and free texts of one case; its history stays verifiable."

    def add_arguments(self, parser: CommandParser) -> None:
        """One case at a time: erasing cannot be undone."""
        parser.add_argument("number", help="number of the case")

    def handle(self, *args: Any, **options: Any) -> None:
        """Erase, and say how much."""
        case = Case.objects.filter(number=options["number"]).first()
        if case is None:
            raise CommandError(f"There is no case {options['number']}.")
        count = case_erase_words(case=case, now=clock.now())
        self.stdout.write(f"{case.number}: {count} texts erased, the chain is unchanged.")
