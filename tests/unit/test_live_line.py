"""A line that cannot send fast enough: what it joins together, drops, and never does."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from live.hub.airing import Airing
from live.hub.door import Entrance
from live.hub.lines import MOST_HINTS, MOST_WAITING, Line, Told, message
from tests.cast import NOW


def told(position: int, case: int, before: str = "reported", after: str = "accepted") -> Told:
    return Told(position, case, f"2026{case}", position, "accept", before, after)


class Socket:
    """A socket that takes messages when the test lets it."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.line = Line(Entrance(SimpleNamespace(), None, {}), self.send)
        self.line.upto = lambda: self.position
        self.position = 0

    async def send(self, event: dict[str, Any]) -> None:
        self.messages.append(json.loads(event["text"]))

    def drain(self) -> list[dict[str, Any]]:
        """Let the line send all it holds; return that."""

        async def run() -> None:
            task = asyncio.create_task(self.line.run())
            for _turn in range(10):
                await asyncio.sleep(0)
            task.cancel()

        before = len(self.messages)
        asyncio.run(run())
        return self.messages[before:]


def test_events_of_a_case_that_wait_are_told_as_one_from_where_the_first_came():
    socket = Socket()
    socket.line.begin(0)
    for each in (told(1, 7), told(2, 8), told(3, 7, "accepted", "filed")):
        socket.line.tell(each)
    greeting, other, joined = socket.drain()
    assert greeting == {"type": "subscribed", "position": 0}
    assert (other["position"], other["prev"], other["case"]) == (2, 0, "20268")
    assert (joined["position"], joined["prev"]) == (3, 2)
    assert (joined["from"], joined["state"], joined["version"]) == ("reported", "filed", 3)


def test_a_line_too_far_behind_is_told_to_load_again_and_goes_on_from_there():
    socket = Socket()
    socket.line.begin(0)
    socket.drain()
    for position in range(1, MOST_WAITING + 50):
        socket.line.tell(told(position, position))
    socket.position = MOST_WAITING + 49
    assert socket.drain() == [{"type": "reload", "position": MOST_WAITING + 49}]
    socket.line.tell(told(MOST_WAITING + 50, 1))
    assert socket.drain()[0]["prev"] == MOST_WAITING + 49


def test_hints_beyond_a_few_are_dropped_the_oldest_first():
    socket = Socket()
    for number in range(MOST_HINTS + 5):
        socket.line.say(message("hint", number=number))
    assert [each["number"] for each in socket.drain()] == list(range(5, MOST_HINTS + 5))


def test_a_line_whose_rights_are_being_decided_says_nothing_and_loads_again_after():
    socket = Socket()
    socket.line.begin(0)
    socket.drain()
    socket.line.is_held = True
    socket.line.tell(told(1, 7))
    socket.line.say(message("hint"))
    assert socket.drain() == []
    socket.line.release()
    assert [each["type"] for each in socket.drain()] == ["reload"]


def test_a_case_that_goes_out_of_sight_while_rights_are_decided_is_found_gone_by_loading_again():
    socket = Socket()
    socket.line.begin(0)
    socket.drain()
    socket.line.rows = {"20267"}
    socket.line.is_held = True
    socket.line.lose(told(1, 8))
    socket.line.release()
    assert socket.drain() == [], "none of this page's"
    socket.line.is_held = True
    socket.line.lose(told(2, 7))
    socket.line.release()
    assert [each["type"] for each in socket.drain()] == ["reload"]


@given(st.lists(st.tuples(st.integers(1, 6), st.booleans()), max_size=60))
def test_whatever_the_pace_positions_follow_each_other_and_the_last_of_each_case_arrives(steps):
    socket = Socket()
    socket.line.begin(0)
    newest: dict[str, int] = {}
    for position, (case, is_time_to_send) in enumerate(steps, start=1):
        socket.line.tell(told(position, case))
        newest[f"2026{case}"] = position
        if is_time_to_send:
            socket.drain()
    socket.drain()
    last = 0
    for each in socket.messages[1:]:
        assert each["prev"] == last < each["position"]
        last = each["position"]
    arrived = {each["case"]: each["position"] for each in socket.messages[1:]}
    assert arrived == newest


def test_a_broadcast_that_was_missed_is_sent_whole():
    airing, socket = Airing("wall"), Socket()
    airing.take({"open": 1, "late": 0}, NOW)
    socket.line.join(airing)
    assert socket.drain()[0]["state"] == {"open": 1, "late": 0}
    airing.take({"open": 2}, NOW)
    socket.line.newer("wall")
    (delta,) = socket.drain()
    assert (delta["set"], delta["gone"], delta["prev"]) == ({"open": 2}, ["late"], 1)
    for count in (3, 4):
        airing.take({"open": count}, NOW)
        socket.line.newer("wall")
    (whole,) = socket.drain()
    assert (whole["type"], whole["number"], whole["state"]) == ("state", 4, {"open": 4})
