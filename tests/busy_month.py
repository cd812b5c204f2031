"""A month of every kind of exception: in time, late, reworked, refused, returned, open."""

from __future__ import annotations

from datetime import timedelta

from cases.workflow import State
from evaluation.services.facts import READER
from live.readers import reader_run
from live.services import events_sequence
from tests.cast import NOW, ROADS, Story
from tests.databases import filled

HOUR = timedelta(hours=1)
WAYS = (State.CLOSED, State.REFUSED, State.VOIDED, State.REWORK, State.SUSPENDED, State.HANDLING)


@filled("cast")
def busy_month(cast):
    """A month of every kind of exception: in time, late, reworked, refused, returned, open."""
    for number in range(9):
        source = "hotline" if number % 3 == 0 else "collector"
        story = Story(cast, metres=number * 7, source=source)
        road = ROADS[WAYS[number % len(WAYS)] if number > 2 else State.CLOSED]
        for name, action in road:
            if action == "complete" and number % 4 == 1:
                story.now += 9 * 24 * HOUR
            story.act(action, cast.people[name])
    events_sequence()
    reader_run(reader=READER, now=NOW)
