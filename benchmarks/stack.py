"""nginx and the web workers of `make run`, on a port and a database of their own, for a while."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from django.conf import settings

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
        web = _start("web", environment)
        programs = [web]
        try:
            _wait_for(web, (run / "web.sock").exists)
            nginx = _start("nginx", environment)
            programs.append(nginx)
            _wait_for(nginx, partial(_answers, port))
            yield Stack(port, web.pid, nginx.pid)
        finally:
            for program in programs:
                program.send_signal(signal.SIGTERM)
            for program in programs:
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
        "@STATIC_ROOT@": str(settings.STATIC_ROOT),
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


def _wait_for(program: subprocess.Popen[bytes], is_ready: Callable[[], bool]) -> None:
    for _try in range(600):
        if program.poll() is not None:
            raise SystemExit(f"{program.args} ended with {program.returncode}")
        if is_ready():
            return
        time.sleep(0.1)
    raise SystemExit(f"{program.args} does not answer")


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5).close()
    except OSError:
        return False
    return True
