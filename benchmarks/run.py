"""Print every promised figure against its target; exit status 1 when one is missed.

    make bench                 everything
    make bench BENCH=loop      one suite
    SEED=20000 make bench      with another number of seeded cases (1,000,000 by default)

The figures depend on what else the machine does: each line of a load says how much that was.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ["DJANGO_SETTINGS_MODULE"] = "citymgmt.settings"
os.environ["DEMO"] = "False"  # real clocks
os.environ.setdefault("LOG_LEVEL", "WARNING")
django.setup()

from benchmarks import census, geocoding, ledger, loop, register, tiles  # noqa: E402
from benchmarks.figures import HEADER, Figure  # noqa: E402
from cases.models import Case  # noqa: E402
from common.owner import database_analyze  # noqa: E402
from desks.replay.database import city_prepare, database_use  # noqa: E402

SUITES = {
    "loop": loop.measure,
    "register": register.measure,
    "geocoding": geocoding.measure,
    "ledger": ledger.measure,
    "tiles": tiles.measure,
    "census": census.measure,
}
ALONE = {"census"}  # suites that fill a database of their own
SEED = int(os.environ.get("SEED", "1000000"))
DATABASE = "citymgmt_bench" if SEED == 1_000_000 else f"citymgmt_bench_{SEED}"
CONSENT = "--yes-this-is-a-benchmark-database"
SEED_CASES = ("seed_cases", CONSENT, "--count", str(SEED), "--processes", "2")


def prepare() -> list[Figure]:
    """Make and fill the database of the benchmarks, once, and let this process use it.

    Returns how long the filling took, if it began from nothing.
    """
    database_use(DATABASE)
    city_prepare()
    found, figures = Case.objects.count(), []
    if found < SEED:
        started = time.monotonic()
        subprocess.run([sys.executable, "manage.py", *SEED_CASES], cwd=ROOT, check=True)
        minutes = (time.monotonic() - started) / 60
        target = max(SEED / 100_000, 1)
        if not found:
            figures.append(Figure(f"{SEED:,} cases seeded", minutes, target, "min", at_most=True))
    database_analyze()
    return figures


def main() -> int:
    """Run the suites named on the command line, all of them by default."""
    unknown = set(sys.argv[1:]) - set(SUITES)
    if unknown:
        print(f"no such suite: {', '.join(unknown)}; there are: {', '.join(SUITES)}")
        return 2
    figures = [] if sys.argv[1:] and set(sys.argv[1:]) <= ALONE else prepare()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {SEED:,} seeded cases")
    print(HEADER)
    missed = 0
    suites = (SUITES[name](DATABASE) for name in sys.argv[1:] or SUITES)
    for figure in itertools.chain(figures, itertools.chain.from_iterable(suites)):
        print(figure.line(), flush=True)
        missed += not figure.passes
    print(f"{missed} missed" if missed else "every target met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
