"""The socket of a page: it hears that the log has grown and asks the API for what it may see.

The socket carries no content, only the head of the log and the hint that the reader's own inbox
changed, so it can leak nothing; a beat every five seconds lets the page notice that the line is
dead.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from live.publish import GROUP
from live.services import head

HEARTBEAT_SECONDS = 5
UNAUTHENTICATED = 4401


class EventsConsumer(AsyncJsonWebsocketConsumer):
    """One page's line."""

    async def connect(self) -> None:
        """Let people who are logged in join; the others are told to log in."""
        self.beat: asyncio.Task[None] | None = None
        user = self.scope.get("user")
        await self.accept()
        if user is None or not user.is_authenticated:
            await self.close(code=UNAUTHENTICATED)
            return
        await self.channel_layer.group_add(GROUP, self.channel_name)
        self.beat = asyncio.create_task(self._heartbeat())

    async def disconnect(self, code: int) -> None:
        """Leave the group and stop the beat."""
        if self.beat is not None:
            self.beat.cancel()
            await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Pages have nothing to say here."""

    async def log_head(self, message: dict[str, Any]) -> None:
        """Pass the head on."""
        await self.send_json({"head": message["head"]})

    async def inbox_changed(self, message: dict[str, Any]) -> None:
        """Say that this person's inbox changed; the others hear nothing."""
        if self.scope["user"].pk in message["people"]:
            await self.send_json({"inbox": True})

    async def _heartbeat(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                await self.send_json({"head": await database_sync_to_async(head)()})
                await asyncio.sleep(HEARTBEAT_SECONDS)
