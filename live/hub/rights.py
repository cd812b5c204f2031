"""Rights that change: whose do, hears nothing more until it is decided again what they may see.

The database says whose (triggers of migration 0005 on people, their roles, organisations and
sessions, whoever changed them and by whatever way); what it says while nobody listens is found by
asking about everybody, after every gap and every five minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db import Error

from live.hub import door
from live.hub.door import TOGETHER, Entrance
from live.hub.lines import Line

if TYPE_CHECKING:
    from live.hub.hub import Close, Hub

logger = logging.getLogger(__name__)

EVERYBODY_SECONDS = 300.0
AGAIN_SECONDS = 0.5
NO_LONGER = 4401  # closed: log in again


class Rights:
    """Decides again about lines whose people's rights may have changed."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._due: set[Line] = set()
        self._woken = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._closing: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin."""
        self._tasks = [asyncio.create_task(each) for each in (self._decide(), self._now_and_then())]

    async def stop(self) -> None:
        """Decide nothing more."""
        tasks = [*self._tasks, *self._closing]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def hear(self, heard: dict[str, Any]) -> None:
        """Hold the lines of whoever a notification is about."""
        if "person" in heard:
            self._hold(lambda line: _person(line) == heard["person"])
        elif "session" in heard:
            self._hold(lambda line: line.entrance.session_digest == heard["session"])
        elif "guests" in heard:
            self._hold(lambda line: line.entrance.guest is not None)
        elif "organisations" in heard:
            # Who stays what they were may see what others brought along.
            for line in self.hub.lines:
                line.reload()
            self.everybody()

    def everybody(self) -> None:
        """Decide again about every line; meanwhile they go on."""
        self._due.update(self.hub.lines)
        self._woken.set()

    def _hold(self, is_meant: Callable[[Line], bool]) -> None:
        meant = [line for line in self.hub.lines if is_meant(line)]
        for line in meant:
            line.is_held = True
        self._due.update(meant)
        self._woken.set()

    async def _now_and_then(self) -> None:
        while True:
            await asyncio.sleep(EVERYBODY_SECONDS)
            self.everybody()

    async def _decide(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._due:
                lines = [self._due.pop() for _one in range(min(len(self._due), TOGETHER))]
                try:
                    cookies = [line.entrance.cookies for line in lines]
                    entrances = await self.hub.door.do(door.admit, cookies)
                    for line, after in zip(lines, entrances, strict=True):
                        await self._decide_about(line, after)
                except Error as error:
                    logger.warning("Rights could not be read: %s", str(error).strip())
                    self._due.update(lines)
                    await asyncio.sleep(AGAIN_SECONDS)

    async def _decide_about(self, line: Line, after: Entrance | None) -> None:
        if line in self._due:
            return  # something was heard of it since
        before = line.entrance
        close = self.hub.lines.get(line)
        if close is None:
            return  # it left meanwhile
        if after is None or _person(line) != (after.person.pk if after.person else None):
            self.hub.shut(line)
            task = asyncio.create_task(_closed(close))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            return
        line.entrance = after
        for address in list(line.airings):
            if not await self.hub.door.do(door.may_join, after, address):
                self.hub.studio.leave(line, address)
        was_subscribed = line.is_subscribed
        if after.scope != before.scope:
            line.rows.clear()
            self.hub.looking.look(line, None)
            line.reload()
            if was_subscribed:
                self.hub.subscribe(line)
        line.release()


async def _closed(close: Close) -> None:
    """Close a socket; nobody else waits for a browser that does not answer, or has gone already."""
    with contextlib.suppress(OSError, RuntimeError):
        await close(NO_LONGER)


def _person(line: Line) -> int | None:
    person = line.entrance.person
    return None if person is None else person.pk
