"""Who used the cores: CPU seconds of the programs measured, of PostgreSQL, of everybody else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
CORES = os.cpu_count() or 1
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds by who used them."""

    web: float
    nginx: float
    postgresql: float
    client: float
    everybody: float

    def __sub__(self, before: Usage) -> Usage:
        return Usage(*(getattr(self, n) - getattr(before, n) for n in Usage.__slots__))

    @property
    def ours(self) -> float:
        """What was used for the measurement."""
        return self.web + self.nginx + self.postgresql + self.client

    def others_share(self, seconds: float) -> float:
        """Return the share of all cores that went to programs that have nothing to do with it."""
        return max(self.everybody - self.ours, 0) / (seconds * CORES)

    def remark(self, count: int, seconds: float) -> str:
        """Return CPU ms a request and the shares in words."""
        if not count or not self.ours:
            return ""
        web, nginx = (1000 * part / count for part in (self.web, self.nginx))
        postgresql, client = (self.postgresql / self.ours, self.client / self.ours)
        return (
            f"CPU ms a request: web {web:.1f}, nginx {nginx:.2f}, PostgreSQL"
            f" {1000 * self.postgresql / count:.1f}; shares: PostgreSQL {postgresql:.0%},"
            f" client {client:.0%}; others had {self.others_share(seconds):.0%} of the cores"
        )


def usage(web: int, nginx: int, database: str) -> Usage:
    """Return what has been used until now; ``web`` and ``nginx`` are the first of their family."""
    stats = dict(_stats())
    times = os.times()
    return Usage(
        web=_family(stats, web),
        nginx=_family(stats, nginx),
        postgresql=_postgresql(stats, database),
        client=times.user + times.system,
        everybody=_everybody(),
    )


Stats = dict[int, tuple[int, float]]  # process: parent, CPU seconds with those of ended children


def _stats() -> Iterator[tuple[int, tuple[int, float]]]:
    for folder in PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        yield int(folder.name), (int(fields[1]), sum(map(int, fields[11:15])) / TICKS)


def _family(stats: Stats, first: int) -> float:
    """Return the CPU seconds of a process and all below it."""
    if first not in stats:
        return 0.0
    children = [process for process, (parent, _time) in stats.items() if parent == first]
    return stats[first][1] + sum(_family(stats, child) for child in children)


def _postgresql(stats: Stats, database: str) -> float:
    """Return those of the database's connections and of the writers that serve them."""
    writers = ("walwriter", "checkpointer", "background writer")
    total = 0.0
    for process, (_parent, seconds) in stats.items():
        try:
            title = (PROC / str(process) / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if title.startswith("postgres:") and (
            f" {database} " in title or any(writer in title for writer in writers)
        ):
            total += seconds
    return total


def _everybody() -> float:
    user, nice, system, _idle, _wait, irq, softirq, *_rest = map(
        int, (PROC / "stat").read_text().split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system + irq + softirq) / TICKS
