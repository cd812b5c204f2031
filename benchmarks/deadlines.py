"""Deadlines at the size of a city: 50,000 open cases with 120,000 running clocks.

The suite has a database of its own. Two cases go through the door, one with a co-operating
department; they are multiplied in the database, their clocks spread over a day, and the scans run
as the workers run them.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from accounts.models import City, User
from accounts.roles import Role
from benchmarks.figures import Figure
from cases.deadlines.engine import clocks_reschedule, deadlines_scan
from cases.models import Case, CaseClock
from cases.seeding.cloning import cases_multiply
from cases.selectors import standards_for
from cases.services import case_act, case_report
from common.owner import database_analyze
from components.models import CaseType
from desks.replay.crew import Crew
from desks.replay.database import city_prepare, database_use
from desks.watch.checks import CHECKS, Look
from grid.models import GridCell

DATABASE = "citymgmt_bench_deadlines"
ALONE, TOGETHER = 30_000, 20_000  # cases with two running clocks, and with three
SPREAD = timedelta(seconds=2)  # between two cases
DUE = 2_000
NOTHING_DUE_MS, DUE_S, SWEEP_S = 20, 3, 5
ROUNDS = 3

_SHIFT = """
UPDATE cases_caseclock SET started_at = started_at + shift, warn_at = warn_at + shift,
    due_at = due_at + shift, original_due_at = original_due_at + shift, next_at = NULL
FROM (SELECT id, (row_number() OVER (ORDER BY id)) * %s AS shift FROM cases_case) AS held
WHERE held.id = cases_caseclock.case_id AND stopped_at IS NULL
"""


def measure(_database: str) -> Iterator[Figure]:
    """Measure the scans and the sweep."""
    database_use(DATABASE)
    city = city_prepare()
    if Case.objects.count() < ALONE + TOGETHER:
        prepare(city)
    database_analyze()
    count = CaseClock.objects.filter(next_at__isnull=False).count()
    of = f"{Case.objects.filter(is_open=True).count():,} open cases, {count:,} clocks"
    yield nothing_due(of)
    yield from something_due(of)
    yield sweep(of)


def prepare(city: City) -> None:
    """Fill the database."""
    crew, now = Crew(city), timezone.now()
    for count, cooperating in ((ALONE, False), (TOGETHER, True)):
        case = in_handling(crew, now, cooperating)
        cases_multiply(case.pk, count - 1)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(_SHIFT, [SPREAD])
    clocks_reschedule()


def in_handling(crew: Crew, now: datetime, cooperating: bool) -> Case:
    """Take one case through the door to its department."""
    place = GridCell.objects.filter(kind=GridCell.Kind.BUILT).first().geometry.point_on_surface
    acceptor = crew.holder(Role.ACCEPTOR)
    case = case_report(
        actor=acceptor,
        source="hotline",
        lon=place.x,
        lat=place.y,
        now=now,
        type_code="C0101",
        description="井盖破损",
    )
    desk = case.desk.code if case.desk else ""
    department = crew.holder(Role.DEPARTMENT_CLERK)
    other = other_clerk(crew, department)
    standard = standards_for(
        CaseType.objects.get(code="C0101"), case.zone_grade, timezone.localdate(now)
    ).first()
    helpers = [{"organisation": other.organisation.code, "mandatory": True, "task": "配合"}]
    steps = (
        ("accept", acceptor, {"address": "一号路"}),
        (
            "file",
            crew.holder(Role.SHIFT_SUPERVISOR),
            {"standard": standard.pk, "profile": standard.profile, "urgency": "normal"},
        ),
        (
            "dispatch",
            crew.holder(Role.DISPATCHER, desk),
            {"department": department.organisation.code, "reason": "属于本单位"}
            | ({"cooperating": helpers} if cooperating else {}),
        ),
        ("sign", department, {}),
    )
    for action, actor, fields in steps:
        case = case_act(case_id=case.pk, action=action, actor=actor, now=now, **fields)
    return case


def other_clerk(crew: Crew, clerk: User) -> User:
    """Return a clerk of another department."""
    clerks = User.objects.filter(groups__name=Role.DEPARTMENT_CLERK.value, is_active=True)
    return clerks.exclude(organisation=clerk.organisation).select_related("organisation")[0]


def first_moment() -> datetime:
    """Return when the next step falls due."""
    return CaseClock.objects.order_by("next_at").values_list("next_at", flat=True)[0]


def nothing_due(of: str) -> Figure:
    """Time a scan that finds nothing to do."""
    now, times = first_moment(), []
    for _each in range(50):
        started = time.perf_counter()
        assert deadlines_scan(now=now).clocks == 0
        times.append((time.perf_counter() - started) * 1000)
    name = f"scan with nothing due ({of})"
    return Figure(name, statistics.median(times), NOTHING_DUE_MS, "ms", at_most=True)


def something_due(of: str) -> Iterator[Figure]:
    """Time scans that find 2,000 clocks due, each with an event."""
    for number in range(ROUNDS):
        now = CaseClock.objects.order_by("next_at").values_list("next_at", flat=True)[DUE]
        started = time.perf_counter()
        scan = deadlines_scan(now=now)
        seconds = time.perf_counter() - started
        name = f"scan with {scan.clocks:,} due, {scan.steps:,} events ({number + 1})"
        yield Figure(name, seconds, DUE_S, "s", at_most=True)


def sweep(of: str) -> Figure:
    """Time everything the sweeper asks."""
    look = Look(first_moment())
    started = time.perf_counter()
    for check in CHECKS.values():
        check(look)
    seconds = time.perf_counter() - started
    return Figure("sweep of the whole system", seconds, SWEEP_S, "s", at_most=True)
