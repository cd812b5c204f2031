"""One hub a process: who is connected, one subscription to the log, fan-out in memory.

The log is looked into when the database says that something was committed, and once a second
whatever is heard. Each event is read once and its scopes are computed once; a line then only gets
what its scope sees. What the hub knows goes when it ends; pages then find another and ask the feed
for what they missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from django.db import Error

from live.hub import door, reading
from live.hub.door import TOGETHER, Entrance
from live.hub.lag import LagMeter
from live.hub.lines import Line, Send, message
from live.hub.listening import Listener
from live.hub.looking import Looking
from live.hub.reading import Stretch
from live.hub.reporting import report
from live.hub.rights import Rights
from live.hub.rooms import Room
from live.hub.sight import Scope
from live.hub.studio import Studio

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0  # at the latest, whatever the database says
BEAT_SECONDS = 5.0
AGAIN_SECONDS = 0.5

Close = Callable[[int], Awaitable[None]]
T = TypeVar("T")


class Hub:
    """Everything a process knows of its sockets."""

    def __init__(self) -> None:
        self.lines: dict[Line, Close] = {}
        self.scopes: dict[Scope, set[Line]] = defaultdict(set)
        self.position = 0
        self.process = f"{socket.gethostname()[:24]}:{os.getpid()}"
        self.looked_at = 0.0  # when the log was last read, on this process's clock
        self.echoed_at = 0.0  # when this process last heard itself
        self.log, self.door = Room("log"), Room("door")
        self.lag = LagMeter()
        self.studio = Studio()
        self.looking = Looking(self.door)
        self.rights = Rights(self)
        self.listener = Listener(self._hear, self._after_gap)
        self._joining: dict[Line, int | None] = {}  # with the position its page knows
        self._woken = asyncio.Event()
        self._at_door: deque[tuple[Mapping[str, str], asyncio.Future[Entrance | None]]] = deque()
        self._admitting: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._begun: asyncio.Future[None] | None = None

    # ── its life ──────────────────────────────────────────────────────────────────────────────

    async def begin(self) -> None:
        """Begin, once; raises the database's error while it is away."""
        if self._begun is None:
            self._begun = asyncio.ensure_future(self._begin())
        try:
            await asyncio.shield(self._begun)
        except Error:
            self._begun = None
            raise

    async def _begin(self) -> None:
        self.position = await self.log.do(reading.begin)
        self.looked_at = time.monotonic()
        self.listener.start()
        work = (self._follow(), self._keep_beating(), report(self))
        self._tasks = [asyncio.create_task(each) for each in work]
        self.rights.start()
        self.looking.start()

    async def end(self) -> None:
        """End, as at the end of a test; a process that ends just ends."""
        tasks = [*self._tasks, *filter(None, [self._admitting])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.rights.stop()
        await self.looking.stop()
        await self.listener.stop()
        await self.studio.close()
        for room in (self.log, self.door):
            await room.close()
        _hubs.pop(asyncio.get_running_loop(), None)

    # ── lines come and go ─────────────────────────────────────────────────────────────────────

    async def admit(self, cookies: Mapping[str, str]) -> Entrance | None:
        """Return who is at the door; None for a stranger.

        Who comes while others are asked about is asked about with all who come meanwhile: after a
        restart hundreds of pages stand there at once.
        """
        await self.begin()
        answer: asyncio.Future[Entrance | None] = asyncio.get_running_loop().create_future()
        self._at_door.append((cookies, answer))
        if self._admitting is None or self._admitting.done():
            self._admitting = asyncio.create_task(self._admit())
        return await answer

    async def _admit(self) -> None:
        while self._at_door:
            together = [
                self._at_door.popleft() for _one in range(min(len(self._at_door), TOGETHER))
            ]
            try:
                found = await self.door.do(door.admit, [cookies for cookies, _ in together])
            except Exception as error:
                for _cookies, answer in together:
                    if not answer.done():
                        answer.set_exception(error)
            else:
                for (_cookies, answer), entrance in zip(together, found, strict=True):
                    if not answer.done():  # it has not left meanwhile
                        answer.set_result(entrance)

    def open(self, entrance: Entrance, send: Send, close: Close) -> Line:
        """Open a line; it carries nothing but beats until it subscribes or joins something."""
        line = Line(entrance, send)
        line.upto, line.lag = (lambda: self.position), self.lag
        self.lines[line] = close
        return line

    def shut(self, line: Line) -> None:
        """Forget a line."""
        line.end()
        self.lines.pop(line, None)
        self._unsubscribe(line)
        self.looking.look(line, None)
        for address in list(line.airings):
            self.studio.leave(line, address)

    def subscribe(self, line: Line, after: int | None = None) -> None:
        """Tell a line everything its person may see, from the next look into the log on.

        With ``after``, what its page already knows, from there on if that is not long ago: many
        pages that come back together are told of one reading, and need not ask the feed.
        """
        if line.entrance.scope is None or line in self._joining:
            return
        self._unsubscribe(line)
        self.scopes[line.entrance.scope]  # looked for from now on
        self._joining[line] = after
        self._woken.set()

    def _unsubscribe(self, line: Line) -> None:
        line.is_subscribed = False
        self._joining.pop(line, None)
        for scope in [scope for scope, lines in self.scopes.items() if line in lines]:
            self.scopes[scope].discard(line)
            if not self.scopes[scope]:
                del self.scopes[scope]

    async def show(self, line: Line, numbers: list[str]) -> None:
        """Remember which cases a page has on its screen; tell it which it may not see."""
        seen = await self._allowed(line, door.numbers_seen, numbers)
        line.rows = seen
        if gone := sorted(set(numbers) - seen):
            line.say(message("gone", cases=gone))

    async def look(self, line: Line, number: str | None) -> None:
        """Show a person as looking at a case, to the others who do; None: no longer."""
        seen = await self._allowed(line, door.numbers_seen, [number] if number else [])
        self.looking.look(line, number if number in seen else None)

    async def join(self, line: Line, address: str) -> None:
        """Let a line follow a broadcast, or tell it that it may not."""
        if await self._allowed(line, door.may_join, address) and line in self.lines:
            self.studio.join(line, address)
        else:
            line.say(message("refused", broadcast=address))

    async def _allowed(self, line: Line, ask: Callable[[Entrance, Any], T], what: Any) -> T:
        """Ask what a line's person may; anew where their rights were decided again meanwhile."""
        while True:
            entrance = line.entrance
            answer = await self.door.do(ask, entrance, what)
            if line.entrance is entrance:
                return answer

    # ── the log ───────────────────────────────────────────────────────────────────────────────

    async def _follow(self) -> None:
        while True:
            # wait_for would lose a cancelling that comes with what it waits for.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._woken.wait()
            self._woken.clear()
            joining = dict(self._joining)
            try:
                stretch = await self.log.do(reading.read_on, self.position, list(self.scopes))
                missed = await self._missed(joining, stretch.until)
            except Error as error:
                logger.warning("The log could not be read: %s", str(error).strip())
                await asyncio.sleep(AGAIN_SECONDS)
                self._woken.set()
                continue
            self.looked_at = time.monotonic()
            self.listener.poll()  # rights that changed before what was read, first
            self._deliver(stretch)
            self._let_in(joining, missed)

    def _deliver(self, stretch: Stretch) -> None:
        """Give each line what its scope sees."""
        self.position = max(stretch.until, self.position)
        if stretch.is_too_much:
            for lines in self.scopes.values():
                for line in lines:
                    line.reload()
            return
        for scope, seen in stretch.seen.items():
            lines = self.scopes.get(scope, set())
            for told in stretch.events:
                if told.case_id in seen:
                    for line in lines:
                        line.tell(told)
                else:
                    for line in lines:
                        line.lose(told)

    async def _missed(self, joining: Mapping[Line, int | None], until: int) -> Stretch:
        """Read what the earliest of those who come in does not know yet, if it is not much."""
        earliest = max(until - reading.MOST_AT_ONCE, 0)
        known = {
            line: at for line, at in joining.items() if at is not None and earliest <= at < until
        }
        scopes = {line.entrance.scope for line in known} - {None}
        if not scopes:
            return Stretch(until, since=until)
        missed = await self.log.do(reading.read_between, min(known.values()), until, scopes)
        # How long a page was away is no delay of the line's.
        return replace(missed, events=[replace(told, written_at=None) for told in missed.events])

    def _let_in(self, joining: Mapping[Line, int | None], missed: Stretch) -> None:
        """Subscribe who asked: what comes after this position was looked for with their scope."""
        for line, after in joining.items():
            scope = line.entrance.scope
            if line not in self._joining or scope is None:
                continue
            del self._joining[line]
            self.scopes[scope].add(line)
            seen = missed.seen.get(scope)
            if seen is None or after is None or not missed.since <= after <= missed.until:
                line.begin(self.position)
                continue
            line.begin(after)
            for told in missed.events:
                if told.position > after and told.case_id in seen:
                    line.tell(told)
            line.beat(age=0.0, lag=None)  # follows them: this is all until now
        for scope in [scope for scope, lines in self.scopes.items() if not lines]:
            del self.scopes[scope]  # of somebody who left before they came in

    # ── what is heard ─────────────────────────────────────────────────────────────────────────

    def _hear(self, heard: dict[str, Any]) -> None:
        if "wake" in heard:
            self._woken.set()
        elif "echo" in heard:
            if heard["echo"] == self.process:
                self.echoed_at = time.monotonic()
        elif "hint" in heard:
            self._pass_on(heard)
        elif "looking" in heard:
            self.looking.hear(heard)
        else:
            self.rights.hear(heard)

    def _after_gap(self) -> None:
        """Look at everything again: what was said meanwhile was not heard."""
        self.echoed_at = time.monotonic()
        self._woken.set()
        self.rights.everybody()

    def _pass_on(self, heard: dict[str, Any]) -> None:
        kind, data = heard["hint"], heard["data"]
        if "people" in heard:
            people, text = set(heard["people"]), message("hint", kind=kind, data=data)
            for line in self.lines:
                if line.entrance.person is not None and line.entrance.person.pk in people:
                    line.say(text)
        elif "case" in heard:
            text = message("hint", kind=kind, case=heard["case"], data=data)
            for line in self.lines:
                if heard["case"] in line.rows:
                    line.say(text)
        else:
            text = message("hint", kind=kind, broadcast=heard["broadcast"], data=data)
            for line in self.lines:
                if heard["broadcast"] in line.airings:
                    line.say(text)

    # ── signs of life ─────────────────────────────────────────────────────────────────────────

    async def _keep_beating(self) -> None:
        """Let every line beat every few seconds, a part of them at a time."""
        slots, turn = 20, 0
        while True:
            await asyncio.sleep(BEAT_SECONDS / slots)
            turn = (turn + 1) % slots
            age = round(time.monotonic() - self.looked_at, 1)
            lag = self.lag.delay().median
            for line in self.lines:
                if line.slot % slots == turn:
                    line.beat(age=age, lag=None if lag is None else round(lag, 3))


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub_here() -> Hub:
    """Return the hub of this event loop, which is that of the process."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
