"""One socket: what waits to be sent on it, coalesced and bounded, and the task that sends it.

A line never holds more than it can send: of a case's events only the newest waits, a broadcast
waits as a mark that there is something newer, hints beyond a few are dropped, and a line that is
further behind than ``MOST_WAITING`` cases is told to load again (``reload``). ``prev`` is written
when a message leaves, so it always names the message that left before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import orjson

from live.hub.airing import Airing
from live.hub.door import Entrance
from live.hub.lag import LagMeter

MOST_WAITING = 200  # cases
MOST_HINTS = 50
Send = Callable[[dict[str, Any]], Awaitable[None]]

_slots = itertools.count()


@dataclass(frozen=True, slots=True)
class Told:
    """An event as a line tells it; of several about a case, from where the first came."""

    position: int
    case_id: int
    number: str
    version: int
    action: str
    old_state: str
    new_state: str
    written_at: float | None = None  # on the clock of this process

    def after(self, earlier: Told | None) -> Told:
        """Return this event joined with an earlier one that was not sent."""
        return self if earlier is None else replace(self, old_state=earlier.old_state)

    def text(self, prev: int) -> str:
        """Return the message; numbers, actions and states need no escaping."""
        return (
            f'{{"type":"case","position":{self.position},"prev":{prev},"case":"{self.number}",'
            f'"version":{self.version},"action":"{self.action}","from":"{self.old_state}",'
            f'"state":"{self.new_state}"}}'
        )


def message(kind: str, /, **values: Any) -> str:
    """Return a message as text."""
    return orjson.dumps({"type": kind, **values}, default=str).decode()


class Line:
    """One open socket."""

    def __init__(self, entrance: Entrance, send: Send) -> None:
        self.entrance = entrance
        self.slot = next(_slots)  # spreads what all lines do every few seconds
        self.is_subscribed = False
        self.is_held = False  # rights are being decided again
        self.position = 0  # of the last event sent
        self.upto: Callable[[], int] = int
        self.rows: set[str] = set()  # numbers of the cases on this page's screen
        self.airings: dict[str, Airing] = {}
        self._numbers: dict[str, int] = {}  # the state of each broadcast this screen has
        self._greeting = ""
        self._events: dict[int, Told] = {}
        self._lost: dict[str, None] = {}  # numbers of cases out of sight
        self._must_reload = False
        self._has_missed = False
        self._says: deque[str] = deque(maxlen=MOST_HINTS)
        self._beat: dict[str, Any] | None = None
        self._newer: dict[str, None] = {}
        self._send = send
        self._woken = asyncio.Event()
        self._is_over = False
        self.lag = LagMeter()

    # ── what is to be said ────────────────────────────────────────────────────────────────────

    def begin(self, position: int) -> None:
        """Say from where on this line tells everything its person may see."""
        self.is_subscribed, self.position = True, position
        self._events.clear()
        self._greeting = message("subscribed", position=position)
        self._woken.set()

    def tell(self, told: Told) -> None:
        """Tell an event, with those of the same case that still wait; or to load again."""
        self._has_missed = self._has_missed or self.is_held
        if self._must_reload or self.is_held:
            return
        self._events[told.case_id] = told.after(self._events.pop(told.case_id, None))
        if len(self._events) > MOST_WAITING:
            self.reload()
        self._woken.set()

    def lose(self, told: Told) -> None:
        """Tell that a case on the screen is out of this person's sight now."""
        if told.number not in self.rows:
            return
        self._has_missed = self._has_missed or self.is_held
        if not self.is_held:
            self.rows.discard(told.number)
            self._lost[told.number] = None
            self._woken.set()

    def release(self) -> None:
        """Go on after rights were decided; what came meanwhile is to be loaded again."""
        self.is_held = False
        if self._has_missed:
            self._has_missed = False
            self.reload()

    def reload(self) -> None:
        """Say once that everything is to be loaded again; what waited is covered by that."""
        if not self.is_subscribed:
            return
        self._events.clear()
        self._must_reload = True
        self._woken.set()

    def say(self, text: str) -> None:
        """Say something unnumbered; of too many the oldest are dropped."""
        if not self.is_held:
            self._says.append(text)
            self._woken.set()

    def beat(self, **values: Any) -> None:
        """Let the page know that the line lives; one beat at most waits."""
        self._beat = values
        self._woken.set()

    def join(self, airing: Airing) -> None:
        """Follow a broadcast from its whole state on."""
        self.airings[airing.address] = airing
        self._numbers[airing.address] = 0
        self.newer(airing.address)

    def leave(self, address: str) -> None:
        """Follow a broadcast no longer."""
        self.airings.pop(address, None)
        self._numbers.pop(address, None)
        self._newer.pop(address, None)

    def newer(self, address: str) -> None:
        """Send what a broadcast has that this screen has not, when its turn comes."""
        self._newer[address] = None
        self._woken.set()

    def end(self) -> None:
        """Say nothing more."""
        self._is_over = True
        self._woken.set()

    # ── sending ───────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Send what there is until the socket is gone."""
        with contextlib.suppress(OSError):  # who left says so to the consumer
            while not self._is_over:
                await self._woken.wait()
                self._woken.clear()
                while not self._is_over and (text := self._next()):
                    await self._send({"type": "websocket.send", "text": text})

    def _next(self) -> str:
        """Return the next message; "" when nothing waits."""
        if self._greeting:
            text, self._greeting = self._greeting, ""
            return text
        if self._must_reload:
            self._must_reload = False
            self.lag.reloads += 1
            self.position = self.upto()
            return message("reload", position=self.position)
        if self._lost:
            lost, self._lost = list(self._lost), {}
            return message("gone", cases=lost)
        if self._events:
            told = self._events.pop(next(iter(self._events)))
            text = told.text(self.position)
            self.position = told.position
            self.lag.note(told.written_at)
            return text
        if self._beat is not None:
            values, self._beat = self._beat, None
            return message("beat", position=self.position, upto=self.upto(), **values)
        if self._says:
            return self._says.popleft()
        return self._next_state()

    def _next_state(self) -> str:
        while self._newer:
            address = next(iter(self._newer))
            del self._newer[address]
            text, self._numbers[address] = self.airings[address].text_for(self._numbers[address])
            if text:
                return text
        return ""
