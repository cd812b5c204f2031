"""`manage.py load_city_pack fixtures/hangzhou`: fill areas, cells, zones, beats, base map."""

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import DomainError
from grid.loading import load_city_pack
from grid.models import Area, Beat, GridCell, Place


class Command(BaseCommand):
    """Load a city pack; a second run adds only what is missing."""

    help = "Load a city pack: areas, cells, zones, beats, base map and gazetteer."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", help="folder of the pack")
        parser.add_argument("--streets", default="", help="codes of streets, separated by commas")

    def handle(self, *args: object, **options: str) -> None:
        streets = [code.strip() for code in options["streets"].split(",") if code.strip()]
        try:
            city = load_city_pack(options["path"], streets or None)
        except DomainError as error:
            raise CommandError(str(error.message)) from error
        counts = {
            model._meta.verbose_name_plural: model.objects.count()
            for model in (Area, GridCell, Beat, Place)
        }
        described = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        self.stdout.write(f"{city}: {described}")
