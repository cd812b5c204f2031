"""Copying made-up cases into the tables, a day a transaction.

A day is all there or not at all, so an interrupted run goes on where it stopped, and a second run
adds nothing: the report of every seeded case bears the plan's name as its idempotency key. The
day's numbers follow those given already, under the counter's lock like any other.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from django.conf import settings
from django.db import connection, connections, transaction

from accounts.models import City
from cases.seeding.life import Event, Life
from cases.seeding.scripts import Setting, kinds_by_share, make_life, report_moments, waiting_shares
from cases.seeding.timeline import from_datetime, to_text
from cases.seeding.world import World, read_world
from cases.services.clocks import CLOCK_OF_STATE

NULL = r"\N"
CASES_A_DAY = 5500  # a large city's
MIN_DAYS = 30
REQUESTS_A_CASE = 1  # ids kept ready; no road asks more often
TABLES = (
    "cases_case",
    "cases_caseclock",
    "cases_caseevent",
    "cases_eventtext",
    "cases_suborder",
    "cases_fieldtask",
    "cases_approvalrequest",
)

Numberer = Callable[[Sequence[int]], None]


@dataclass(frozen=True)
class Plan:
    """How many cases over which days; ``until`` is the first day without any."""

    seed: int
    count: int
    days: int
    until: date

    @property
    def name(self) -> str:
        """What marks the plan's cases."""
        return f"seed-{self.seed}-{self.count}-{self.days}-{self.until:%Y%m%d}"

    def day(self, index: int) -> date:
        """Return a day of the plan, the first one being 0."""
        return self.until - timedelta(days=self.days - index)

    def cases_on(self, index: int) -> int:
        """Return how many cases a day has; they add up to ``count``."""
        return self.count * (index + 1) // self.days - self.count * index // self.days


def find_plan(seed: int, count: int) -> Plan | None:
    """Return the plan of this seed and count of which cases are here already, if any."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        # The first hit ends the scan: made-up cases stand at the head of a benchmark's table.
        cursor.execute(
            "SELECT idempotency_key FROM cases_caseevent"
            " WHERE sequence = 1 AND idempotency_key LIKE %s LIMIT 1",
            [f"seed-{seed}-{count}-%"],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    _seed, _seed_number, _count, days, until, *_place = row[0].split("-")
    return Plan(seed, count, int(days), date.fromisoformat(until))


def usual_days(count: int) -> int:
    """Return over how many days a large city reports so many cases."""
    return max(MIN_DAYS, -(-count // CASES_A_DAY))


def cases_seed(
    *, city: City, plan: Plan, processes: int = 1, number_events: Numberer
) -> Iterator[int]:
    """Load the days of a plan that are not there yet; yields how many cases each added.

    ``number_events`` gives loaded events their places in the numbered log, in the order given.
    Raise CityNotReady when the city lacks something every case needs.
    """
    world = read_world(city, plan.day(0), plan.until)
    loader = Loader(world, plan, number_events)
    if processes == 1:
        yield from map(loader.load_day, range(plan.days))
    else:
        yield from _in_processes(loader, plan, processes)


def analyze() -> None:
    """Let the planner know how large the tables are now."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(TABLES)}")


_loader: Loader | None = None  # what a forked process works with


def _in_processes(loader: Loader, plan: Plan, processes: int) -> Iterator[int]:
    global _loader
    _loader = loader
    connections.close_all()
    with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
        days = [pool.submit(_load_day, index) for index in range(plan.days)]
        for day in as_completed(days):
            yield day.result()


def _load_day(index: int) -> int:
    assert _loader is not None
    return _loader.load_day(index)


# ── one day ───────────────────────────────────────────────────────────────────────────────────

_CLAIM = """
INSERT INTO cases_numbercounter AS counter (city_id, day, last) VALUES (%s, %s, %s)
ON CONFLICT ON CONSTRAINT one_counter_a_day DO UPDATE SET last = counter.last + excluded.last
RETURNING last - %s
"""
# Uses the index case_newest and the unique (case, sequence).
_IS_LOADED = """
SELECT EXISTS (
    SELECT FROM cases_case JOIN cases_caseevent AS report
        ON report.case_id = cases_case.id AND report.sequence = 1
    WHERE reported_at >= %s AND reported_at < %s AND report.idempotency_key LIKE %s
)
"""


class Loader:
    """Makes the cases of a day and copies them."""

    def __init__(self, world: World, plan: Plan, number_events: Numberer) -> None:
        self.world, self.plan, self.number_events = world, plan, number_events
        self.kinds = kinds_by_share(world)
        self.shares = waiting_shares(plan.days)
        self.zone = ZoneInfo(settings.TIME_ZONE)

    def load_day(self, index: int) -> int:
        """Load one day unless it is there; returns how many cases were added."""
        day, count = self.plan.day(index), self.plan.cases_on(index)
        if not count:
            return 0
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL lock_timeout = '60s'")
            cursor.execute("SET LOCAL synchronous_commit = off")
            cursor.execute(_CLAIM, [self.world.city_id, day, count, count])
            first = cursor.fetchone()[0] + 1
            midnights = self._midnight(day), self._midnight(day + timedelta(days=1))
            cursor.execute(_IS_LOADED, [*midnights, f"{self.plan.name}-%"])
            if cursor.fetchone()[0]:
                transaction.set_rollback(True)
                return 0
            self.copy(self._lives(cursor, index, day, first, count))
        return count

    def _midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)

    def _lives(self, cursor: Any, index: int, day: date, first: int, count: int) -> list[Life]:
        random = Random(f"{self.plan.name}-{index}")  # noqa: S311  repeatable is the point
        age = self.plan.days - 1 - index
        setting = Setting(
            self.world,
            self.kinds,
            from_datetime(self._midnight(self.plan.until)),
            self.shares[age],
            new_ids(cursor, "cases_approvalrequest", count * REQUESTS_A_CASE)[::-1],
        )
        moments = report_moments(random, from_datetime(self._midnight(day)), count)
        lives: list[Life] = []
        for place, moment in enumerate(moments):
            number = f"{day:%Y%m%d}{first + place:05d}"
            before = lives[-1] if lives and lives[-1].master is None else None
            key = f"{self.plan.name}-{index}-{place}"
            lives.append(make_life(setting, random, number, moment, key, before))
        for life in lives:
            life.chain()
        return lives

    def copy(self, lives: list[Life]) -> None:
        """Write chained lives into the tables, inside the caller's transaction."""
        with connection.cursor() as cursor:
            rows = Rows(cursor, self.world.city_id, lives)
            for table, columns, lines in rows.tables():
                text = io.StringIO("".join(lines))
                cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", text)
            # Foreign keys are checked now, before anybody has to wait for the log.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        self.number_events(rows.events_in_order())


def new_ids(cursor: Any, table: str, count: int) -> list[int]:
    """Take so many ids from a table's sequence."""
    cursor.execute(
        "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
        [table, count],
    )
    return [row[0] for row in cursor.fetchall()]


# ── rows as COPY reads them ───────────────────────────────────────────────────────────────────


def escaped(text: str) -> str:
    """Return a text with what COPY would misread escaped."""
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if "\n" in text or "\t" in text or "\r" in text:
        text = text.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return text


def as_json(value: Any) -> str:
    """Return JSON as COPY reads it."""
    return escaped(orjson.dumps(value).decode())


def when(moment: int | None) -> str:
    """Return a moment or null."""
    return NULL if moment is None else to_text(moment)


def length(amount: int | None) -> str:
    """Return a length of time or null."""
    return NULL if amount is None else f"{amount} microseconds"


def key(value: Any) -> str:
    """Return an id or null."""
    return NULL if value is None else str(value)


CASE_COLUMNS = (
    "id, city_id, number, state, is_open, version, run, source, reporter_id, reported_at, type_id,"
    " description, urgency, is_self_handled, point, address, cell_id, community_id, street_id,"
    " district_id, management_area_id, cell_code, community_code, street_code, district_code,"
    " zone_grade, standard_id, profile, limit_value, limit_unit, closing_conditions, desk_id,"
    " department_id, collector_id, routing_reason, master_id, rework_count, has_open_filing,"
    " review_at, handled_at, ended_at, clock_kind, warn_at, due_at, history_head, history_length"
)
CLOCK_COLUMNS = (
    "case_id, run, kind, organisation_id, person_id, limit_value, limit_unit, standard_id,"
    " stage_limit_id, calendar_version_id, started_at, warn_at, due_at, original_due_at, granted,"
    " paused_at, remaining, paused_total, stopped_at, actual_end_at, outcome, stopped_sequence,"
    " pauses, parts, deadline_number, marks"
)
EVENT_COLUMNS = (
    "id, case_id, sequence, run, action, actor_id, role, organisation_id, old_state, new_state,"
    " at, data, text_digest, idempotency_key, previous_hash, hash"
)
ORDER_COLUMNS = (
    "case_id, run, organisation_id, is_lead, is_mandatory, task, dispatched_by_id, dispatched_at,"
    " signed_by_id, signed_at, completed_by_id, completed_at, ended_at, outcome"
)
TASK_COLUMNS = (
    "case_id, run, kind, collector_id, organisation_id, assigned_by_id, assigned_at, due_at,"
    " ended_at, outcome, is_reporter_checking"
)
REQUEST_COLUMNS = (
    "id, case_id, run, kind, status, asked_in, asked_by_id, organisation_id, asked_at,"
    " reason_code, reason, details, was_overdue, approvals, decided_by_id, decided_at,"
    " decision_note, department_id, due_at, chain, waits_for"
)


class Rows:
    """The rows of a day, in the order in which they may be copied."""

    def __init__(self, cursor: Any, city_id: int, lives: list[Life]) -> None:
        self.city_id, self.lives = city_id, lives
        self.case_ids = new_ids(cursor, "cases_case", len(lives))
        self.id_of = {life.number: pk for life, pk in zip(lives, self.case_ids, strict=True)}
        count = sum(len(life.events) for life in lives)
        self.event_ids = new_ids(cursor, "cases_caseevent", count)

    def tables(self) -> Iterator[tuple[str, str, Iterable[str]]]:
        """Yield table, columns and lines."""
        pairs = list(zip(self.case_ids, self.lives, strict=True))
        yield "cases_case", CASE_COLUMNS, (self._case(pk, life) for pk, life in pairs)
        yield "cases_suborder", ORDER_COLUMNS, _each(pairs, _orders)
        yield "cases_fieldtask", TASK_COLUMNS, _each(pairs, _tasks)
        yield "cases_approvalrequest", REQUEST_COLUMNS, _each(pairs, _requests)
        yield "cases_caseclock", CLOCK_COLUMNS, _each(pairs, _clocks)
        yield "cases_caseevent", EVENT_COLUMNS, self._events()
        yield "cases_eventtext", "event_id, salt, content", self._texts()

    def _with_ids(self) -> Iterator[tuple[int, int, int, Event]]:
        ids = iter(self.event_ids)
        for case_id, life in zip(self.case_ids, self.lives, strict=True):
            for sequence, event in enumerate(life.events, 1):
                yield next(ids), case_id, sequence, event

    def events_in_order(self) -> list[int]:
        """Return the ids of the events in the order in which they happened."""
        return [pk for _at, pk in sorted((e.at, pk) for pk, _c, _s, e in self._with_ids())]

    def _events(self) -> Iterator[str]:
        for pk, case_id, sequence, event in self._with_ids():
            actor = event.actor
            actor_id, body = (actor.id, actor.organisation_id) if actor else (None, None)
            yield (
                f"{pk}\t{case_id}\t{sequence}\t{event.run}\t{event.action}\t{key(actor_id)}\t"
                f"{event.role}\t{key(body)}\t{event.old_state}\t{event.new_state}\t"
                f"{to_text(event.at)}\t{as_json(event.data)}\t{event.text_digest}\t{event.key}\t"
                f"{event.previous_hash}\t{event.hash}\n"
            )

    def _texts(self) -> Iterator[str]:
        for pk, _case_id, _sequence, event in self._with_ids():
            if event.text:
                yield f"{pk}\t{event.salt}\t{as_json(event.text)}\n"

    def _case(self, pk: int, life: Life) -> str:
        spot, standard, clock = life.spot, life.standard, life.waits_for()
        kind = CLOCK_OF_STATE.get(life.state)
        count = len(life.events)
        values = (
            str(pk),
            str(self.city_id),
            life.number,
            life.state.value,
            "t" if life.is_open else "f",
            str(count),
            str(life.run),
            life.source,
            str(life.reporter.id),
            to_text(life.reported_at),
            str(life.kind.id),
            escaped(life.description),
            life.urgency,
            "t" if life.is_self_handled else "f",
            f"SRID={settings.GEO_STORAGE_SRID};POINT({spot.lon!r} {spot.lat!r})",
            escaped(spot.address),
            str(spot.cell_id),
            str(spot.community_id),
            str(spot.street_id),
            str(spot.district_id),
            key(spot.management_area_id),
            spot.cell_code,
            spot.community_code,
            spot.street_code,
            spot.district_code,
            spot.zone_grade,
            key(standard and standard.id),
            standard.profile if standard else "",
            key(standard and standard.limit),
            standard.unit if standard else "",
            escaped(standard.conditions) if standard else "[]",
            key(life.desk.id),
            key(life.department and life.department.id),
            key(life.collector and life.collector.id),
            escaped(life.routing_reason),
            key(life.master and self.id_of[life.master.number]),
            str(life.rework_count),
            "f",
            when(life.review_at),
            when(life.handled_at),
            when(life.ended_at),
            kind.value if kind else "",
            when(clock.warn_at if clock else None),
            when(clock.due_at if clock else None),
            life.events[-1].hash,
            str(count),
        )
        return "\t".join(values) + "\n"


def _each(
    pairs: list[tuple[int, Life]], lines: Callable[[int, Life], Iterator[str]]
) -> Iterator[str]:
    for pk, life in pairs:
        yield from lines(pk, life)


def _clocks(pk: int, life: Life) -> Iterator[str]:
    for c in life.clocks:
        rule = c.rule
        yield (
            f"{pk}\t{c.run}\t{c.kind}\t{key(c.organisation_id)}\t{key(c.person_id)}\t"
            f"{rule.value if rule else NULL}\t{rule.unit if rule else ''}\t"
            f"{key(rule and rule.standard_id)}\t{key(rule and rule.stage_limit_id)}\t"
            f"{key(c.calendar_version_id)}\t{to_text(c.started_at)}\t{when(c.warn_at)}\t"
            f"{when(c.due_at)}\t{when(c.original_due_at)}\t"
            f"{as_json(c.granted) if c.granted else '[]'}\t{when(c.paused_at)}\t"
            f"{length(c.remaining)}\t{length(c.paused_total)}\t{when(c.stopped_at)}\t"
            f"{when(c.actual_end_at)}\t{c.outcome}\t{key(c.stopped_sequence)}\t"
            f"{as_json(c.pauses) if c.pauses else '[]'}\t{as_json(c.parts) if c.parts else '{}'}\t"
            f"{c.deadline_number}\t[]\n"
        )


def _orders(pk: int, life: Life) -> Iterator[str]:
    for order in life.orders:
        yield (
            f"{pk}\t{order.run}\t{order.body.id}\tt\tt\t\t{order.dispatched_by}\t"
            f"{to_text(order.dispatched_at)}\t{key(order.signed_by)}\t{when(order.signed_at)}\t"
            f"{key(order.completed_by)}\t{when(order.completed_at)}\t{when(order.ended_at)}\t"
            f"{order.outcome}\n"
        )


def _tasks(pk: int, life: Life) -> Iterator[str]:
    for task in life.tasks:
        yield (
            f"{pk}\t{task.run}\t{task.kind}\t{task.collector.id}\t"
            f"{key(task.collector.organisation_id)}\t{task.assigned_by}\t"
            f"{to_text(task.assigned_at)}\t{when(task.due_at)}\t{when(task.ended_at)}\t"
            f"{task.outcome}\tf\n"
        )


def _requests(pk: int, life: Life) -> Iterator[str]:
    for r in life.requests:
        yield (
            f"{r.id}\t{pk}\t{r.run}\t{r.kind}\t{r.status}\t{r.asked_in}\t{r.asked_by.id}\t"
            f"{key(r.asked_by.organisation_id)}\t{to_text(r.asked_at)}\t\t{escaped(r.reason)}\t"
            f"{as_json(r.details)}\t{'t' if r.was_overdue else 'f'}\t{as_json(r.approvals)}\t"
            f"{key(r.decided_by)}\t{when(r.decided_at)}\t\t{key(r.department)}\t"
            f"{when(r.due_at)}\t{as_json(r.chain)}\t{as_json(r.waits_for)}\n"
        )
