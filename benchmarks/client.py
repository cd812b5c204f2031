"""A load client: some keep-alive connections, each sends its next request when it has its answer.

Cheap on purpose: it runs on the same cores as what it measures.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httptools

DEADLINE = 30.0  # seconds that an answer may take


@dataclass(slots=True)
class Ask:
    """One request; ``then`` gets status and answer."""

    method: str
    path: str
    token: str
    body: Any = None
    key: str = ""
    then: Callable[[int, bytes], None] | None = None

    def encode(self) -> bytes:
        """Return the request as it goes over the wire."""
        content = b"" if self.body is None else json.dumps(self.body).encode()
        key = f"Idempotency-Key: {self.key}\r\n" if self.key else ""
        head = (
            f"{self.method} {self.path} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Token {self.token}\r\nContent-Type: application/json\r\n"
            f"{key}Content-Length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content


@dataclass(slots=True)
class Load:
    """What a load brought: answers by status, and how long each took."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        """How many answers were good."""
        return sum(count for status, count in self.statuses.items() if status < 300)

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return self.count / self.seconds

    @property
    def median_ms(self) -> float:
        """The median of the answers' times."""
        return statistics.median(self.latencies) * 1000

    @property
    def failed(self) -> int:
        """How many answers were refusals or errors."""
        return sum(self.statuses.values()) - self.count


NextAsk = Callable[[int], Ask | None]  # the number of the client: its next request, None to stop


class _Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, number: int, next_ask: NextAsk, until: float, load: Load) -> None:
        self.number, self.next_ask, self.until, self.load = number, next_ask, until, load
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        ask = self.next_ask(self.number) if time.perf_counter() < self.until else None
        if ask is None:
            self.transport.close()
            return
        self.ask, self.content = ask, bytearray()
        self.parser = httptools.HttpResponseParser(self)
        self.started = time.perf_counter()
        self.transport.write(ask.encode())

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.content += body

    def on_message_complete(self) -> None:
        status = self.parser.get_status_code()
        self.load.statuses[status] += 1
        self.load.latencies.append(time.perf_counter() - self.started)
        if status >= 300:
            self.load.refusals[f"{status} {self.ask.path}: {bytes(self.content[:300])!r}"] += 1
        if self.ask.then is not None:
            self.ask.then(status, bytes(self.content))
        self.send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


def run_load(port: int, next_ask: NextAsk, *, clients: int, seconds: float) -> Load:
    """Let ``clients`` send requests for some seconds; return what came back."""
    load = Load()

    async def run() -> None:
        loop = asyncio.get_running_loop()
        started = time.perf_counter()
        connections = []
        for number in range(clients):
            _transport, connection = await loop.create_connection(
                lambda number=number: _Connection(number, next_ask, started + seconds, load),
                "127.0.0.1",
                port,
            )
            connections.append(connection)
        done = asyncio.gather(*(connection.done for connection in connections))
        await asyncio.wait_for(done, seconds + DEADLINE)
        load.seconds = time.perf_counter() - started

    asyncio.run(run())
    return load
