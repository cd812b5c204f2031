"""Search across cases: every way of asking, as somebody who sees all and as a department.

What is measured is the first page of a list: the query taken apart, sounds turned into words, and
the newest cases with what a row shows. A fifth of the cases get a caller first, once.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import datetime

from django.db import connection
from django.utils import timezone

from accounts.models import City, User
from accounts.roles import Role
from benchmarks.figures import Figure
from cases.models import Case, CasePerson
from cases.search.selectors import cases_found
from common.pinyin import search_keys
from desks.replay.crew import Crew
from grid.models import Place

PAGE = 25
ROUNDS = 40
TARGET_MS, SLOWEST_MS = 50, 200
SURNAMES, GIVEN = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗",
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平",
)
# Uses the primary key; every fifth case, so that a second run adds nothing.
_CALLERS = """
INSERT INTO cases_caseperson (case_id, name, phone)
SELECT id,
    substr(%s, 1 + (id / 5 %% 20)::int, 1) || substr(%s, 1 + (id / 100 %% 20)::int, 1)
        || substr(%s, 1 + (id / 7 %% 20)::int, 1),
    '1' || (3000000000 + (id::bigint * 7919) %% 6999999999)::text
FROM cases_case WHERE id %% 5 = 0
ON CONFLICT (case_id) DO NOTHING
"""

Texts = Callable[[], str]


def measure(_database: str) -> Iterator[Figure]:
    """Measure every kind of query."""
    city, now = City.objects.get(), timezone.now()
    _give_callers()
    chance, crew = random.Random(7), Crew(city)
    acceptor = crew.holder(Role.ACCEPTOR)
    clerk = crew.holder(Role.DEPARTMENT_CLERK, "city-sanitation")
    count = Case.objects.count()
    for name, texts in _kinds(chance).items():
        yield from _figures(f"{count:,}: {name}", acceptor, texts, now)
    yield from _figures(f"{count:,}: a department, words", clerk, _kinds(chance)["words"], now)


def _give_callers() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        if not CasePerson.objects.exists():
            cursor.execute(_CALLERS, [SURNAMES, GIVEN, GIVEN])


def _kinds(chance: random.Random) -> dict[str, Texts]:
    """Return, by kind, what makes another query of it; words are those the cases hold."""
    last = Case.objects.order_by("-pk").values_list("pk", flat=True)[0]
    some = [chance.randrange(1, last + 1) for _each in range(3000)]
    rows = list(Case.objects.filter(pk__in=some).values_list("number", "address", "type__name"))
    phones = list(CasePerson.objects.filter(pk__in=some).values_list("phone", "name"))
    roads = list(Place.objects.filter(kind="road").values_list("name", flat=True)[:300])

    def part(text: str, length: int) -> str:
        at = chance.randrange(max(len(text) - length, 0) + 1)
        return text[at : at + length]

    def slip(sound: str) -> str:
        at = chance.randrange(1, len(sound) - 1)
        return sound[:at] + sound[at + 1 :]

    def road() -> str:
        return chance.choice([each for each in roads if len(each) > 2])

    return {
        "number, its beginning": lambda: chance.choice(rows)[0][:10],
        "place in the day": lambda: str(chance.randrange(1, 4000)),
        "words": lambda: chance.choice(("垃圾", "井盖", "占道经营", "路灯", "店外经营", "树")) + "",
        "fragment of an address": lambda: part(chance.choice(rows)[1], 4),
        "road and type": lambda: f"{chance.choice(rows)[1][:3]} {chance.choice(rows)[2][:2]}",
        "pinyin": lambda: search_keys(road())[0],
        "pinyin with a slip": lambda: slip(search_keys(road())[0]),
        "telephone, last four": lambda: chance.choice(phones)[0][-4:],
        "telephone": lambda: chance.choice(phones)[0],
        "caller's name": lambda: chance.choice(phones)[1],
        "nothing like it": lambda: "独角兽跑道",
    }


def _figures(name: str, user: User, texts: Texts, now: datetime) -> Iterator[Figure]:
    cases_found(text=texts(), user=user, now=now, limit=PAGE)  # a running program has asked before
    times, slowest = [], (0.0, "")
    for _each in range(ROUNDS):
        text = texts()
        started = time.perf_counter()
        cases_found(text=text, user=user, now=now, limit=PAGE)
        times.append((time.perf_counter() - started) * 1000)
        slowest = max(slowest, (times[-1], text))
    ninety_fifth = statistics.quantiles(times, n=20)[-1]
    yield Figure(f"{name}: median", statistics.median(times), TARGET_MS, "ms", at_most=True)
    yield Figure(
        f"{name}: 95 %", ninety_fifth, SLOWEST_MS, "ms", at_most=True, remark=f" {slowest[1]}"
    )
