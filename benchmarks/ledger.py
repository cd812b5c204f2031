"""The ledger, a record and what stands near, at as many components as the database has."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import date

from django.conf import settings
from django.db import connection
from django.db.models import Count
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from accounts.models import City, Organisation, User
from accounts.roles import Role
from benchmarks.figures import Figure
from common.rows import rows_estimate
from components.models import Component
from components.register.filters import register_filter
from components.register.ledger import ORDERS, orders_for
from components.selectors import components_nearest
from desks.replay.crew import Crew
from grid.models import Area
from grid.selectors import OutsideCity, locate

ROUNDS, PLACES = 30, 50
PAGE_MS, NEAREST_MS, LOCATE_MS, RECORD_QUERIES = 50, 3, 1, 12
BY_AREA, BY_TYPE = "component_area_type", "component_type_area"
TABLE_SCAN = "Seq Scan on components_component"
PLAIN_FILES = {
    **settings.STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
Query = dict[str, str]


def measure(_database: str) -> Iterator[Figure]:
    """Measure every figure of the suite, in order."""
    city = City.objects.get()
    reader = User.objects.with_roles().get(pk=Crew(city).holder(Role.ACCEPTOR).pk)
    with override_settings(STORAGES=PLAIN_FILES, ALLOWED_HOSTS=["*"]):
        browser = Client()
        browser.force_login(reader, backend="accounts.backends.PersonBackend")
        yield from pages(browser, reader, usual_filters(city))
        yield from record(browser)
    yield from places()


def usual_filters(city: City) -> list[tuple[Query, set[str]]]:
    """Return the six most usual filters and a search, with the indexes that may answer them."""
    district = Area.objects.filter(level="district", valid_to=None).earliest("code")
    street = Area.objects.filter(parent=district, valid_to=None).earliest("code")
    sampled = Component.objects.filter(community__parent=street).values("maintainer", "type__code")
    usual = sampled.annotate(count=Count("pk")).order_by("-count")
    kind = usual[0]["type__code"]
    body = Organisation.objects.get(pk=usual.exclude(maintainer=None)[0]["maintainer"])
    return [
        ({}, {BY_AREA}),
        ({"type": kind}, {BY_TYPE, BY_AREA}),
        ({"district": district.code}, {BY_AREA}),
        ({"street": street.code, "class": kind[1:3]}, {BY_AREA}),
        ({"body": body.code}, {"component_maintainer", BY_AREA}),
        ({"state": "damaged", "district": district.code}, {"component_not_intact"}),
        ({"q": "ysjg"}, {BY_TYPE, BY_AREA}),
    ]


def pages(browser: Client, reader: User, filters: list[tuple[Query, set[str]]]) -> Iterator[Figure]:
    """Measure a page of the ledger for each filter: the whole answer, as the browser gets it."""
    about = rows_estimate(Component.objects.all())
    for query, named in filters:
        used = indexes_of(reader, query)
        if not used & named or TABLE_SCAN in used:
            raise LookupError(f"{query} is answered by {sorted(used)}, not by {sorted(named)}")
        milliseconds = median_ms(lambda query=query: page_of(browser, "/components/", query))
        words = " ".join(f"{name}={value}" for name, value in query.items()) or "no filter"
        yield Figure(
            f"ledger page of {about:,}: {words}",
            milliseconds,
            PAGE_MS,
            "ms",
            at_most=True,
            remark=", ".join(sorted(used & named)),
        )


def indexes_of(reader: User, query: Query) -> set[str]:
    """Return the indexes that the plan of a page's query names, and a scan of the table."""
    narrowed = register_filter(reader, query)
    order = ORDERS[orders_for(narrowed, rows_estimate(narrowed.rows))[0]]
    plan = narrowed.rows.order_by(*order).values_list("pk")[:26].explain()
    scans = {TABLE_SCAN} if TABLE_SCAN in plan else set()
    return scans | set(re.findall(r"Scan (?:Backward )?(?:using|on) (\w+)", plan))


def record(browser: Client) -> Iterator[Figure]:
    """Count the queries of a record page with cases, and time it."""
    with_case = Component.objects.filter(cases__isnull=False).values_list("code", flat=True)
    code = with_case.first() or Component.objects.values_list("code", flat=True)[0]
    address = f"/components/{code}/"
    page_of(browser, address, {})
    with CaptureQueriesContext(connection) as captured:
        page_of(browser, address, {})
    yield Figure("record page: SQL queries", len(captured), RECORD_QUERIES, "", at_most=True)
    milliseconds = median_ms(lambda: page_of(browser, address, {}))
    yield Figure("record page", milliseconds, PAGE_MS, "ms", at_most=True)


def places() -> Iterator[Figure]:
    """Time what stands near places of the register, and where they are."""
    pks = Component.objects.order_by("pk").values_list("pk", flat=True)
    first, last = pks.first(), pks.last()
    step = max((last - first) // PLACES, 1)
    rows = Component.objects.filter(pk__in=range(first, last, step)).select_related("type")
    spots = [(row.point.x, row.point.y, row.type.code) for row in rows]
    today = timezone.localdate()
    components_nearest(*spots[0])
    near = statistics.median(timed(lambda spot=spot: components_nearest(*spot)) for spot in spots)
    yield Figure("nearest five of a type", near, NEAREST_MS, "ms", at_most=True)
    inside = [spot[:2] for spot in spots if is_inside(*spot[:2], today)]
    found = statistics.median(timed(lambda spot=spot: locate(*spot, on=today)) for spot in inside)
    yield Figure("locate", found, LOCATE_MS, "ms", at_most=True)


def is_inside(lon: float, lat: float, today: date) -> bool:
    """Tell whether a place lies in the city: some components stand just outside its grid."""
    try:
        locate(lon, lat, on=today)
    except OutsideCity:
        return False
    return True


def page_of(browser: Client, address: str, query: Query) -> None:
    answer = browser.get(address, query, secure=True)
    assert answer.status_code == 200, answer.status_code


def median_ms(act: Callable[[], object], rounds: int = ROUNDS) -> float:
    act()
    return statistics.median(timed(act) for _round in range(rounds))


def timed(act: Callable[[], object]) -> float:
    """Return how many milliseconds a call takes."""
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1000
