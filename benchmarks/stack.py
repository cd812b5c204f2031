"""nginx and the web workers of `make run`, on a port and a database of their own, for a while."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NGINX = "/usr/sbin/nginx"


@dataclass(frozen=True, slots=True)
class Stack:
    """Where it answers, and the first process of each family."""

    port: int
    web: int
    nginx: int


@contextmanager
def running_stack() -> Iterator[Stack]:
    """Start the Procfile's nginx and web; stop them at the end.

    The environment's DATABASE_URL says which database they use.
    """
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "var") as folder:
        run = Path(folder)
        port = _free_port()
        (run / "nginx.conf").write_text(_nginx_configuration(run, port))
        environment = {
            **os.environ,
            "RUN": str(run),
            "DEMO": "False",
            "LOG_LEVEL": "WARNING",
            "X_ACCEL_PREFIX": "/.media/",
        }
        programs = {name: _start(name, environment) for name in ("web", "nginx")}
        try:
            _wait_until_ready(port, programs)
            yield Stack(port, programs["web"].pid, programs["nginx"].pid)
        finally:
            for program in programs.values():
                program.send_signal(signal.SIGTERM)
            for program in programs.values():
                program.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _nginx_configuration(run: Path, port: int) -> str:
    given = {
        "@RUN@": str(run),
        "@LISTEN@": f"127.0.0.1:{port}",
        "@USER_LINE@": "user root;" if os.getuid() == 0 else "",
        "@STATIC_ROOT@": str(run),
        "@MEDIA_ROOT@": os.environ["MEDIA_ROOT"],
        "@X_ACCEL_PREFIX@": "/.media/",
    }
    text = (ROOT / "scripts" / "nginx.conf").read_text()
    for name, value in given.items():
        text = text.replace(name, value)
    return text


def _start(name: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a line of the Procfile as it stands."""
    lines = dict(
        line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if ": " in line
    )
    return subprocess.Popen(["bash", "-c", lines[name]], cwd=ROOT, env=environment)


def _wait_until_ready(port: int, programs: dict[str, subprocess.Popen[bytes]]) -> None:
    for _try in range(300):
        for name, program in programs.items():
            if program.poll() is not None:
                raise SystemExit(f"{name} ended with {program.returncode}")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the web workers do not answer")
