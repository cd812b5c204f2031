"""Dispatch and deadlines at the size of a city: the suggestion, the desks' counts, an inbox.

Each part is a function that yields figures; ``measure`` runs them in order.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.models import Count
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from accounts.models import City, Organisation, User
from accounts.roles import Role
from benchmarks.figures import Figure
from benchmarks.ledger import PLAIN_FILES, median_ms, page_of, timed
from cases.models import Case
from desks.replay.crew import Crew
from dispatch.selectors import suggest_department
from dispatch.views import DISPATCH_DESK, INBOX

SUGGESTION_MS, COUNTS_MS, INBOX_MS, INBOX_QUERIES = 5, 10, 30, 8
OPEN_IN_HAND = 2_000
SAMPLE = 200


def measure(_database: str) -> Iterator[Figure]:
    """Measure every figure of the suite, in order."""
    city = City.objects.get()
    yield from suggestions()
    yield from badges(city)
    yield from inbox(city)


def suggestions() -> Iterator[Figure]:
    """Time the suggestion of a department for cases from all over the table."""
    cases = sampled_cases(SAMPLE)
    now = timezone.now()
    suggest_department(cases[0], now)
    median = statistics.median(
        timed(lambda case=case: suggest_department(case, now)) for case in cases
    )
    yield Figure("routing suggestion", median, SUGGESTION_MS, "ms", at_most=True)


def sampled_cases(count: int) -> list[Case]:
    """Return cases from all over the table, as a desk reads them."""
    last = Case.objects.order_by("-pk").values_list("pk", flat=True)[0]
    wanted = random.Random(1).sample(range(1, last + 1), min(4 * count, last))
    rows = Case.objects.filter(pk__in=wanted, type__isnull=False)
    return list(rows.select_related("type", "standard")[:count])


def usual_department() -> tuple[Organisation, int]:
    """Return the department whose number of open cases is nearest to 2,000, and that number."""
    rows = Case.objects.filter(is_open=True, department__isnull=False).values("department")
    counts = rows.annotate(count=Count("pk")).order_by("department")
    found = min(counts, key=lambda row: abs(row["count"] - OPEN_IN_HAND))
    return Organisation.objects.get(pk=found["department"]), found["count"]


def badges(city: City) -> Iterator[Figure]:
    """Time the counts of all queues of a desk and of an inbox."""
    crew, now = Crew(city), timezone.now()
    department, _count = usual_department()
    people = {
        "dispatch desk": (crew.holder(Role.DISPATCHER), DISPATCH_DESK),
        "inbox": (crew.holder(Role.DEPARTMENT_CLERK, department.code), INBOX),
    }
    for name, (found, desk) in people.items():
        user = User.objects.with_roles().get(pk=found.pk)
        median = median_ms(lambda user=user, desk=desk: desk.lengths(user, now))
        yield Figure(f"counts of the queues: {name}", median, COUNTS_MS, "ms", at_most=True)


def inbox(city: City) -> Iterator[Figure]:
    """Time the inbox of a department with some 2,000 open cases, and count its queries."""
    department, count = usual_department()
    clerk = Crew(city).holder(Role.DEPARTMENT_CLERK, department.code)
    of = f"inbox of {count:,} open cases of {Case.objects.count():,}"
    with browser_of(clerk) as browser:
        page_of(browser, "/inbox/", {})
        with CaptureQueriesContext(connection) as captured:
            page_of(browser, "/inbox/", {})
        yield Figure(f"{of}: SQL queries", len(captured), INBOX_QUERIES, "", at_most=True)
        median = median_ms(lambda: page_of(browser, "/inbox/", {}))
        yield Figure(of, median, INBOX_MS, "ms", at_most=True)


@contextmanager
def browser_of(user: User) -> Iterator[Client]:
    """Give a client with somebody logged in, with the files of the pages as they are."""
    with override_settings(STORAGES=PLAIN_FILES, ALLOWED_HOSTS=["*"]):
        browser = Client()
        browser.force_login(user, backend="accounts.backends.PersonBackend")
        yield browser
