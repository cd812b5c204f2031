"""The census at the size of a city: a CSV file into the register, then a second survey against it.

The file is the made-up register of the benchmarks, written out once, and read into a database with
an empty register. Each import is a process of its own, as the worker is: its time and its
memory are what is measured.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection

from accounts.models import User
from benchmarks.figures import Figure
from common.owner import database_analyze, owner_cursor
from components.models import Component
from desks.replay.database import city_prepare, database_use

ROOT = Path(__file__).resolve().parents[1]
ROWS = int(os.environ.get("COMPONENTS", "1077000"))
FULL = ROWS == 5_200_000
DATABASE = "citymgmt_bench_census"
FOLDER = settings.BASE_DIR / "var" / "bench"
SECONDS_A_ROW = {"import": 240 / 1_077_000, "diff": 120 / 1_077_000}
FULL_SECONDS = {"import": 1500.0, "diff": 600.0}
MOST_MB = 600

_FIRST = """
COPY (
    SELECT component.id AS "资产编号", type.name AS "部件名称", component.name AS "名称",
        owner.code AS "权属单位", maintainer.code AS "养护单位", competent.code AS "主管部门",
        component.state AS "状态", component.accuracy AS "精度",
        component.surveyed_date AS "普查日期", component.address AS "地址",
        ST_AsText(component.geometry, 7) AS wkt
    FROM components_component AS component
    JOIN components_casetype AS type ON type.id = component.type_id
    JOIN accounts_organisation AS competent ON competent.id = component.competent_body_id
    LEFT JOIN accounts_organisation AS owner ON owner.id = component.owner_id
    LEFT JOIN accounts_organisation AS maintainer ON maintainer.id = component.maintainer_id
    ORDER BY component.id LIMIT {rows}
) TO STDOUT (FORMAT csv, HEADER)
"""
# Of a hundred things one has moved, one is damaged, and one in two hundred is gone or new.
_SECOND = """
COPY (
    SELECT CASE WHEN luck < 5 THEN '' ELSE component.code END AS "标识码", type.name AS "部件名称",
        CASE WHEN luck BETWEEN 20 AND 29 THEN 'damaged' ELSE component.state END AS "状态",
        ST_AsText(CASE WHEN luck BETWEEN 10 AND 19 OR luck < 5
            THEN ST_Translate(component.geometry, 0.0003, 0.0001)
            ELSE component.geometry END, 7) AS wkt
    FROM (SELECT *, id % 1000 AS luck FROM components_component) AS component
    JOIN components_casetype AS type ON type.id = component.type_id
    WHERE luck NOT BETWEEN 5 AND 9
) TO STDOUT (FORMAT csv, HEADER)
"""


def measure(_database: str) -> Iterator[Figure]:
    """Measure an import from the file to the register, then a second survey."""
    first, second = FOLDER / f"census-{ROWS}.csv", FOLDER / "census-second.csv"
    FOLDER.mkdir(parents=True, exist_ok=True)
    if not first.exists():
        _write(_FIRST.format(rows=ROWS), first)
    with owner_cursor() as cursor:  # an empty register, as before a city's first survey
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
    database_use(DATABASE)
    city_prepare()
    database_analyze()
    people = User.objects.filter(groups__name="administrator").first()
    approver = User.objects.filter(groups__name="leader").first()
    assert people is not None
    assert approver is not None
    options = ("--by", people.username, "--near", "--source", "census")
    publish = ("--publish", "--approver", approver.username)
    yield from _import(f"{ROWS:,} components: file to register", "import", first, options, publish)
    yield Figure("of them in the register", Component.objects.count() / ROWS * 100, 90, "%")
    database_analyze()
    _write(_SECOND, second)
    yield from _import(f"second survey of {ROWS:,}: diff", "diff", second, options)


def _import(
    name: str, kind: str, path: Path, options: tuple[str, ...], more: tuple[str, ...] = ()
) -> Iterator[Figure]:
    """Import a file in a process of its own; its words go to the screen."""
    load, started = os.getloadavg()[0], time.monotonic()
    memory = _command("import_components", str(path), *options, *more)
    seconds = time.monotonic() - started
    target = FULL_SECONDS[kind] if FULL else max(ROWS * SECONDS_A_ROW[kind], 10)
    remark = f"{ROWS / seconds:,.0f} rows/s, load {load:.1f} before, {os.getloadavg()[0]:.1f} after"
    yield Figure(name, seconds, target, "s", at_most=True, remark=remark)
    yield Figure("memory of the worker", memory, MOST_MB, "MB", at_most=True)


def _command(*words: str) -> float:
    """Run a command of ours; return the most memory it held, in MB."""
    process = subprocess.Popen([sys.executable, "manage.py", *words], cwd=ROOT)
    _pid, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{words[0]} failed")
    return used.ru_maxrss / 1024


def _write(query: str, path: Path) -> None:
    """Write a query as CSV, aside first: what is there is whole."""
    aside = path.with_suffix(".part")
    with connection.cursor() as cursor, aside.open("w", encoding="utf-8") as file:
        cursor.execute("SET statement_timeout = 0")
        cursor.copy_expert(query, file)
    aside.replace(path)
