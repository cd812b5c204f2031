"""Browsers' ends of sockets, and small HTTP beside them, in one event loop.

Cheap on purpose, like ``client``: seven hundred of them run on the cores of what they measure.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import struct
from collections.abc import Callable
from typing import Any

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
Heard = Callable[[bytes], None]
Closed = Callable[[], None]


class Socket(asyncio.Protocol):
    """One WebSocket: the handshake, text frames in and out, pings answered."""

    def __init__(self, path: str, cookie: str, on_open: Closed, on_text: Heard, on_close: Closed):
        self.path, self.cookie = path, cookie
        self.on_open, self.on_text, self.on_close = on_open, on_text, on_close
        self.buffer = bytearray()
        self.is_open = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self.path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Origin: http://localhost\r\nCookie: {self.cookie}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.is_open:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self.buffer.startswith(b"HTTP/1.1 101"):
                self.transport.close()
                return
            del self.buffer[: end + 4]
            self.is_open = True
            self.on_open()
        self._frames()

    def _frames(self) -> None:
        buffer, at = self.buffer, 0
        while len(buffer) - at >= 2:
            code, size, head = buffer[at] & 15, buffer[at + 1] & 127, 2
            if size == 126:
                head = 4
                if len(buffer) - at < head:
                    break
                size = int.from_bytes(buffer[at + 2 : at + 4], "big")
            elif size == 127:
                head = 10
                if len(buffer) - at < head:
                    break
                size = int.from_bytes(buffer[at + 2 : at + 10], "big")
            if len(buffer) - at < head + size:
                break
            content = bytes(buffer[at + head : at + head + size])
            at += head + size
            if code == TEXT:
                self.on_text(content)
            elif code == PING:
                self._send(PONG, content)
            elif code == CLOSE:
                self.transport.close()
        del buffer[:at]

    def say(self, wish: dict[str, Any]) -> None:
        """Send a message."""
        self._send(TEXT, json.dumps(wish).encode())

    def _send(self, code: int, content: bytes) -> None:
        size = len(content)
        head = bytes([128 | code]) + (
            bytes([128 | size]) if size < 126 else bytes([254]) + struct.pack("!H", size)
        )
        self.transport.write(head + b"\0\0\0\0" + content)  # a mask of zeros changes nothing

    def connection_lost(self, error: Exception | None) -> None:
        self.on_close()


class Http:
    """A keep-alive connection; opened again when it broke."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes, patience: float = 20.0) -> tuple[int, bytes]:
        """Send a request; return status and answer. Raises OSError when it came to nothing."""
        try:
            async with asyncio.timeout(patience):
                return await self._ask(request)
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            self.close()
            raise OSError(str(error)) from error

    async def _ask(self, request: bytes) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1")
        status = int(head.split(" ", 2)[1])
        size = 0
        for line in head.lower().split("\r\n"):
            if line.startswith("content-length:"):
                size = int(line.removeprefix("content-length:"))
            if line == "transfer-encoding: chunked":
                return status, await self._chunks(reader)
        return status, await reader.readexactly(size)

    @staticmethod
    async def _chunks(reader: asyncio.StreamReader) -> bytes:
        content = b""
        while size := int(await reader.readline(), 16):
            content += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
        return content

    def close(self) -> None:
        """Give the connection up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
