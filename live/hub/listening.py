"""The database's notifications, heard on a connection of their own.

They only wake: what was missed while the connection was away is found by looking, so whoever
listens is told (``on_gap``) whenever it begins anew.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

from django.db import Error, connections
from psycopg2 import Error as DriverError
from psycopg2 import sql

from live.publish import CHANNEL

logger = logging.getLogger(__name__)

AGAIN_SECONDS = 0.5
Message = dict[str, Any]


class Listener:
    """Hears what ``live.publish`` says, in the order of the commits."""

    def __init__(self, hear: Callable[[Message], None], on_gap: Callable[[], None]) -> None:
        self.hear, self.on_gap = hear, on_gap
        self._raw: Any = None
        self._file = -1  # a broken connection does not know its own any more
        self._task: asyncio.Task[None] | None = None
        self._broken = asyncio.Event()

    def start(self) -> None:
        """Begin; while the database is away, try again until it is there."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Hear nothing more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._close()

    def renew(self) -> None:
        """Begin anew on another connection: this one has gone silent."""
        self._broken.set()

    def poll(self) -> None:
        """Hear what has arrived."""
        if self._raw is None:
            return
        try:
            self._raw.poll()
        except DriverError as error:
            logger.warning("The database's notifications ended: %s", str(error).strip())
            self._broken.set()
            return
        heard, self._raw.notifies[:] = list(self._raw.notifies), []
        for notification in heard:
            try:
                self.hear(json.loads(notification.payload))
            except (ValueError, LookupError, TypeError):
                logger.exception("A notification says nothing: %s", notification.payload)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                self._raw = await loop.run_in_executor(None, _listen)
            except (Error, DriverError):
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            self._broken.clear()
            self._file = self._raw.fileno()
            loop.add_reader(self._file, self.poll)
            self.on_gap()
            await self._broken.wait()
            self._close()

    def _close(self) -> None:
        if self._raw is not None:
            asyncio.get_running_loop().remove_reader(self._file)
            self._raw.close()
            self._raw = None


def _listen() -> Any:
    """Open a connection that listens; the settings of the others hold for it too."""
    wrapper = connections["default"].copy()
    wrapper.ensure_connection()
    raw = wrapper.connection
    with raw.cursor() as cursor:
        cursor.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
    return raw
