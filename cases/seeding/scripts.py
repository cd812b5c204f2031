"""Which lives made-up cases have: roads through the table, how often each, how long steps take.

The shares are those of a city that works well: 95 of 100 cases closed, about one in twenty handled
late, a few returned, extended, reworked or reopened. Open cases are mostly recent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import accumulate
from math import log
from random import Random
from typing import Any

from cases.models import Source, Urgency
from cases.seeding.life import Life
from cases.seeding.timeline import DAY, HOUR, MINUTE, SECOND, to_text
from cases.seeding.world import Body, Kind, Person, Spot, World
from cases.workflow import ClockKind, State

Road = tuple[str, ...]

_FILED: Road = ("accept", "file", "hand_down")
_HANDLING: Road = (*_FILED, "dispatch", "sign")
_CHECKING: Road = (*_HANDLING, "complete", "send_check")
_END: Road = ("check_pass", "close")
_AGAIN: Road = ("dispatch", "sign", "complete", "send_check")
_SUSPENDED: Road = (*_HANDLING, "ask_suspension", "agree_suspension", "grant_suspension")
_CLOSED: Road = (*_CHECKING, *_END)

REFUSED_FOR = "no_condition"  # a code of fixtures/calendars/reasons.csv

# Cases that come to an end, in shares of all ends.
ENDS: dict[str, tuple[float, Road]] = {
    "closed": (0.710, _CLOSED),
    "confirmed": (0.120, ("ask_confirmation", "confirm", *_CLOSED)),
    "extended": (
        0.040,
        (*_HANDLING, "ask_extension", "grant_extension", "complete", "send_check", *_END),
    ),
    "returned": (0.030, (*_FILED, "dispatch", "ask_return", "grant_return", *_AGAIN, *_END)),
    "reworked": (0.040, (*_CHECKING, "check_fail", *_AGAIN, *_END)),
    "suspended": (0.005, (*_SUSPENDED, "resume", "complete", "send_check", *_END)),
    "self_handled": (0.030, ("judge_valid", "close")),
    "reopened": (0.005, (*_CLOSED, "ask_reopen", "reopen", *_AGAIN, *_END)),
    "refused": (0.012, ("refuse",)),
    "voided": (0.003, ("accept", "file", "ask_void", "grant_void")),
    "merged": (0.005, ("merge",)),
}
# Cases that wait for something, in shares of all that wait.
WAITS: dict[State, tuple[float, Road]] = {
    State.REPORTED: (0.05, ()),
    State.CONFIRMING: (0.05, ("ask_confirmation",)),
    State.ACCEPTED: (0.05, ("accept",)),
    State.FILED: (0.06, _FILED),
    State.DISPATCHED: (0.12, (*_FILED, "dispatch")),
    State.HANDLING: (0.40, _HANDLING),
    State.SUSPENDED: (0.05, _SUSPENDED),
    State.HANDLED: (0.05, (*_HANDLING, "complete")),
    State.CHECKING: (0.08, _CHECKING),
    State.REWORK: (0.04, (*_CHECKING, "check_fail")),
    State.CHECKED: (0.05, (*_CHECKING, "check_pass")),
}
WAITING_SHARE = 0.012
MAX_WAITING_SHARE = 0.6  # of the cases of one day

SOURCES = {
    Source.COLLECTOR: 0.68,
    Source.HOTLINE: 0.14,
    Source.PUBLIC: 0.10,
    Source.VIDEO: 0.04,
    Source.MEDIA: 0.02,
    Source.LEADER: 0.02,
}
URGENT_SHARE = 0.03
HAND_DOWN_SHARE = 0.35
# Reports by the hour of the day: collectors walk from seven, people call in the evening.
HOURS = (1, 1, 1, 1, 1, 2, 6, 14, 20, 21, 20, 16, 11, 16, 19, 19, 18, 15, 11, 9, 7, 5, 3, 2)

PLACES = ("门口", "附近", "路口东侧", "路口西侧", "对面", "人行道上", "公交站旁", "绿化带旁")
TROUBLES = ("影响通行", "请尽快处理", "已持续两天", "有安全隐患", "影响市容", "群众反映强烈")
NOTES = ("已处置完毕，现场恢复原状。", "已派人到场处理。", "已更换并清理现场。", "已劝离并清扫。")
FAULTS = ("现场仍有残留。", "修复不平整。", "问题未完全解决。")
REASONS = ("材料尚未到位", "需协调产权单位", "雨天无法施工", "非本单位职责", "重复立案")


class Choice:
    """Draws keys by their shares."""

    def __init__(self, shares: Iterable[tuple[Any, float]]) -> None:
        pairs = list(shares)
        self.keys = [key for key, _share in pairs]
        self.sums = list(accumulate(share for _key, share in pairs))

    def draw(self, random: Random) -> Any:
        """Return one key."""
        return random.choices(self.keys, cum_weights=self.sums)[0]


END = Choice((name, share) for name, (share, _road) in ENDS.items())
WAIT = Choice((state, share) for state, (share, _road) in WAITS.items())
SOURCE = Choice(SOURCES.items())
HOUR_OF_DAY = Choice(enumerate(HOURS))


def waiting_shares(days: int) -> list[float]:
    """Return the share of cases still open by age: index 0 is the last day.

    They fall with age as 1 / (age + 2), and add up to ``WAITING_SHARE`` of all.
    """
    weights = [1 / (age + 2) for age in range(days)]
    scale = WAITING_SHARE * days / sum(weights)
    return [min(MAX_WAITING_SHARE, weight * scale) for weight in weights]


def report_moments(random: Random, midnight: int, count: int) -> list[int]:
    """Return when so many cases of a day are reported, in order; whole seconds."""
    hours = random.choices(HOUR_OF_DAY.keys, cum_weights=HOUR_OF_DAY.sums, k=count)
    return sorted(midnight + hour * HOUR + int(random.random() * 3600) * SECOND for hour in hours)


# ── playing one life ──────────────────────────────────────────────────────────────────────────


class Play:
    """A life, the people who meet in it, and how long each takes."""

    def __init__(self, world: World, random: Random, life: Life) -> None:
        self.world, self.random, self.life = world, random, life
        self.department: Body | None = None
        self.clerk: Person | None = None
        self.review_at = 0

    def run(self, road: Road, until: int) -> None:
        """Walk the road as far as it gets before ``until``."""
        for name in road:
            step = STEPS[name]
            if name == "hand_down" and not self._goes_to_the_district():
                continue
            at = self._moment(step)
            if at >= until:
                return
            self.life.now = at
            step.do(self)

    def _goes_to_the_district(self) -> bool:
        has_desk = self.life.spot.district_id in self.world.desks
        return has_desk and self.random.random() < HAND_DOWN_SHARE

    def _moment(self, step: Step) -> int:
        life = self.life
        if step.do is Play.resume:
            return (life.review_at or life.now) + MINUTE
        share = self.random.lognormvariate(*step.pace)
        if step.clock is None:
            rule = self.world.rules[ClockKind.DISPATCH, life.urgency]
            amount = step.amount
        else:
            rule = life.rule(step.clock)
            amount = rule.amount
        moment = rule.advance(life.now, int(amount * share))
        return max(moment - moment % SECOND, life.now + SECOND)

    def one(self, people: list[Person] | tuple[Person, ...]) -> Person:
        """Somebody of these."""
        return people[int(self.random.random() * len(people))]

    def acceptor(self) -> Person:
        """Somebody who accepts."""
        return self.one(self.world.acceptors)

    def supervisor(self) -> Person:
        """A shift supervisor."""
        return self.one(self.world.supervisors)

    def leader(self) -> Person:
        """A leader of the centre."""
        return self.one(self.world.leaders)

    def dispatcher(self) -> Person:
        """Somebody of the desk that holds the case."""
        return self.one(self.life.desk.people)

    def collector(self) -> Person:
        """A collector who did not report the case."""
        while (person := self.one(self.world.collectors)).id == self.life.reporter.id:
            continue
        return person

    def words(self, choices: tuple[str, ...]) -> str:
        """One of these sentences."""
        return choices[int(self.random.random() * len(choices))]

    def handler(self) -> Person:
        """The clerk of the department that has the case."""
        assert self.clerk is not None
        return self.clerk

    def dispatch(self) -> None:
        """To the department of the type, in the district if it has one."""
        life = self.life
        if life.department is None:
            kind = life.kind.department_kind
            pick = self.random.random()
            self.department = self.world.department(kind, life.spot.district_id, pick)
            self.clerk = self.one(self.department.people)
        assert self.department is not None
        life.dispatch(self.dispatcher(), self.department, "按职责分工派遣")

    def ask(self, kind: str, actor: Person, role: str, details: dict | None = None) -> None:
        """Ask, with a reason."""
        self.life.ask(kind, actor, role, self.words(REASONS), details or {})

    def ask_extension(self) -> None:
        """As long again as the limit was."""
        standard = self.life.standard
        assert standard is not None
        details = {"value": standard.limit, "unit": standard.unit, "ratio": "1.0000"}
        self.ask("extension", self.handler(), "DEP", details)

    def ask_suspension(self) -> None:
        """Until a review some weeks later."""
        days = 10 + int(self.random.random() * 30)
        self.review_at = self.life.now + days * DAY
        details = {
            "review_at": to_text(self.review_at)[:-1] + "+00:00",
            "expected_at": None,
            "days": f"{days}.0000",
        }
        self.ask("suspension", self.handler(), "DEP", details)

    def grant_suspension(self) -> None:
        """The leader agrees: the case sleeps until its review."""
        self.life.review_at = max(self.review_at, self.life.now + DAY)
        self.life.approve(self.life.requests[-1], self.leader(), "LDR")

    def resume(self) -> None:
        """The system wakes it at the review date."""
        self.life.review_at = None
        self.life.act("resume", None, "SYS")

    def merge_into(self, master: Life, until: int) -> bool:
        """Merge into a case reported just before, if it is open then; its history tells of it."""
        at = self._moment(STEPS["merge"])
        is_open = master.ended_at is None or master.ended_at > at
        if at >= until or not is_open or master.run > 1:
            return False
        life, actor = self.life, self.acceptor()
        life.now, life.master = at, master
        life.act("merge", actor, "ACC", data={"master": master.number})
        master.take_in(life.number, actor, at)
        return True


@dataclass(frozen=True, slots=True)
class Step:
    """How a step is done, and after how much of which limit (median and spread of a log-normal).

    Without a clock the time is a share of ``amount`` of working time.
    """

    do: Callable[[Play], None]
    clock: ClockKind | None = None
    median: float = 0.4
    spread: float = 0.55
    amount: int = 0

    @property
    def pace(self) -> tuple[float, float]:
        """The parameters of the log-normal distribution."""
        return log(self.median), self.spread


K = ClockKind
STEPS: dict[str, Step] = {
    "accept": Step(lambda p: p.life.act("accept", p.acceptor(), "ACC"), K.ACCEPT),
    "judge_valid": Step(lambda p: p.life.act("judge_valid", p.acceptor(), "ACC"), K.ACCEPT),
    "refuse": Step(
        lambda p: p.life.act("refuse", p.acceptor(), "ACC", data={"reason_code": REFUSED_FOR}),
        K.ACCEPT,
    ),
    "merge": Step(lambda p: None, K.ACCEPT),
    "ask_confirmation": Step(
        lambda p: p.life.send_collector("ask_confirmation", p.acceptor(), p.collector()), K.ACCEPT
    ),
    "confirm": Step(lambda p: p.life.answer("confirm", "true"), K.CONFIRM),
    "file": Step(lambda p: p.life.file(p.supervisor()), K.FILE),
    "hand_down": Step(
        lambda p: p.life.hand_down(p.dispatcher(), p.world.desks[p.life.spot.district_id]),
        K.DISPATCH,
    ),
    "dispatch": Step(Play.dispatch, K.DISPATCH),
    "sign": Step(lambda p: p.life.sign(p.handler()), amount=30 * MINUTE),
    "complete": Step(
        lambda p: p.life.complete(p.handler(), p.words(NOTES)), K.HANDLE, median=0.35, spread=0.6
    ),
    "send_check": Step(
        lambda p: p.life.send_collector("send_check", p.acceptor(), p.collector()), K.SEND_CHECK
    ),
    "check_pass": Step(lambda p: p.life.answer("check_pass", "passed"), K.CHECK),
    "check_fail": Step(lambda p: p.life.answer("check_fail", "failed", p.words(FAULTS)), K.CHECK),
    "close": Step(lambda p: p.life.act("close", p.supervisor(), "SUP"), K.CLOSE),
    "ask_extension": Step(Play.ask_extension, K.HANDLE, median=0.2),
    "grant_extension": Step(
        lambda p: p.life.approve_extension(p.life.requests[-1], p.dispatcher()),
        amount=60 * MINUTE,
    ),
    "ask_return": Step(lambda p: p.ask("return", p.handler(), "DEP"), amount=60 * MINUTE),
    "grant_return": Step(
        lambda p: p.life.approve_return(p.life.requests[-1], p.dispatcher()), amount=60 * MINUTE
    ),
    "ask_suspension": Step(Play.ask_suspension, K.HANDLE, median=0.3),
    "agree_suspension": Step(
        lambda p: p.life.approve(p.life.requests[-1], p.dispatcher(), "DSP", is_last=False),
        amount=60 * MINUTE,
    ),
    "grant_suspension": Step(Play.grant_suspension, amount=240 * MINUTE),
    "resume": Step(Play.resume, amount=1),
    "ask_void": Step(lambda p: p.ask("void", p.dispatcher(), "DSP"), amount=60 * MINUTE),
    "grant_void": Step(
        lambda p: p.life.approve(p.life.requests[-1], p.supervisor(), "SUP"), amount=60 * MINUTE
    ),
    "ask_reopen": Step(lambda p: p.ask("reopen", p.acceptor(), "ACC"), amount=2 * 480 * MINUTE),
    "reopen": Step(
        lambda p: p.life.reopen(p.life.requests[-1], p.supervisor()), amount=120 * MINUTE
    ),
}


# ── a day of cases ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Setting:
    """What all cases of a day share."""

    world: World
    kind: Choice
    until: int
    waiting_share: float
    request_ids: list[int]


def kinds_by_share(world: World) -> Choice:
    """Some types are reported every hour, most rarely: the share falls with the rank."""
    order = list(world.kinds)
    Random(159).shuffle(order)  # noqa: S311  the same order every time
    return Choice((kind, 1 / (rank + 3)) for rank, kind in enumerate(order))


def make_life(
    setting: Setting, random: Random, number: str, reported_at: int, key: str, before: Life | None
) -> Life:
    """Make one case from its report to its end or to where it waits."""
    world = setting.world
    waits = random.random() < setting.waiting_share
    end = "" if waits else END.draw(random)
    source = Source.COLLECTOR if end == "self_handled" else SOURCE.draw(random)
    if end == "merged" and before is not None:
        kind, spot = before.kind, before.spot
    else:
        kind, spot = setting.kind.draw(random), _one(world.spots, random)
    if end == "self_handled" and not kind.is_self_handling_allowed:
        end = "closed"
    reporter, role = _reporter(world, source, random)
    life = Life(
        world,
        random,
        kind=kind,
        spot=spot,
        source=source.value,
        urgency=(Urgency.URGENT if random.random() < URGENT_SHARE else Urgency.NORMAL).value,
        reporter=reporter,
        reported_at=reported_at,
        description=_description(kind, spot, random),
        request_ids=setting.request_ids,
    )
    life.number = number
    life.is_self_handled = end == "self_handled"
    life.report(role, key)
    play = Play(world, random, life)
    if end == "merged":
        if before is not None and play.merge_into(before, setting.until):
            return life
        end = "closed"
    road = WAITS[WAIT.draw(random)][1] if waits else ENDS[end][1]
    play.run(road, setting.until)
    return life


def _one(rows: list, random: Random):
    return rows[int(random.random() * len(rows))]


def _reporter(world: World, source: Source, random: Random) -> tuple[Person, str]:
    if source is Source.COLLECTOR:
        return _one(world.collectors, random), "COL"
    if source is Source.LEADER:
        return _one(world.leaders, random), "LDR"
    return _one(world.acceptors, random), "ACC"


def _description(kind: Kind, spot: Spot, random: Random) -> str:
    return f"{spot.address}{_one(PLACES, random)}{kind.name}，{_one(TROUBLES, random)}。"
