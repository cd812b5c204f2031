"""`manage.py load_settings`: what a city lacks of calendars, limits, reasons and deadline rules."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from accounts.models import City
from cases.loading import load_settings
from common import clock


class Command(BaseCommand):
    help = "Add what every city lacks of the settings that a new city starts with; changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        for city in City.objects.all():
            load_settings(city, clock.now())
            self.stdout.write(f"{city}: its settings are complete.")
