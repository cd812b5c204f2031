"""Threads of the hub that ask the database, each with a connection of its own.

The connection stays open, so that what is prepared on it stays prepared, and is given up after a
fault; so a process that holds sockets has a handful of connections, however many sockets there are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from django.db import Error, connection

T = TypeVar("T")


class Room:
    """One thread; what is to be done there is done in turn."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"live-{name}")

    async def do(self, work: Callable[..., T], *args: Any) -> T:
        """Do some work there and return what it returns."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, partial(_do, work, *args))

    async def close(self) -> None:
        """Give the connection back and end the thread."""
        await self.do(_hang_up)
        self._pool.shutdown(wait=False)


def _hang_up() -> None:
    connection.close()  # this thread's


def _do(work: Callable[..., T], *args: Any) -> T:
    try:
        return work(*args)
    except Error:
        connection.close()
        raise
