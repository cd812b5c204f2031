"""Play the demo city until stopped: `manage.py simulate [--rate 2] [--once 20]`."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from django.db import connection

from accounts.models import City
from common import clock
from common.models import DemoClock
from desks.demo.play import CannotPlay
from desks.demo.simulation import Simulation

TICK_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 10.0
ONCE_TICK = timedelta(seconds=30)
logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Let the people of the demo city work: reports come in, cases are handled and checked."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rate", type=float, default=1.0, help="how busy, 1 is usual")
        parser.add_argument("--once", type=int, metavar="N", help="take about N steps and stop")
        parser.add_argument("--seed", type=int, help="make the dice repeat themselves")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO or options["rate"] <= 0:
            raise CommandError("simulate plays a demo city only (DEMO=True), at a rate above 0.")
        if options["once"] is not None:
            self._play_once(options)
        else:
            self._play_on(options)

    def _start(self, options: dict[str, Any]) -> Simulation:
        city = City.objects.first()
        if city is None or not DemoClock.objects.exists():
            raise CommandError("There is no demo city in this database: run load_demo first.")
        return Simulation(city, clock.now(), options["rate"], options["seed"])

    def _play_once(self, options: dict[str, Any]) -> None:
        simulation, steps = self._start(options), 0
        for _each in range(20 * options["once"]):
            steps += simulation.tick(clock.now(), ONCE_TICK)
            if steps >= options["once"]:
                break
        self.stdout.write(f"{steps} steps")

    def _play_on(self, options: dict[str, Any]) -> None:
        """Tick for ever; while the database is away, wait and begin again."""
        simulation: Simulation | None = None
        pause = TICK_SECONDS
        while True:
            began = time.monotonic()
            try:
                simulation = simulation or self._start(options)
                self._keep_ticking(simulation)
            except (DatabaseError, CannotPlay) as lost:
                logger.warning("The simulator waits: %s", lost)
                connection.close()
                played_well = time.monotonic() - began > LONGEST_PAUSE_SECONDS
                pause = TICK_SECONDS if played_well else min(2 * pause, LONGEST_PAUSE_SECONDS)
                time.sleep(pause)

    def _keep_ticking(self, simulation: Simulation) -> None:
        last = clock.now()
        while True:
            time.sleep(TICK_SECONDS)
            now = clock.now()
            simulation.tick(now, now - last)
            last = now
