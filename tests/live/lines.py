"""Pages at their sockets, without a browser: who they are is in their cookies all the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.db import connection
from django.test import Client

from accounts.models import User
from citymgmt.asgi import application
from live.hub.hub import hub_here
from live.services import events_sequence, head

PATIENCE_SECONDS = 20
SESSION = settings.SESSION_COOKIE_NAME
later = sync_to_async
BACKEND = "accounts.backends.PersonBackend"


class Page:
    """One page: what it heard, and what it asks for."""

    def __init__(self, user: User | None = None, cookies: dict[str, str] | None = None) -> None:
        self.user = user
        self.client = Client()
        for name, value in (cookies or {}).items():
            self.client.cookies[name] = value
        self.position = 0
        self.upto = 0  # it knows of everything until here
        self.known: dict[str, tuple[int, str]] = {}  # of each case: since when, which state
        self.heard: list[dict[str, Any]] = []

    async def open(self) -> Page:
        """Log in and connect; the server accepts whoever comes and says then who may stay."""
        if self.user is not None and SESSION not in self.client.cookies:
            await later(self.client.force_login)(self.user, backend=BACKEND)
        cookies = "; ".join(f"{name}={each.value}" for name, each in self.client.cookies.items())
        headers = [(b"cookie", cookies.encode()), (b"origin", b"http://testserver")]
        scope = {"type": "websocket", "path": "/ws/live/", "headers": headers}
        self.socket = ApplicationCommunicator(application, scope)
        await self.socket.send_input({"type": "websocket.connect"})
        assert (await self.event())["type"] == "websocket.accept"
        return self

    async def event(self) -> dict[str, Any]:
        """Return what the server sends next."""
        return await self.socket.receive_output(PATIENCE_SECONDS)

    async def ask(self, **wanted: Any) -> None:
        """Send a wish."""
        await self.socket.send_input({"type": "websocket.receive", "text": json.dumps(wanted)})

    async def subscribe(self, **wanted: Any) -> Page:
        """Subscribe; returns when the server says from where on it tells everything."""
        await self.ask(subscribe=True, **wanted)
        self.position = (await self.hear("subscribed"))["position"]
        return self

    async def hear(self, kind: str, **values: Any) -> dict[str, Any]:
        """Return the next message of a kind, with these values; others are kept in ``heard``."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                event = await self.event()
                assert event["type"] == "websocket.send", event
                message = json.loads(event["text"])
                self.heard.append(message)
                if message["type"] == "case":
                    assert message["prev"] == self.position, "a gap nobody told of"
                    self.know(message["case"], message["position"], message["state"])
                    self.upto = message["position"]
                if "position" in message:
                    self.position = message["position"]
                if message["type"] == kind and values.items() <= message.items():
                    return message

    def know(self, number: str, position: int, state: str) -> None:
        """Take what is newer than what is known."""
        self.known[number] = max(self.known.get(number, (0, "")), (position, state))

    def ask_feed(self) -> None:
        """Ask for what this page does not know yet."""
        page = self.client.get(f"/api/v1/events/?after={self.upto}&page_size=500").json()
        for row in page["events"]:
            self.know(row["case"], row["position"], row["new_state"])
        self.upto = page["position"]

    def picture(self) -> dict[str, str]:
        """Return the state of each case as far as this page knows."""
        return {number: state for number, (_position, state) in self.known.items()}

    async def closed(self) -> int:
        """Return the code with which the server closes."""
        while True:
            event = await self.event()
            if event["type"] == "websocket.close":
                return event["code"]

    def cases(self) -> list[tuple[str, str]]:
        """Return the case and the state of each event heard."""
        return [(each["case"], each["state"]) for each in self.heard if each["type"] == "case"]

    async def quiet(self) -> None:
        """Wait until whatever was committed until now has been told: a beat says how far."""
        until = await later(numbered_until_now)()
        while (await self.hear("beat"))["upto"] < until:
            pass

    async def leave(self) -> None:
        """Close the page."""
        await self.socket.send_input({"type": "websocket.disconnect", "code": 1001})
        await self.socket.wait(PATIENCE_SECONDS)


def numbered_until_now() -> int:
    """Number what is committed; return the head of the log."""
    events_sequence()
    return head()


def hang_up() -> None:
    """Give this thread's connection back."""
    connection.close()


@asynccontextmanager
async def hub_of_a_test() -> AsyncIterator[None]:
    """Let the hub of this test end with it; its beats, which tests wait for, come more often."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("live.hub.hub.BEAT_SECONDS", 0.5)
        hub = hub_here()
        try:
            yield
        finally:
            await hub.end()
            await later(hang_up)()


def run(scene: Callable[[], Awaitable[None]]) -> None:
    """Play a scene with sockets in it."""

    async def play() -> None:
        async with hub_of_a_test():
            await scene()

    asyncio.run(play())
