"""Evaluation at the size of a city: live figures, a month, a year, every cell; facts keep up.

    EVALUATION_CASES=10000000 make bench BENCH=evaluation    (200,000 without)

The suite has a database of its own: 20,000 chained histories (some 11 events each), their facts as
the reader writes them, and copies of these facts made by the database (``evaluation.seeding``)
until there are as many as the cases asked for would have.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from accounts.models import City, User
from accounts.roles import Role
from benchmarks.figures import Figure
from benchmarks.ledger import PLAIN_FILES, median_ms, page_of
from cases.models import Case
from common.lifted_keys import keys_checked_at_the_end
from common.owner import database_analyze
from desks.replay.crew import Crew
from desks.replay.database import city_prepare, database_use
from evaluation.indicators import INDICATORS
from evaluation.measures import MEASURES
from evaluation.models import PLACES, DirtyDay, Fact
from evaluation.periods import Period
from evaluation.seeding import facts_multiply
from evaluation.selectors.behind import cases_behind
from evaluation.selectors.figures import figures, figures_by
from evaluation.selectors.scope import EVERYWHERE
from evaluation.selectors.standings import standings
from evaluation.services.facts import READER, days_touch
from evaluation.services.publishing import evaluation_check, evaluation_open
from evaluation.services.stories import facts_made
from evaluation.services.sums import days_fold
from live.models import EventPosition, EventReader
from live.readers import reader_run
from live.services import head

ROOT = Path(__file__).resolve().parents[1]
CASES = int(os.environ.get("EVALUATION_CASES", "200000"))
CHAINED = min(CASES, 20_000)
DATABASE = f"citymgmt_bench_evaluation_{CASES}"
CONSENT = "--yes-this-is-a-benchmark-database"
SEED = ("seed_cases", CONSENT, "--count", str(CHAINED), "--processes", "2")
LIVE_MS, MONTH_S, CELLS_S, YEAR_S, ACTIONS, MEMORY_MB = 200, 1, 3, 3, 200, 500
LIST_MS, PUBLISH_S, QUERIES = 500, 30, 15
PAGE_S = 3  # thirteen months are drawn
LIMITS_S = 5  # each case handled in three months, with its clock and standard
ROUNDS = 7  # of what takes seconds
READ = 5_000  # events, when it is measured how fast facts follow


def measure(_database: str) -> Iterator[Figure]:
    """Measure every figure of the suite, in order."""
    database_use(DATABASE)
    city_prepare()
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    if Fact.objects.count() == 0:
        yield from prepare()
    last = EventPosition.objects.order_by("-position")[0].event.at
    now = noon_of_the_last_day(last)
    while days_fold(now=now):
        pass
    database_analyze()
    print(f"{CASES:,} cases, {head():,} chained events, {fact_count():,} facts")
    yield from reading(now)
    yield from publishing(now)
    yield from pages(now)
    yield from following()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield Figure("memory of the process at its most", peak, MEMORY_MB, "MB", at_most=True)


def prepare() -> Iterator[Figure]:
    """Seed chained cases, let the reader write their facts, and multiply them."""
    if Case.objects.count() < CHAINED:
        subprocess.run([sys.executable, "manage.py", *SEED], cwd=ROOT, check=True)
    started, events = time.monotonic(), head()
    while reader_run(reader=READER, now=timezone.now()):
        pass
    pace = events / (time.monotonic() - started)
    yield Figure("facts made of chained events", pace, ACTIONS, "/s", remark=f"{events:,} events")
    days = DirtyDay.objects.count()
    copies = CASES // CHAINED - 1
    with keys_checked_at_the_end(("evaluation_fact",)):
        for _rows in facts_multiply(copies=copies, cases=CHAINED, days=days, until=events):
            pass


def noon_of_the_last_day(last: datetime) -> datetime:
    """Return a moment of the last day on which much has happened: it is the day under way."""
    return timezone.localtime(last).replace(hour=23, minute=59) - timedelta(days=1)


def fact_count() -> int:
    """Return about how many facts there are."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE relname = 'evaluation_fact'")
        return cursor.fetchone()[0]


def reading(now: datetime) -> Iterator[Figure]:
    """Time what pages ask for."""
    today = timezone.localdate(now)
    live, month, year = (Period.of(kind, today) for kind in ("live", "month", "year"))
    in_month = Fact.objects.filter(day__gte=month.first, day__lt=month.end).count()
    of = f"{Fact.objects.filter(day=today).count():,} facts"
    timed = (
        (f"live day of the city, {of}", LIVE_MS, lambda: figures(
            indicators=INDICATORS, period=live, now=now)),
        ("live day of all departments", LIVE_MS, lambda: standings(
            "department", period=live, now=now)),
        ("live day of all districts", LIVE_MS, lambda: standings(
            "district", period=live, now=now)),
        (f"month of all departments, {in_month:,} facts", MONTH_S * 1000, lambda: standings(
            "department", period=month, now=now)),
        ("month of all cells", CELLS_S * 1000, lambda: standings("cell", period=month, now=now)),
        ("year of all departments", YEAR_S * 1000, lambda: standings(
            "department", period=year, now=now)),
        ("year of the city, day by day", YEAR_S * 1000, lambda: figures(
            indicators=INDICATORS, by=("day",), period=year, now=now)),
    )  # fmt: skip
    for name, target, question in timed:
        question()
        yield Figure(name, median_ms(question), target, "ms", at_most=True)
    yield from behind(month, now)


def behind(month: Period, now: datetime) -> Iterator[Figure]:
    """Time the list behind the largest figure of a department in the month."""
    each = figures_by("organisation", indicators=["handled"], period=month, now=now)
    body = max((key for key in each if key), key=lambda key: each[key]["handled"])
    scope = EVERYWHERE.narrowed("organisation", body)
    found = cases_behind(MEASURES["handled"].key, period=month, now=now, scope=scope)
    assert found.count() == each[body]["handled"], "the list is not the figure"
    name = f"first page of {found.count():,} behind a figure"
    yield Figure(name, median_ms(lambda: found.rows(0, 50)), LIST_MS, "ms", at_most=True)


def publishing(now: datetime) -> Iterator[Figure]:
    """Time the check that freezes every ranking of the month before, then undo it."""
    crew, today = Crew(City.objects.get()), timezone.localdate(now)
    month = Period.of("month", Period.of("month", today).first - timedelta(days=1))
    checker = User.objects.with_roles().get(pk=crew.holder(Role.SHIFT_SUPERVISOR).pk)
    with transaction.atomic():
        # The copies stand as if the reader had written them.
        EventReader.objects.filter(name=READER.name).update(position=head() * (CASES // CHAINED))
        draft = evaluation_open(actor=checker, kind="month", day=month.first, now=now)
        started = time.monotonic()
        found = evaluation_check(actor=checker, evaluation_id=draft.pk, now=now)
        seconds = time.monotonic() - started
        sizes = [len(each) for each in found.rankings.values_list("content", flat=True)]
        transaction.set_rollback(True)
    remark = f" {sum(sizes) / 1e6:.1f} MB in {len(sizes)} rankings"
    yield Figure("publishing a month", seconds, PUBLISH_S, "s", at_most=True, remark=remark)


def pages(now: datetime) -> Iterator[Figure]:
    """Count the queries of a page for each kind of object, and time it."""
    reader = Crew(City.objects.get()).holder(Role.LEADER)
    day = timezone.localdate(now).isoformat()
    with override_settings(STORAGES=PLAIN_FILES, ALLOWED_HOSTS=["*"]):
        browser = Client()
        browser.force_login(reader, backend="accounts.backends.PersonBackend")
        for kind in ("department", "district", "street", "collector"):
            query = {"kind": kind, "period": "month", "day": day}
            page_of(browser, "/evaluation/", query)
            with CaptureQueriesContext(connection) as captured:
                page_of(browser, "/evaluation/", query)
            name = f"page of every {kind}"
            yield Figure(f"{name}: SQL queries", len(captured), QUERIES, "", at_most=True)
            median = median_ms(lambda query=query: page_of(browser, "/evaluation/", query), ROUNDS)
            yield Figure(name, median, PAGE_S * 1000, "ms", at_most=True)
        today = timezone.localdate()  # the page has no other
        three = Period(Period.of("month", today).previous.previous.first, today)
        handled = cases_behind("handled", period=three, now=now).count()
        median = median_ms(lambda: page_of(browser, "/evaluation/limits/", {}), ROUNDS)
        name = f"fair limits, {handled:,} handled in three months"
        yield Figure(name, median, LIMITS_S * 1000, "ms", at_most=True)


def following() -> Iterator[Figure]:
    """Time how fast facts follow: the last events read and their facts written, then undone."""
    end = head()
    rows = EventPosition.objects.filter(position__gt=end - READ, position__lte=end)
    numbered = list(rows.values_list("event__case_id", "event__sequence", "position"))
    beyond = end * (CASES // CHAINED + 1)
    with transaction.atomic():
        started = time.monotonic()
        for start in range(0, len(numbered), READER.batch):
            batch = numbered[start : start + READER.batch]
            facts = facts_made({(case, sequence): at for case, sequence, at in batch})
            for fact in facts:
                fact.position += beyond
                fact.pk += beyond * PLACES
            Fact.objects.bulk_create(facts, batch_size=READER.batch)
            days_touch({fact.day for fact in facts})
        pace = len(numbered) / (time.monotonic() - started)
        transaction.set_rollback(True)
    yield Figure("facts follow the log", pace, ACTIONS, "/s", remark=f"{len(numbered):,} events")
