"""Programs of our own that a test may kill: the web server and Redis, on sockets of their own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import connection

PATIENCE_SECONDS = 60


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Ask again and again until it is so; fail when patience is over."""
    end = time.monotonic() + PATIENCE_SECONDS
    pause = threading.Event()
    while not is_so():
        assert time.monotonic() < end, f"waited in vain for {what}"
        pause.wait(0.02)


def address_of_database(name: str) -> str:
    """Return user, server and name of a database beside that of the tests, as URLs have them."""
    database = connection.settings_dict
    host = quote(str(database["HOST"]), safe="")
    port = f":{database['PORT']}" if database["PORT"] else ""
    password = f":{quote(database['PASSWORD'])}" if database["PASSWORD"] else ""
    return f"{database['USER']}{password}@{host}{port}/{name}"


class Program(ABC):
    """A program in a process group of its own, with a socket in a folder of its own."""

    socket_name = "socket"

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cm-"))
        self.socket = self.folder / self.socket_name
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """Return what is started."""

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    @abstractmethod
    def answers(self) -> bool:
        """Tell whether it is ready."""

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.socket.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            self.command(),
            env=self.environment(),
            cwd=settings.BASE_DIR,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "log").open("ab"),
        )
        wait_until(self.answers, f"{type(self).__name__}: {(self.folder / 'log').read_text()}")

    def kill(self) -> None:
        """Kill -9 the whole group: nothing is said goodbye to."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE_SECONDS)
            self.process = None

    def remove(self) -> None:
        """Kill it and leave nothing behind."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Web(Program):
    """The WSGI server as the Procfile starts it, on the database of the tests."""

    def __init__(self, redis_url: str = "") -> None:
        super().__init__()
        self.redis_url = redis_url

    def command(self) -> list[str]:
        return [
            str(Path(sys.executable).with_name("granian")),
            *("--interface", "wsgi", "--uds", str(self.socket), "--workers", "2", "--no-ws"),
            *("--blocking-threads", "4", "--respawn-failed-workers", "--log-level", "error"),
            "citymgmt.wsgi:application",
        ]

    def environment(self) -> dict[str, str]:
        address = address_of_database(str(connection.settings_dict["NAME"]))
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "citymgmt.settings",
            "DB_ROLE": "owner",
            "DATABASE_OWNER_URL": f"postgis://{address}",
            "DATABASE_URL": f"postgis://{address}",
            "REDIS_URL": self.redis_url or os.environ["REDIS_URL"],
            "DEMO": "False",
            "HTTPS": "False",
            "ALLOWED_HOSTS": "localhost",
            "CONN_MAX_AGE": "60",
            "MEDIA_ROOT": str(self.folder),
        }

    def answers(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.request("GET", "/-/live", timeout=10)[0] == 200
        return False

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = "",
        key: str = "",
        timeout: float = 60,
    ) -> tuple[int, dict[str, Any]]:
        """Return status and JSON; raise OSError or HTTPException when the server dies."""
        line = UnixConnection(str(self.socket), timeout)
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Token {token}"} if token else {}
        headers |= {"Idempotency-Key": key} if key else {}
        try:
            line.request(method, path, None if body is None else json.dumps(body), headers)
            answer = line.getresponse()
            text = answer.read()
            is_json = "json" in answer.headers.get("Content-Type", "")
            return answer.status, json.loads(text) if is_json and text else {}
        finally:
            line.close()


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Redis(Program):
    """A Redis that may go away."""

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    def command(self) -> list[str]:
        return [
            "redis-server",
            *("--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no"),
            *("--dir", str(self.folder)),
        ]

    def answers(self) -> bool:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as line:
            line.settimeout(5)
            line.connect(str(self.socket))
            line.sendall(b"PING\r\n")
            return line.recv(7) == b"+PONG\r\n"
        return False


@contextlib.contextmanager
def running(program: Program) -> Iterator[Program]:
    """Run a program for a while."""
    try:
        program.start()
        yield program
    finally:
        program.remove()
