"""The socket of a page: who is there, what they want to hear. It forwards and computes nothing.

A page says ``{"subscribe": true}`` and hears everything its person may see from then on (with
``"after": position``, from there on if that is not long ago),
``{"rows": [numbers]}`` names the cases on its screen, ``{"look": number}`` the one it is about,
``{"join": address}`` and ``{"leave": address}`` a broadcast. What it hears: docs/rules/live.md.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import orjson
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error

from live.hub.hub import hub_here
from live.hub.lines import Line
from live.hub.rights import NO_LONGER

TRY_AGAIN = 1013
MOST_ROWS = 200
LONGEST = 60  # of a number or an address


class LineConsumer(AsyncWebsocketConsumer):
    """One page's line."""

    line: Line | None = None

    async def connect(self) -> None:
        """Open a line for who the database says this is; strangers are told to log in."""
        self.hub = hub_here()
        await self.accept()
        try:
            entrance = await self.hub.admit(self.scope["cookies"])
        except Error:
            await self.close(code=TRY_AGAIN)
            return
        if entrance is None:
            await self.close(code=NO_LONGER)
            return
        self.line = self.hub.open(entrance, self.base_send, self.close)
        self.writing = asyncio.create_task(self.line.run())

    async def disconnect(self, code: int) -> None:
        """Forget the line."""
        if self.line is not None:
            self.hub.shut(self.line)
            self.writing.cancel()

    async def receive(self, text_data: str | None = None, bytes_data: Any = None) -> None:
        """Do what the page asks for; what nobody understands is passed over."""
        if self.line is None or not self.line_is_open or not text_data:
            return
        try:
            wanted = orjson.loads(text_data)
        except orjson.JSONDecodeError:
            return
        if isinstance(wanted, dict):
            await self.do(wanted)

    @property
    def line_is_open(self) -> bool:
        """Tell whether the hub still knows the line."""
        return self.line in self.hub.lines

    async def do(self, wanted: dict[str, Any]) -> None:
        """Do one thing after the other; while the database is away the page is told to return."""
        try:
            if wanted.get("subscribe") is True:
                after = wanted.get("after")
                self.hub.subscribe(self.line, after if type(after) is int else None)
            if isinstance(rows := wanted.get("rows"), list):
                await self.hub.show(self.line, [row for row in rows if _is_word(row)][:MOST_ROWS])
            if "look" in wanted:
                number = wanted["look"]
                await self.hub.look(self.line, number if _is_word(number) else None)
            if _is_word(wanted.get("join")):
                await self.hub.join(self.line, wanted["join"])
            if _is_word(wanted.get("leave")):
                self.hub.studio.leave(self.line, wanted["leave"])
        except Error:
            await self.close(code=TRY_AGAIN)


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """Begin with the process, so that a silent one is noticed though no page is open."""
    hub = hub_here()
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            with contextlib.suppress(Error):  # tried again with the first page
                await hub.begin()
            await send({"type": "lifespan.startup.complete"})
        else:
            await hub.end()
            await send({"type": "lifespan.shutdown.complete"})
            return


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST and value.isprintable()
