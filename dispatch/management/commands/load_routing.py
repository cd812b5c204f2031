"""`manage.py load_routing`: give cities that have no routing rules those that ship, published."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from accounts.models import City
from common import clock
from dispatch.loading import load_routing


class Command(BaseCommand):
    help = "Publish the routing rules that ship where a city has none; changes nothing else."

    def handle(self, *args: Any, **options: Any) -> None:
        for city in City.objects.all():
            load_routing(city, clock.now())
            self.stdout.write(f"{city}: it has routing rules.")
