"""The closed loop: reports, actions, lists, details, places and the replay, under load.

The database of the seeded cases is kept between runs; what the loads add stays in it.
"""

from __future__ import annotations

import csv
import itertools
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.authtoken.models import Token

from accounts.models import City, Organisation, User
from accounts.roles import Role
from benchmarks.client import Ask, Load, NextAsk, run_load
from benchmarks.figures import Figure
from benchmarks.processes import usage
from benchmarks.queries import queries_of_the_door
from benchmarks.stack import Stack, running_stack
from cases.models import Case, Photo
from cases.selectors import standards_for
from components.models import CaseType
from desks.replay.crew import Crew
from desks.replay.places import street_spots
from desks.replay.run import COLUMNS, choose, replay
from grid.selectors import locate

CLIENTS = 16
SECONDS = 12.0
WARM_UP = 2.0
LIST_SIZES = (1, 25, 100)
LIST_QUERIES, REPORT_QUERIES, ACTION_QUERIES = 8, 14, 12
LOCATES = 2000
REPLAYED = 160
TYPE = "E0102"  # exposed garbage: sanitation, in every district


@dataclass(frozen=True, slots=True)
class Ground:
    """What the load needs to know of the city."""

    city: City
    crew: Crew
    tokens: dict[int, str]
    places: list[tuple[float, float]]
    chance: random.Random

    def token(self, user: User) -> str:
        """Return somebody's token."""
        return self.tokens[user.pk]

    def place(self) -> tuple[float, float]:
        """Return a point on a street."""
        return self.chance.choice(self.places)


def measure(database: str) -> Iterator[Figure]:
    """Measure every figure of the suite, in order."""
    ground = load_ground()
    yield from _queries(ground)
    yield _locate(ground)
    with running_stack() as stack:
        bench = Bench(stack, database, ground)
        yield from bench.writes()
        yield from bench.reads()
    yield _replay(ground)


def load_ground() -> Ground:
    """Return the city's people, each with a token, and places on its streets."""
    city = City.objects.get()
    crew = Crew(city)
    known = dict(Token.objects.values_list("user_id", "key"))
    for person in User.objects.filter(is_active=True).exclude(pk__in=known):
        known[person.pk] = Token.objects.create(user=person).key
    places = street_spots(city.pk)
    return Ground(city, crew, known, places, random.Random(1))


# ── without HTTP ──────────────────────────────────────────────────────────────────────────────


def _queries(ground: Ground) -> Iterator[Figure]:
    """Count the queries of the doors over every action, and of the list for several sizes."""
    counted = queries_of_the_door(ground.city, timezone.now())
    report = counted.pop("report")
    action = max(counted, key=lambda name: counted[name])
    yield Figure("case_report: SQL queries", report, REPORT_QUERIES, "", at_most=True)
    yield Figure(
        "case_act: SQL queries, most of all actions",
        counted[action],
        ACTION_QUERIES,
        "",
        at_most=True,
        peer=47,
        remark=f"{action}; {len(counted)} actions counted",
    )
    acceptor = ground.crew.holder(Role.ACCEPTOR)
    numbers = {size: _queries_of(ground, acceptor, size) for size in LIST_SIZES}
    yield Figure(
        "list of cases: SQL queries",
        max(numbers.values()),
        LIST_QUERIES,
        "",
        at_most=True,
        peer=217,
        remark=", ".join(f"{size} rows: {count}" for size, count in numbers.items()),
    )


def _queries_of(ground: Ground, user: User, size: int) -> int:
    client = Client(HTTP_HOST="localhost", HTTP_AUTHORIZATION=f"Token {ground.token(user)}")
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(f"/api/v1/cases/?page_size={size}")
    assert answer.status_code == 200, answer.content
    return len(captured)


def _locate(ground: Ground) -> Figure:
    day = timezone.localdate()
    times = []
    for _each in range(LOCATES):
        lon, lat = ground.place()
        started = time.perf_counter()
        locate(lon, lat, on=day)
        times.append(time.perf_counter() - started)
    return Figure(
        "locate: median of a call", statistics.median(times) * 1000, 1.0, "ms", at_most=True
    )


def _replay(ground: Ground) -> Figure:
    """Replay closed requests through the whole loop with two processes, in this database."""
    now = timezone.now()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requests.csv"
        _write_requests(path, ground.chance, f"bench-{now:%Y%m%d%H%M%S}")
        chosen = choose(path, ground.city, (), None, now)
        summary = replay(chosen, 2, lambda size: None)
    assert summary.agrees, summary.refused
    return Figure(
        "replay: requests/s, 2 processes",
        summary.done_now / summary.seconds,
        10,
        "/s",
        remark=f"{summary.calls.total() / summary.done_now:.1f} calls of the door each",
    )


def _write_requests(path: Path, chance: random.Random, name: str) -> None:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(sorted(COLUMNS))
        for number in range(REPLAYED):
            request = {
                "unique_key": f"{name}-{number}",
                "created_date": f"2019-07-{1 + number % 20:02d}T{number % 24:02d}:10:00",
                "closed_date": f"2019-07-{2 + number % 20:02d}T12:00:00",
                "status": "Closed",
                "complaint_type": ("Missed Collection", "Street Condition")[number // 2 % 2],
                "descriptor": "Pothole",
                "open_data_channel_type": ("PHONE", "UNKNOWN")[number % 2],
                "resolution_description": "Done.",
                "longitude": round(-74 + chance.random() / 10, 6),
                "latitude": round(40.6 + chance.random() / 10, 6),
            }
            rows.writerow(request.get(column, "") for column in sorted(COLUMNS))


# ── over HTTP ─────────────────────────────────────────────────────────────────────────────────


class Bench:
    """Loads the stack with requests and makes figures of the answers."""

    def __init__(self, stack: Stack, database: str, ground: Ground) -> None:
        self.stack, self.database, self.ground = stack, database, ground
        self.acceptor = ground.crew.holder(Role.ACCEPTOR)
        self.clerk = ground.crew.holder(Role.DEPARTMENT_CLERK, "city-sanitation")
        self.keys = itertools.count()
        self.reported: list[dict[str, Any]] = []

    def load(
        self, next_ask: NextAsk, clients: int = CLIENTS, seconds: float = SECONDS
    ) -> tuple[Load, str]:
        """Warm up, then load for a while; return what came back, and who used the cores."""
        run_load(self.stack.port, next_ask, clients=clients, seconds=WARM_UP)
        before = self._usage()
        load = run_load(self.stack.port, next_ask, clients=clients, seconds=seconds)
        used = self._usage() - before
        if load.failed:
            raise SystemExit(f"refused: {load.refusals.most_common(3)}")
        median = f"median {load.median_ms:.0f} ms; "
        return load, median + used.remark(sum(load.statuses.values()), load.seconds)

    def _usage(self):
        return usage(self.stack.web, self.stack.nginx, self.database)

    # ── writes ────────────────────────────────────────────────────────────────────────────────

    def writes(self) -> Iterator[Figure]:
        """Report, then take what was reported through the whole loop."""
        load, remark = self.load(self.next_report)
        yield Figure("reports/s, 16 clients", load.rate, 80, "/s", aim=250, peer=25, remark=remark)
        loop = Loop(self.ground, self.reported)
        load, remark = self.load(loop.next_ask)
        yield Figure("actions/s, 16 clients", load.rate, 90, "/s", aim=230, peer=23, remark=remark)

    def next_report(self, _client: int) -> Ask:
        """Return another report by an acceptor."""
        lon, lat = self.ground.place()
        number = next(self.keys)
        return Ask(
            "POST",
            "/api/v1/cases/",
            self.ground.token(self.acceptor),
            {
                "source": "hotline",
                "type": TYPE,
                "description": f"路边有垃圾堆放，影响通行（{number}）",
                "location": {"type": "Point", "coordinates": [lon, lat]},
                "address": "" if number % 4 else "市民所述地点",
                "reporter": {"name": "市民", "phone": "10000000000"},
            },
            key=f"bench-{time.time_ns()}-{number}",
            then=lambda _status, answer: self.reported.append(json.loads(answer)),
        )

    # ── reads ─────────────────────────────────────────────────────────────────────────────────

    def reads(self) -> Iterator[Figure]:
        """Read lists and details."""
        count = Case.objects.count()
        newest = self.list_ask(self.acceptor)
        load, remark = self.load(lambda _client: newest, clients=1)
        name = f"list of 25 of {count:,}"
        yield Figure(f"{name}: median, 1 client", load.median_ms, 30, "ms", at_most=True)
        load, remark = self.load(lambda _client: newest)
        yield Figure(
            f"{name}/s, 16 clients", load.rate, 200, "/s", aim=700, peer=3.3, remark=remark
        )
        inbox = self.list_ask(self.clerk)
        load, remark = self.load(lambda _client: inbox)
        yield Figure("a department's list/s", load.rate, 200, "/s", peer=3.3, remark=remark)
        numbers = _numbers(self.ground.chance)
        load, remark = self.load(
            lambda _client: Ask(
                "GET",
                f"/api/v1/cases/{self.ground.chance.choice(numbers)}/",
                self.ground.token(self.acceptor),
            )
        )
        yield Figure("details/s, 16 clients", load.rate, 150, "/s", peer=30, remark=remark)

    def list_ask(self, user: User) -> Ask:
        """Return the request for somebody's newest 25."""
        return Ask("GET", "/api/v1/cases/?page_size=25", self.ground.token(user))


def _numbers(chance: random.Random) -> list[str]:
    """Return numbers of cases from all over the table."""
    last = Case.objects.order_by("-pk").values_list("pk", flat=True)[0]
    wanted = [chance.randrange(1, last + 1) for _each in range(2000)]
    return list(Case.objects.filter(pk__in=wanted).values_list("number", flat=True))


class Loop:
    """Takes reported cases from accepting to closing, one step a request, each by its post."""

    def __init__(self, ground: Ground, reported: list[dict[str, Any]]) -> None:
        self.ground = ground
        self.waiting = list(reported)
        holder = ground.crew.holder
        self.acceptor, self.supervisor = holder(Role.ACCEPTOR), holder(Role.SHIFT_SUPERVISOR)
        self.clerk = holder(Role.DEPARTMENT_CLERK, "city-sanitation")
        self.collector = holder(Role.COLLECTOR)
        desk = Organisation.objects.get(code=reported[0]["desk"])
        self.dispatcher = holder(Role.DISPATCHER, desk.code)
        case_type, day = CaseType.objects.get(code=TYPE), timezone.localdate()
        self.standards = {
            grade: standards_for(case_type, grade, day)[0].pk
            for grade in {case["zone_grade"] for case in reported}
        }
        self.photos = {
            person.pk: _photos(person, len(reported), timezone.now())
            for person in (self.clerk, self.collector)
        }
        self.steps: dict[str, tuple[str, User, Callable[[dict[str, Any]], dict[str, Any]]]] = {
            "reported": ("accept", self.acceptor, lambda case: {"address": "市民所述地点"}),
            "accepted": ("file", self.supervisor, self.filing),
            "filed": ("dispatch", self.dispatcher, self.department),
            "dispatched": ("sign", self.clerk, lambda case: {}),
            "handling": ("complete", self.clerk, self.completion),
            "handled": ("send_check", self.acceptor, self.checker),
            "checking": ("check_pass", self.collector, lambda case: self.photo(self.collector)),
            "checked": ("close", self.supervisor, lambda case: {}),
        }
        self.keys = itertools.count()

    def next_ask(self, _client: int) -> Ask | None:
        """Return the next step of a case that waits for one; the newest report comes last."""
        if not self.waiting:
            return None
        case = self.waiting.pop()
        action, actor, fields = self.steps[case["state"]]
        return Ask(
            "POST",
            f"/api/v1/cases/{case['number']}/actions/{action}/",
            self.ground.token(actor),
            {"version": case["version"], **fields(case)},
            key=f"bench-{time.time_ns()}-{next(self.keys)}",
            then=self.took,
        )

    def took(self, status: int, answer: bytes) -> None:
        """Put the case back unless it is closed."""
        case = json.loads(answer)
        if status == 200 and case["state"] in self.steps:
            self.waiting.append(case)

    def filing(self, case: dict[str, Any]) -> dict[str, Any]:
        return {"standard": self.standards[case["zone_grade"]]}

    def department(self, case: dict[str, Any]) -> dict[str, Any]:
        return {"department": "city-sanitation", "reason": "属地环卫"}

    def completion(self, case: dict[str, Any]) -> dict[str, Any]:
        met = [{"met": True} for _condition in case["closing_conditions"]]
        return {"note": "已清理", "closing_answers": met, **self.photo(self.clerk)}

    def checker(self, case: dict[str, Any]) -> dict[str, Any]:
        return {"collector": self.collector.username}

    def photo(self, person: User) -> dict[str, Any]:
        return {"photos": [self.photos[person.pk].pop()]}


def _photos(owner: User, count: int, now: datetime) -> list[int]:
    """Return photos of somebody's, as if they had been uploaded before."""
    rows = Photo.objects.bulk_create(
        Photo(
            owner=owner, sha256="0" * 64, width=960, height=640, size_bytes=20_000, uploaded_at=now
        )
        for _each in range(count)
    )
    return [row.pk for row in rows]
