"""What pages do with their socket, without a browser: a desk's page and a wall.

They keep to the rules of ``static/js/live/``: ``prev`` and beats show gaps, the feed fills them.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from array import array
from collections import Counter
from typing import Any

from accounts.models import User
from benchmarks.sockets import Http, Socket

WALL = "wall"  # the name of what walls share
SCOPE = "wall:city"


class Client:
    """A browser that comes back by itself."""

    def __init__(self, port: int, cookie: str) -> None:
        self.port, self.cookie = port, cookie
        self.socket: Socket | None = None
        self.tries = self.losses = 0
        self.is_ending = False
        self.counts: Counter[str] = Counter()

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _transport, self.socket = await loop.create_connection(
                lambda: Socket("/ws/live/", self.cookie, self.opened, self.text, self.closed),
                "127.0.0.1",
                self.port,
            )
        except OSError:
            self.closed()

    def opened(self) -> None:
        self.tries = 0

    def text(self, content: bytes) -> None:
        message = json.loads(content)
        self.counts[message["type"]] += 1
        getattr(self, f"on_{message['type']}", lambda _message: None)(message)

    def closed(self) -> None:
        self.socket = None
        if self.is_ending:
            return
        self.losses += 1
        self.lost()
        longest = 1.0 if self.tries < 10 else 15.0
        wait = min(0.5 * 2**self.tries, longest) * (0.5 + random.random())
        self.tries += 1
        asyncio.get_running_loop().call_later(wait, self.again)

    def again(self) -> None:
        if not self.is_ending:
            _tasks.add(task := asyncio.create_task(self.connect()))
            task.add_done_callback(_tasks.discard)

    def lost(self) -> None:
        """Do what follows when the socket is gone."""


_tasks: set[asyncio.Task[None]] = set()


class Desk(Client):
    """A desk's page: what it knows of each case, and how far it has come."""

    def __init__(self, port: int, cookie: str, user: User, position: int) -> None:
        super().__init__(port, cookie)
        self.user = user
        self.begun_at = position
        self.upto, self.last = position, None
        self.states: dict[str, tuple[int, str]] = {}
        self.received = array("q"), array("d")  # positions told by the socket, and when
        self.covered = array("d"), array("q")  # when this page knew of everything up to where
        self.faults: list[str] = []
        self.is_reading = self.is_wanted = False

    def opened(self) -> None:
        super().opened()
        assert self.socket is not None
        self.socket.say({"subscribe": True, "after": self.upto})

    def lost(self) -> None:
        self.last = None

    def cover(self, upto: int) -> None:
        if upto > self.upto:
            self.upto = upto
            self.covered[0].append(time.time())
            self.covered[1].append(upto)

    def take(self, number: str, position: int, state: str) -> None:
        if self.states.get(number, (0, ""))[0] < position:
            self.states[number] = position, state

    def on_subscribed(self, message: dict[str, Any]) -> None:
        self.last = message["position"]
        if self.last > self.upto:
            self.resume()

    def on_case(self, message: dict[str, Any]) -> None:
        position = message["position"]
        self.received[0].append(position)
        self.received[1].append(time.time())
        if self.last is not None and position <= self.last:
            self.faults.append(f"{position} after {self.last}")
        self.take(message["case"], position, message["state"])
        follows, self.last = message["prev"] == self.last, position
        if not follows:
            self.counts["gap"] += 1
            self.resume()
        elif not self.is_reading:
            self.cover(position)

    def on_beat(self, message: dict[str, Any]) -> None:
        if self.last is None:
            return
        if message["position"] != self.last:
            self.counts["gap"] += 1
            self.last = message["position"]
            self.resume()
        elif not self.is_reading:
            self.cover(message["upto"])

    def on_reload(self, message: dict[str, Any]) -> None:
        self.last = message["position"]
        asyncio.get_running_loop().call_later(random.random() * 1.5, self.resume)

    def on_gone(self, message: dict[str, Any]) -> None:
        for number in message["cases"]:
            self.states.pop(number, None)

    def resume(self) -> None:
        self.is_wanted = True
        if not self.is_reading:
            self.is_reading = True
            _tasks.add(task := asyncio.create_task(self.read()))
            task.add_done_callback(_tasks.discard)

    async def read(self) -> None:
        while self.is_wanted and not self.is_ending:
            self.is_wanted = False
            try:
                status, answer = await self.ask_feed()
            except OSError:
                status, answer = 0, b""
            if status != 200:
                self.is_wanted = True
                await asyncio.sleep(0.5 + random.random())
                continue
            page = json.loads(answer)
            self.counts["resume"] += 1
            for row in page["events"]:
                self.take(row["case"], row["position"], row["new_state"])
            self.cover(page["position"])
            self.is_wanted = self.is_wanted or not page["is_complete"]
        self.is_reading = False

    async def ask_feed(self) -> tuple[int, bytes]:
        request = (
            f"GET /api/v1/events/?after={self.upto}&page_size=500 HTTP/1.1\r\nHost: localhost\r\n"
            f"Accept: application/json\r\nCookie: {self.cookie}\r\n\r\n"
        )
        async with _asking:
            http = Http(self.port)
            try:
                return await http.ask(request.encode())
            finally:
                http.close()


_asking = asyncio.Semaphore(32)  # what a browser's network and 500 desks' chance spread


class Wall(Client):
    """A wall: the state of the broadcast, kept whole by its numbers."""

    def __init__(self, port: int, cookie: str) -> None:
        super().__init__(port, cookie)
        self.state: dict[str, Any] = {}
        self.number = 0
        self.heard_at = 0.0
        self.longest_silence = 0.0

    def opened(self) -> None:
        super().opened()
        self.join()

    def join(self) -> None:
        self.number = 0
        if self.socket is not None:
            self.socket.say({"join": SCOPE})

    def on_state(self, message: dict[str, Any]) -> None:
        self.state = message["state"]
        self.heard(message)

    def on_delta(self, message: dict[str, Any]) -> None:
        if message["prev"] != self.number:
            self.counts["gap"] += 1
            self.join()
            return
        self.state.update(message["set"])
        for key in message["gone"]:
            self.state.pop(key, None)
        self.heard(message)

    def heard(self, message: dict[str, Any]) -> None:
        now = time.time()
        if self.heard_at:
            self.longest_silence = max(self.longest_silence, now - self.heard_at)
        self.heard_at, self.number = now, message["number"]
