"""The demo city's register: tens of thousands of components along its real streets.

Key zones get all of it, control zones a third, the rest a little: what a pilot has surveyed so far.
"""

from __future__ import annotations

from datetime import date

from accounts.models import City
from components.models import Component
from components.seeding.load import components_seed

SOURCE, SEED, COUNT = "首次普查", 1, 45_000
SOURCES = (SOURCE, "demo")  # what it was called before: a city that has it has its components
SURVEYED = {"key": 1.0, "control": 0.3, "ordinary": 0.06}


def load_register(city: City, on: date, count: int = COUNT) -> int:
    """Place the demo's components once; return how many stand there."""
    placed = Component.objects.filter(city=city, source__in=SOURCES).count()
    if placed:
        return placed
    return components_seed(city=city, count=count, seed=SEED, on=on, source=SOURCE, shares=SURVEYED)
