"""The programs of `make run`, on a port and a database of their own, for a while."""

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
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from django.conf import settings

ROOT = Path(__file__).resolve().parents[1]
NGINX = "/usr/sbin/nginx"


@dataclass
class Stack:
    """Where it answers, and its programs by their names in the Procfile."""

    port: int
    run: Path
    environment: dict[str, str]
    programs: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def web(self) -> int:
        """The first process of the web workers."""
        return self.programs["web"].pid

    @property
    def nginx(self) -> int:
        """The first process of nginx."""
        return self.programs["nginx"].pid

    def start(self, name: str) -> None:
        """Start a line of the Procfile as it stands, and "redis" for the stack alone."""
        lines = dict(
            line.split(": ", 1)
            for line in (ROOT / "Procfile").read_text().splitlines()
            if ": " in line
        )
        command = lines.get(name) or REDIS
        self.programs[name] = subprocess.Popen(
            ["bash", "-c", command], cwd=ROOT, env=self.environment, start_new_session=True
        )

    def kill(self, name: str) -> None:
        """Kill -9 a program with all its processes: nothing is said goodbye to."""
        os.killpg(self.programs[name].pid, signal.SIGKILL)
        self.programs.pop(name).wait(30)

    def stop(self) -> None:
        """Stop everything."""
        for program in self.programs.values():
            program.send_signal(signal.SIGTERM)
        for program in self.programs.values():
            try:
                program.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(program.pid, signal.SIGKILL)


# A Redis of the stack's own, which may be killed.
REDIS = (
    'exec redis-server --port 0 --unixsocket "$RUN/redis.sock" --save "" --appendonly no'
    ' --dir "$RUN" --loglevel warning'
)


@contextmanager
def running_stack(*others: str) -> Iterator[Stack]:
    """Start the Procfile's nginx and web, and other lines of it; stop them at the end.

    The environment's DATABASE_URL says which database they use. With "redis" among the others all
    of them use a Redis of their own.
    """
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "var") as folder:
        run = Path(folder)
        port = _free_port()
        environment = {
            **os.environ,
            "RUN": str(run),
            "DEMO": "False",
            "LOG_LEVEL": "WARNING",
            "X_ACCEL_PREFIX": "/.media/",
            "LISTEN": f"127.0.0.1:{port}",
            "STATIC_ROOT": str(settings.STATIC_ROOT),
        }
        subprocess.run([ROOT / "scripts" / "nginx_config"], env=environment, check=True)
        if "redis" in others:
            environment["REDIS_URL"] = f"unix://{run}/redis.sock?db=0"
        stack = Stack(port, run, environment)
        try:
            for name in sorted(others, key=lambda each: each != "redis"):
                stack.start(name)
            stack.start("web")
            _wait_for(stack.programs["web"], (run / "web.sock").exists)
            stack.start("nginx")
            _wait_for(stack.programs["nginx"], partial(_answers, port))
            yield stack
        finally:
            stack.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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
