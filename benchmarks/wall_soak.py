"""A wall left alone: heap of the page and memory of the servers before and after, frames meanwhile.

    make run PORT=8132                                            in one terminal, the demo city
    WALL_URL=http://127.0.0.1:8132 WALL_MINUTES=60 WALL_RATE=20 \\
        python benchmarks/wall_soak.py                            in another, with its environment

Opens the wall by a key of its own in Chromium while the demo's time runs WALL_RATE times as fast,
looks once a minute, and prints what grew; exit status 1 when a target is missed. The first minutes
are not counted: caches fill, the compiler warms up. The key is revoked and the demo's pace set back
at the end.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ["DJANGO_SETTINGS_MODULE"] = "citymgmt.settings"
os.environ["DEMO"] = "True"
os.environ.setdefault("LOG_LEVEL", "WARNING")
django.setup()

from django.utils import timezone  # noqa: E402
from playwright.sync_api import CDPSession, Page, sync_playwright  # noqa: E402

from accounts.models import User  # noqa: E402
from accounts.roles import Role  # noqa: E402
from benchmarks.figures import HEADER, Figure  # noqa: E402
from common.clock import demo_clock_set, rate  # noqa: E402
from desks.models import Wall  # noqa: E402
from desks.wall.services import kiosk_key_make, kiosk_key_revoke  # noqa: E402

CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-headless-shell"))), ""
)
ADDRESS = os.environ.get("WALL_URL", "http://127.0.0.1:8000")
MINUTES = int(os.environ.get("WALL_MINUTES", "60"))
RATE = float(os.environ.get("WALL_RATE", "20"))
WARM_UP = 5  # minutes that are not counted: once round all scenes
MOST_HEAP_MB, MOST_NODES, MOST_SERVER_MB = 2, 300, 40  # of growth
FRAME_MS = 17
MEGABYTE = 1024 * 1024
SERVERS = ("granian", "uvicorn")

COUNT_FRAMES = """() => {
    window.wallFrames = { times: [], last: performance.now() };
    const count = (now) => {
        const frames = window.wallFrames;
        if (frames.times.length < 4000) frames.times.push(now - frames.last);
        frames.last = now;
        requestAnimationFrame(count);
    };
    requestAnimationFrame(count);
}"""
TAKE_FRAMES = "() => window.wallFrames.times.splice(0)"


@dataclass(frozen=True, slots=True)
class Sample:
    """What was there at a minute."""

    minute: int
    heap_mb: float
    nodes: int
    servers_mb: float
    frame_ms: float
    health: str

    def line(self) -> str:
        """Return it as one line."""
        return (
            f"{self.minute:>4} min  heap {self.heap_mb:6.2f} MB  nodes {self.nodes:>5}"
            f"  servers {self.servers_mb:7.1f} MB  frame {self.frame_ms:5.1f} ms  {self.health}"
        )


def servers_mb() -> float:
    """Return the resident memory of the web and socket processes of this checkout."""
    total = 0
    for folder in Path("/proc").iterdir():
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if any(name in command for name in SERVERS) and (folder / "cwd").resolve() == ROOT:
                pages = int((folder / "statm").read_text().split()[1])
                total += pages * os.sysconf("SC_PAGE_SIZE")
        except (OSError, ValueError, IndexError):
            continue  # ended meanwhile, or not ours to read
    return total / MEGABYTE


def look(page: Page, session: CDPSession, minute: int) -> Sample:
    """Collect the page's garbage and see what is left."""
    frames = page.evaluate(TAKE_FRAMES)
    session.send("HeapProfiler.collectGarbage")
    found = session.send("Performance.getMetrics")["metrics"]
    metrics = {row["name"]: row["value"] for row in found}
    return Sample(
        minute,
        metrics["JSHeapUsedSize"] / MEGABYTE,
        int(metrics["Nodes"]),
        servers_mb(),
        statistics.median(frames) if frames else 0.0,
        page.evaluate("document.querySelector('[data-line]').textContent"),
    )


def watch(key: str) -> Iterator[Sample]:
    """Leave the wall alone, look once a minute."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1920, "height": 1080}, locale="zh-CN")
        page.goto(f"{ADDRESS}/wall/?key={key}")
        page.wait_for_selector("body[data-health=live]", timeout=60_000)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        page.evaluate(COUNT_FRAMES)
        started = time.monotonic()
        for minute in range(1, MINUTES + 1):
            time.sleep(max(started + 60 * minute - time.monotonic(), 0))
            yield look(page, session, minute)
        page.screenshot(path=ROOT / "var" / "bench-wall.png")
        browser.close()


def figures(samples: list[Sample]) -> Iterator[Figure]:
    """Compare the end with what was there once it was warm."""
    counted = [sample for sample in samples if sample.minute >= WARM_UP] or samples
    first, last = counted[0], counted[-1]
    minutes = last.minute - first.minute
    heap, nodes = last.heap_mb - first.heap_mb, last.nodes - first.nodes
    servers = last.servers_mb - first.servers_mb
    remark = f" {first.heap_mb:.2f} → {last.heap_mb:.2f} MB in {minutes} min"
    yield Figure("heap of the page grew by", heap, MOST_HEAP_MB, "MB", at_most=True, remark=remark)
    remark = f" {first.nodes} → {last.nodes}"
    yield Figure("nodes of the page grew by", nodes, MOST_NODES, "", at_most=True, remark=remark)
    remark = f" {first.servers_mb:.0f} → {last.servers_mb:.0f} MB"
    yield Figure(
        "memory of the servers grew by", servers, MOST_SERVER_MB, "MB", at_most=True, remark=remark
    )
    frame = statistics.median(sample.frame_ms for sample in counted)
    yield Figure("frame, median of the minutes' medians", frame, FRAME_MS, "ms", at_most=True)


def main() -> int:
    """Soak, print, and set everything back."""
    actor = User.objects.filter(groups__name=Role.ADMINISTRATOR.value).earliest("pk")
    wall = Wall.objects.filter(district=None, is_active=True).earliest("pk")
    row, key = kiosk_key_make(wall=wall, label="soak", actor=actor, now=timezone.now())
    before = rate()
    demo_clock_set(rate=RATE)
    samples = []
    try:
        for sample in watch(key):
            samples.append(sample)
            print(sample.line(), flush=True)
    finally:
        demo_clock_set(rate=before)
        kiosk_key_revoke(key_id=row.pk, actor=actor, now=timezone.now())
    print(HEADER)
    missed = 0
    for figure in figures(samples):
        print(figure.line())
        missed += not figure.passes
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
