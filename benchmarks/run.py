"""Print every promised figure against its target; exit status 1 when one is missed.

    make bench                               everything
    make bench BENCH=register                the suites of a group, or one suite
    SEED=20000 make bench BENCH=loop         with another number of seeded cases (1,000,000);
                                             beyond a million they are copies (cases.seeding.copies)
    EVALUATION_CASES=10000000 make bench BENCH=evaluation    with other numbers of cases (200,000)
    COMPONENTS=5200000 make bench BENCH=register    with another register (1,077,000)

The figures depend on what else the machine does: each line of a load says how much that was.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ["DJANGO_SETTINGS_MODULE"] = "citymgmt.settings"
os.environ["DEMO"] = "False"  # real clocks
os.environ.setdefault("LOG_LEVEL", "WARNING")
django.setup()

from benchmarks import (  # noqa: E402
    census,
    deadlines,
    dispatch,
    evaluation,
    geocoding,
    grid,
    ledger,
    live,
    loop,
    map_page,
    pages,
    search,
    tiles,
    wall,
)
from benchmarks.figures import HEADER, Figure  # noqa: E402
from cases.models import Case  # noqa: E402
from cases.seeding.copies import COPIED, cases_multiply  # noqa: E402
from common.lifted_keys import keys_checked_at_the_end  # noqa: E402
from common.owner import database_analyze  # noqa: E402
from components.models import Component  # noqa: E402
from desks.replay.database import city_prepare, database_use  # noqa: E402

SUITES = {
    "loop": loop.measure,
    "dispatch": dispatch.measure,
    "wall": wall.measure,
    "pages": pages.measure,
    "search": search.measure,
    "grid": grid.measure,
    "geocoding": geocoding.measure,
    "tiles": tiles.measure,
    "map": map_page.measure,
    "ledger": ledger.measure,
    "census": census.measure,  # the last three: they go on in databases of their own
    "deadlines": deadlines.measure,
    "live": live.measure,
    "evaluation": evaluation.measure,
}
ALONE = ("deadlines", "evaluation", "live")  # with a database of their own
# In the database of the cases; the others are in the register's.
ON_CASES = ("loop", "dispatch", "wall", "pages", "search")
GROUPS = {
    "register": ("grid", "geocoding", "tiles", "map", "ledger", "census"),
    "dispatch": ("dispatch", "deadlines"),
}
SEED = int(os.environ.get("SEED", "1000000"))
COMPONENTS = int(os.environ.get("COMPONENTS", "1077000"))
DATABASE = "citymgmt_bench" if SEED == 1_000_000 else f"citymgmt_bench_{SEED}"
CONSENT = "--yes-this-is-a-benchmark-database"
CHAINED = min(SEED, 1_000_000)  # with their histories
OPEN = 50_000  # of more than those
SEED_CASES = ("seed_cases", CONSENT, "--count", str(CHAINED), "--processes", "2")
SEED_REGISTER = ("seed_components", CONSENT, "--count", str(COMPONENTS))


def prepare_cases() -> list[Figure]:
    """Make and fill the database of the cases, once, and let this process use it.

    Returns how long the filling took, if it began from nothing.
    """
    database_use(DATABASE)
    city_prepare()
    found, figures = Case.objects.count(), []
    if found < CHAINED:
        started = time.monotonic()
        subprocess.run([sys.executable, "manage.py", *SEED_CASES], cwd=ROOT, check=True)
        minutes = (time.monotonic() - started) / 60
        target = max(CHAINED / 100_000, 1)
        if not found:
            name = f"{CHAINED:,} cases seeded"
            figures.append(Figure(name, minutes, target, "min", at_most=True))
    if found < SEED and CHAINED < SEED:
        with keys_checked_at_the_end(COPIED):
            cases_multiply(until=SEED, open_until=OPEN)
    database_analyze()
    return figures


def prepare_register() -> None:
    """Make and fill the database of the register, once, and let this process use it."""
    database_use(f"citymgmt_bench_register_{COMPONENTS}")
    city_prepare()
    if not Component.objects.exists():
        subprocess.run([sys.executable, "manage.py", *SEED_REGISTER], cwd=ROOT, check=True)


def chosen(names: list[str]) -> list[str]:
    """Return the suites that were asked for, in the order in which they run."""
    asked = {suite for name in names for suite in GROUPS.get(name, (name,))}
    return [name for name in SUITES if name in asked or not names]


def measured(suites: list[str]) -> Iterator[Figure]:
    """Measure the suites, those of the cases first."""
    first = [name for name in suites if name in ON_CASES]
    if first:
        yield from prepare_cases()
    for name in first:
        yield from SUITES[name](DATABASE)
    others = [name for name in suites if name not in ON_CASES]
    if set(others) - set(ALONE):
        prepare_register()
    for name in others:
        yield from SUITES[name](DATABASE)


def main() -> int:
    """Run the suites named on the command line, all of them by default."""
    unknown = set(sys.argv[1:]) - set(SUITES) - set(GROUPS)
    if unknown:
        there = ", ".join([*SUITES, *GROUPS])
        print(f"no such suite: {', '.join(unknown)}; there are: {there}")
        return 2
    suites = chosen(sys.argv[1:])
    sizes = f"{SEED:,} cases, {COMPONENTS:,} components"
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {sizes}")
    print(HEADER)
    missed = 0
    for figure in measured(suites):
        print(figure.line(), flush=True)
        missed += not figure.passes
    print(f"{missed} missed" if missed else "every target met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
