"""Live under load and faults: walls and desks connected, cases moving through the door.

The whole stack of the Procfile with a Redis of its own: nginx, web, ws, worker, beat. In the middle
Redis and the process of the sockets are killed (-9) and started again a second later, and
PostgreSQL is restarted. Every client does what a page does: it follows ``prev``, asks the feed
after a gap, a ``reload`` or a new connection, and comes back by itself with growing waits.

    LIVE_MINUTES=2 make bench BENCH=live       LIVE_DESKS, LIVE_WALLS, LIVE_RATE: others than 500,
                                               200 and 20 events a second

Delays are measured from the moment the database wrote the event (before its commit) to the arrival
of its message at a desk's client, outside the declared windows: ten seconds from each fault.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import statistics
import subprocess
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection

from accounts.models import User
from accounts.roles import Role
from benchmarks.figures import Figure
from benchmarks.live_clients import WALL, Client, Desk, Wall
from benchmarks.loop import TYPE, Ground, Loop, load_ground
from benchmarks.processes import usage
from benchmarks.sockets import Http
from benchmarks.stack import ROOT, Stack, running_stack
from cases.models import Case
from desks.replay.database import city_prepare, database_use
from live.broadcasts import BROADCASTS
from live.models import EventPosition
from live.services import events_sequence, head

DATABASE = "citymgmt_bench_live"
MINUTES = float(os.environ.get("LIVE_MINUTES", "10"))
DESKS = int(os.environ.get("LIVE_DESKS", "500"))
WALLS = int(os.environ.get("LIVE_WALLS", "200"))
RATE = float(os.environ.get("LIVE_RATE", "20"))
WINDOW_S = 10.0
MEDIAN_MS, SLOW_MS, RECOVERY_S = 60, 400, 10
QUIET_S = 12.0
OPEN_FILES = 16_384
DESK_ROLES = (
    Role.ACCEPTOR,
    Role.SHIFT_SUPERVISOR,
    Role.DISPATCHER,
    Role.LEADER,
    Role.DEPARTMENT_CLERK,
    Role.DEPARTMENT_HEAD,
    Role.COLLECTOR,
)


# ── cases through the door ────────────────────────────────────────────────────────────────────


@dataclass
class Traffic:
    """Sends acts at a steady rate; what came to nothing is sent again with its key."""

    ground: Ground
    port: int
    loop: Loop | None = None
    desk: str | None = None
    sent: int = 0
    again: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)

    async def prepare(self) -> None:
        """Report the cases whose lives follow."""
        reported: list[dict[str, Any]] = []
        acceptor = self.ground.crew.holder(Role.ACCEPTOR)
        http = Http(self.port)
        for number in range(40):
            status, answer = await http.ask(self.report(acceptor, number))
            assert status == 201, answer[:300]
            reported.append(json.loads(answer))
        http.close()
        count = int(RATE * MINUTES * 60 / 3) + 200
        made = [reported[number % len(reported)] for number in range(count)]  # as many photos
        self.loop = await asyncio.to_thread(Loop, self.ground, made)
        self.desk = reported[0]["desk"]
        self.loop.waiting = [case for case in reported if case["desk"] == self.desk]

    def report(self, acceptor: User, number: int) -> bytes:
        lon, lat = self.ground.places[number % 50]
        body = {
            "source": "hotline",
            "type": TYPE,
            "description": f"路边有垃圾堆放（{number}）",
            "location": {"type": "Point", "coordinates": [lon, lat]},
            "reporter": {"name": "市民", "phone": "10000000000"},
        }
        content = json.dumps(body).encode()
        key = f"live-{time.time_ns()}-{number}"
        return _post("/api/v1/cases/", self.ground.token(acceptor), key, content)

    async def run(self, until: float) -> None:
        """Send one after the other, never more than ten at once."""
        lines = asyncio.Queue[Http]()
        for _each in range(10):
            lines.put_nowait(Http(self.port))
        acceptor, number = self.ground.crew.holder(Role.ACCEPTOR), 1000
        loop = asyncio.get_running_loop()
        due = loop.time()
        pending: set[asyncio.Task[None]] = set()
        while time.time() < until:
            due += 1 / RATE
            await asyncio.sleep(max(due - loop.time(), 0))
            http = await lines.get()
            assert self.loop is not None
            ask = self.loop.next_ask(0) if number % 9 else None
            number += 1
            if ask is None:
                request, then = self.report(acceptor, number), self.reported
            else:
                content = json.dumps(ask.body).encode()
                request, then = _post(ask.path, ask.token, ask.key, content), ask.then
            pending.add(task := asyncio.create_task(self.send(http, request, then, lines)))
            task.add_done_callback(pending.discard)
        await asyncio.gather(*pending)

    async def send(self, http: Http, request: bytes, then: Any, lines: Any) -> None:
        started = time.perf_counter()
        while True:
            try:
                status, answer = await http.ask(request)
            except OSError:
                status, answer = 0, b""
            if status in (200, 201):
                self.sent += 1
                self.took.append(time.perf_counter() - started)
                then(status, answer)
                break
            if status and status < 500:
                self.refused[f"{status} {answer[:120]!r}"] += 1
                break
            self.again += 1
            await asyncio.sleep(0.3)
        lines.put_nowait(http)

    def reported(self, status: int, answer: bytes) -> None:
        assert self.loop is not None
        case = json.loads(answer)
        if case["desk"] == self.desk and case["zone_grade"] in self.loop.standards:
            self.loop.waiting.append(case)


def _post(path: str, token: str, key: str, content: bytes) -> bytes:
    head_ = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Token {token}\r\n"
        f"Content-Type: application/json\r\nIdempotency-Key: {key}\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head_.encode() + content


# ── the run ───────────────────────────────────────────────────────────────────────────────────


def measure(_database: str) -> Iterator[Figure]:
    """Run the load with its faults and judge what every client got."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(OPEN_FILES, most), most))  # the stack's too
    database_use(DATABASE)
    city_prepare()
    ground = load_ground()
    events_sequence()
    people = _people()
    cookies = {user.pk: _cookie(user) for user in people}
    watcher = next(user for user in people if Role.LEADER in user.roles)
    with running_stack("redis", "ws", "worker", "beat") as stack:
        scene = Scene(stack, ground, people, cookies, watcher)
        before = usage(stack.web, stack.nginx, DATABASE)
        asyncio.run(scene.play())
        used = usage(stack.web, stack.nginx, DATABASE) - before
        scene.cpu = used.client / scene.seconds
        scene.others = used.others_share(scene.seconds)
    yield from judge(scene)


def _people() -> list[User]:
    people = User.objects.with_roles().filter(is_active=True).order_by("pk")
    return [user for user in people if user.roles & set(DESK_ROLES)]


def _cookie(user: User) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "accounts.backends.PersonBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


class Scene:
    """The run: who is connected, what was done when, what came of it."""

    def __init__(
        self,
        stack: Stack,
        ground: Ground,
        people: list[User],
        cookies: dict[int, str],
        watcher: User,
    ) -> None:
        self.stack = stack
        self.begun_at = head()
        self.traffic = Traffic(ground, stack.port)
        chance = random.Random(1)
        # Each post as often as its people: a department's clerks hear little, the centre all.
        seats = [people[number % len(people)] for number in range(DESKS)]
        chance.shuffle(seats)
        self.desks = [Desk(stack.port, cookies[user.pk], user, self.begun_at) for user in seats]
        has_wall = WALL in BROADCASTS
        self.walls = [
            Wall(stack.port, cookies[watcher.pk]) for _each in range(WALLS if has_wall else 0)
        ]
        self.faults: list[tuple[str, float]] = []
        self.seconds = self.cpu = self.others = 0.0
        self.last = self.begun_at  # position that every desk is to know of at the end

    async def play(self) -> None:
        """Connect, load, break things, wait until it is quiet, end."""
        await self.traffic.prepare()
        clients: list[Client] = [*self.desks, *self.walls]
        for start in range(0, len(clients), 20):
            await asyncio.gather(*(each.connect() for each in clients[start : start + 20]))
        await asyncio.sleep(3)
        self.started = time.time()
        end = self.started + MINUTES * 60
        breaking = asyncio.create_task(self.break_things(end - self.started))
        await self.traffic.run(end)
        await breaking
        await self.become_quiet()
        self.seconds = time.time() - self.started
        for each in clients:
            each.is_ending = True
            if each.socket is not None:
                each.socket.transport.close()

    async def become_quiet(self) -> None:
        """Wait until every desk knows of everything, a minute at most, and for two beats more."""
        for _each in range(60):
            await asyncio.sleep(1)
            # A timer may write once more after the pages' last beat: they cannot know of that.
            self.last = await asyncio.to_thread(_head_now)
            if all(desk.upto >= self.last for desk in self.desks):
                break
        await asyncio.sleep(QUIET_S)

    async def break_things(self, seconds: float) -> None:
        """Kill Redis, kill the sockets' process, restart PostgreSQL, each at its time."""
        for share, name in ((0.25, "redis"), (0.5, "ws"), (0.75, "postgresql")):
            await asyncio.sleep(max(self.started + share * seconds - time.time(), 0))
            self.faults.append((name, time.time()))
            if name == "postgresql":
                command = [ROOT / "scripts" / "services", "restart-postgresql"]
                await asyncio.to_thread(subprocess.run, command, check=True)
                continue
            self.stack.kill(name)
            await asyncio.sleep(1)  # a supervisor has noticed by then
            self.stack.start(name)


def _head_now() -> int:
    connection.close()  # this thread's may be from before the restart
    return head()


def judge(scene: Scene) -> Iterator[Figure]:
    """Compare what every client got with what the database says."""
    connection.close()  # the server was restarted
    written = dict(
        EventPosition.objects.filter(position__gt=scene.begun_at).values_list(
            "position", "written_at"
        )
    )
    times = {position: at.timestamp() for position, at in written.items()}
    windows = [(at, at + WINDOW_S) for _name, at in scene.faults]
    is_quiet = {  # what was written before everybody was there, they were told when they came
        position: at >= scene.started and not any(a - 0.5 <= at <= b for a, b in windows)
        for position, at in times.items()
    }
    delays, slowest = [], defaultdict[int, float](float)  # by the second of writing
    for desk in scene.desks:
        for position, at in zip(*desk.received, strict=True):
            if is_quiet[position]:
                delay, second = at - times[position], int(times[position] - scene.started)
                delays.append(delay)
                slowest[second] = max(slowest[second], delay)
    loss = sum(desk.losses for desk in scene.desks)
    counts = sum((desk.counts for desk in scene.desks), Counter[str]())
    traffic = scene.traffic
    about = (
        f"{len(delays):,} messages; {traffic.sent:,} acts ({traffic.sent / MINUTES / 60:.1f}/s,"
        f" median {1000 * statistics.median(traffic.took):.0f} ms), {traffic.again} sent again;"
        f" generator {scene.cpu:.0%} of a core, others {scene.others:.0%} of the cores"
    )
    name = f"{DESKS} desks, {len(scene.walls)} walls: commit to client"
    hundredths = statistics.quantiles(delays, n=100)
    median = 1000 * statistics.median(delays)
    yield Figure(f"{name}, median", median, MEDIAN_MS, "ms", at_most=True, remark=about)
    told = (
        f"sockets lost {loss}, gaps {counts['gap']}, reloads {counts['reload']},"
        f" feed asked {counts['resume']}; slowest seconds {worst_seconds(scene, slowest)}"
    )
    yield Figure(f"{name}, p99", 1000 * hundredths[98], SLOW_MS, "ms", at_most=True, remark=told)
    late = Lateness(scene, times)
    for fault, at in scene.faults:
        seconds = late.after(at)
        yield Figure(f"recovery after {fault}", seconds, RECOVERY_S, "s", at_most=True)
    yield Figure("acts refused", traffic.refused.total(), 0, "", at_most=True,
                 remark=str(traffic.refused.most_common(1)) if traffic.refused else "")  # fmt: skip
    faults = [fault for desk in scene.desks for fault in desk.faults]
    yield Figure("messages out of order", len(faults), 0, "", at_most=True)
    behind = [desk for desk in scene.desks if desk.upto < scene.last]
    yield Figure("desks that missed a position", len(behind), 0, "", at_most=True)
    yield wrong_desks(scene)
    if scene.walls:
        yield from wall_figures(scene)


def worst_seconds(scene: Scene, slowest: dict[int, float]) -> str:
    """Say in which seconds of the run messages were slowest, and which fault came before."""
    faults = [(at - scene.started, name) for name, at in scene.faults]
    told = []
    for second in sorted(slowest, key=slowest.__getitem__, reverse=True)[:6]:
        before, name = max((fault for fault in faults if fault[0] <= second), default=(0, "start"))
        told.append(f"{name}+{second - before:.0f}: {1000 * slowest[second]:.0f} ms")
    return ", ".join(told)


class Lateness:
    """When each client knew of everything up to a position."""

    def __init__(self, scene: Scene, times: dict[int, float]) -> None:
        self.scene, self.times = scene, times

    def after(self, fault: float) -> float:
        """Return how long after a fault the last client knew of what happened around it.

        For what was written within ten seconds of the fault, counted from its writing where that
        came later than the fault.
        """
        near = [p for p, at in self.times.items() if fault - 0.5 <= at <= fault + WINDOW_S]
        longest = 0.0
        for desk in self.scene.desks:
            moments, uptos = desk.covered
            for position in near:
                place = bisect_left(uptos, position)
                known = moments[place] if place < len(uptos) else float("inf")
                # A desk that sees nothing of it is covered by the next beat, five seconds later.
                longest = max(longest, known - max(self.times[position], fault))
        return longest


def wrong_desks(scene: Scene) -> Figure:
    """Compare each desk's picture with a fresh one."""
    fresh: dict[int, dict[str, str]] = {}
    touched = EventPosition.objects.filter(position__gt=scene.begun_at).values("event__case_id")
    wrong, first = 0, ""
    for desk in scene.desks:
        if desk.user.pk not in fresh:
            visible = Case.objects.visible_to(desk.user).filter(pk__in=touched)
            fresh[desk.user.pk] = dict(visible.values_list("number", "state"))
        own = {number: state for number, (_position, state) in desk.states.items()}
        if own != fresh[desk.user.pk]:
            wrong += 1
            differs = set(own.items()) ^ set(fresh[desk.user.pk].items())
            first = first or f"{desk.user}: {sorted(differs)[:4]}"
    seen = sum(len(cases) for cases in fresh.values())
    remark = first or f"{seen:,} cases compared"
    return Figure("desks unlike a fresh snapshot", wrong, 0, "", at_most=True, remark=remark)


def wall_figures(scene: Scene) -> Iterator[Figure]:
    """Compare the walls with each other, and how long one was ever silent."""
    newest = max(wall.number for wall in scene.walls)
    states = {
        json.dumps(wall.state, sort_keys=True) for wall in scene.walls if wall.number == newest
    }
    behind = sum(wall.number < newest - 1 for wall in scene.walls)
    remark = f"{sum(wall.counts['delta'] for wall in scene.walls):,} deltas"
    yield Figure("walls behind the others", behind, 0, "", at_most=True, remark=remark)
    yield Figure("pictures the walls show", len(states), 1, "", at_most=True)
    silence = max(wall.longest_silence for wall in scene.walls)
    yield Figure("longest silence of a wall", silence, RECOVERY_S, "s", at_most=True)
