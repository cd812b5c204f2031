"""The demo's last days: some hundred cases at every stage, so that no desk is empty at first sight.

fixtures/demo/history.jsonl names paths through the workflow and how long ago their last step was.
All steps of all cases are taken in the order of their moments, through the door.
"""

from __future__ import annotations

import heapq
import json
import logging
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Min

from accounts.models import City
from cases.deadlines.engine import deadlines_scan
from cases.errors import ActionRefused
from cases.models import Case, CaseClock
from desks.demo.organisations import named_logins
from desks.demo.pictures import pictures_of
from desks.demo.play import CannotPlay, Player

PATHS = settings.BASE_DIR / "fixtures" / "demo" / "history.jsonl"
SEED = 20_050_801
DEFAULT_MINUTES = (3.0, 25.0)
# How long a step takes after the one before, in minutes: quick people, slow people.
MINUTES = {
    "accept": (1.0, 12.0),
    "ask_confirmation": (1.0, 8.0),
    "confirm": (10.0, 50.0),
    "sign": (5.0, 60.0),
    "complete": (20.0, 600.0),
    "send_check": (1.0, 14.0),
    "check_pass": (15.0, 110.0),
    "check_fail": (15.0, 110.0),
    "request_extension": (20.0, 120.0),
    "request_suspension": (30.0, 240.0),
    "order_supervision": (120.0, 600.0),
}
SCAN = timedelta(seconds=15)
WISHES = ("source", "street", "type_code", "urgency", "spot")
logger = logging.getLogger(__name__)


@dataclass(order=True)
class Story:
    """A case on its way: when it is taken up next, and what is still to happen."""

    at: datetime
    number: int
    steps: list[tuple[str, timedelta]] = field(compare=False)
    wishes: dict[str, Any] = field(compare=False)
    case: Case | None = field(default=None, compare=False)


@transaction.atomic
def load_history(city: City, now: datetime, path: Path = PATHS, share: float = 1.0) -> int:
    """Play the last days of the city up to ``now``, once and whole; return the number of cases.

    ``share`` takes only a part of the stories, for a small city.
    """
    known = Case.objects.filter(city=city)
    if known.exists():
        return known.count()
    chance = random.Random(SEED)  # noqa: S311  a game
    # What the named people have touched the simulator leaves alone: the past is others' work, but
    # for the streets where named collectors walk.
    without = {login for login in named_logins() if not login.startswith("collector")}
    player = Player(city, chance, pictures_of(city, now), without)
    stories = _stories(path, chance, now, share)
    heapq.heapify(stories)
    while stories:
        story = heapq.heappop(stories)
        _scan_until(story.at)
        if _take_up(story, player) and story.steps:
            story.at += story.steps[0][1]
            heapq.heappush(stories, story)
    _scan_until(now)
    return known.count()


def _scan_until(until: datetime) -> None:
    """Warn, breach and escalate as the system did then, within a scan of each moment."""
    waiting = CaseClock.objects.filter(next_at__lt=until - SCAN)
    while due := waiting.aggregate(at=Min("next_at"))["at"]:
        deadlines_scan(now=due + SCAN)


def _stories(path: Path, chance: random.Random, now: datetime, share: float) -> list[Story]:
    stories = []
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        wishes = {name: entry[name] for name in WISHES if name in entry}
        for _each in range(max(1, round(entry["count"] * share))):
            steps = [(action, _length(action, chance)) for action in entry["path"].split()]
            waited = timedelta(hours=chance.uniform(*entry["waited_h"]))
            began = now - waited - sum((length for _action, length in steps), timedelta())
            stories.append(Story(began, len(stories), steps, wishes))
    return stories


def _length(action: str, chance: random.Random) -> timedelta:
    shortest, longest = MINUTES.get(action, DEFAULT_MINUTES)
    return timedelta(minutes=chance.uniform(shortest, longest))


def _take_up(story: Story, player: Player) -> bool:
    """Report the case or take its next step; tell whether the story goes on."""
    try:
        if story.case is None:
            story.case = player.report(story.at, **story.wishes)
        else:
            story.case = player.act(story.case, story.steps.pop(0)[0], story.at)
    except (CannotPlay, ActionRefused) as stopped:
        logger.info("Story %s stops: %s", story.number, stopped)
        return False
    return True
