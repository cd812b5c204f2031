"""The broadcasts somebody follows: each computed once, by a clock of its own."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from datetime import datetime
from typing import Any

from common import clock
from live.broadcasts import Broadcast, broadcast_of
from live.hub.airing import Airing
from live.hub.lines import Line
from live.hub.rooms import Room

logger = logging.getLogger(__name__)

SHORTEST_REST = 0.05  # seconds between two computations, however long one takes


class Studio:
    """What is on the air, and who follows it."""

    def __init__(self) -> None:
        self.room = Room("studio")
        self._airings: dict[str, tuple[Airing, asyncio.Task[None]]] = {}
        self._followers: dict[str, set[Line]] = defaultdict(set)

    def join(self, line: Line, address: str) -> None:
        """Let a line follow; the first one puts the broadcast on the air."""
        found = broadcast_of(address)
        if found is None:
            return
        self._followers[address].add(line)
        if address not in self._airings:
            airing = Airing(address)
            task = asyncio.create_task(self._air(airing, *found))
            self._airings[address] = airing, task
        line.join(self._airings[address][0])

    def leave(self, line: Line, address: str) -> None:
        """Let a line follow no longer; after the last one nothing is computed."""
        line.leave(address)
        self._followers[address].discard(line)
        if not self._followers[address]:
            del self._followers[address]
            if address in self._airings:
                self._airings.pop(address)[1].cancel()

    async def close(self) -> None:
        """Take everything off the air."""
        tasks = [task for _airing, task in self._airings.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.room.close()

    async def _air(self, airing: Airing, broadcast: Broadcast, topic: str) -> None:
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            try:
                airing.take(*await self.room.do(_compute, broadcast, topic))
            except Exception:
                # Whatever an app's own code raises, the screens hear that nothing new comes.
                logger.exception("The broadcast %s could not be computed", airing.address)
                airing.fail()
            for line in self._followers[airing.address]:
                line.newer(airing.address)
            rest = broadcast.every_seconds - (loop.time() - started)
            await asyncio.sleep(max(rest, SHORTEST_REST))


def _compute(broadcast: Broadcast, topic: str) -> tuple[dict[str, Any], datetime]:
    now = clock.now()
    return broadcast.compute(topic, now), now
