"""The city goes on: reports come in by the hour of the day, people at the posts work them off.

Nothing is scheduled. Every tick asks how much waits at each stage and lets people take steps there
at a pace that grows with the queue, so that each stage settles at its usual backlog and no desk
overflows. Some cases are left until they are late. A case that one of the named log-ins has
touched belongs to people: the simulator never acts in it again.
"""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import City
from cases.errors import ActionRefused, CaseNotFound
from cases.models import ApprovalRequest, Case, CaseEvent, FieldTask, Source
from cases.workflow import State
from common.errors import DomainError
from desks.demo.organisations import named_logins, named_streets
from desks.demo.pictures import pictures_of
from desks.demo.play import CannotPlay, Player

REPORTS_A_MINUTE = 6.0
# How busy each hour of the day is, midnight first; people sleep, collectors begin at seven.
HOURS = (
    0.35, 0.3, 0.3, 0.3, 0.3, 0.35, 0.5, 0.8, 1.0, 1.3, 1.3, 1.1,
    0.8, 0.9, 1.2, 1.3, 1.2, 1.0, 0.8, 0.8, 0.7, 0.6, 0.5, 0.4,
)  # fmt: skip
# How many cases usually wait at a stage.
BACKLOG = {
    State.REPORTED: 20,
    State.CONFIRMING: 12,
    State.ACCEPTED: 12,
    State.FILED: 18,
    State.DISPATCHED: 28,
    State.HANDLING: 90,
    State.SUSPENDED: 10,
    State.HANDLED: 12,
    State.CHECKING: 22,
    State.REWORK: 8,
    State.CHECKED: 12,
}
# What part of all cases passes through a stage, where it is not nearly all.
PASSING = {State.CONFIRMING: 0.11, State.SUSPENDED: 0.02, State.REWORK: 0.08}
REQUESTS_BACKLOG = 12
MOST_STEPS_A_TICK = 25
LONGEST_TICK = timedelta(minutes=1)
LOOK_BACK = timedelta(days=14)
CALL_BACK_WITHIN = timedelta(hours=6)
SLOW_SHARE = 4  # of a hundred cases are left until they are late
SLOW_AT_MOST = timedelta(hours=3)

logger = logging.getLogger(__name__)

Fits = Callable[[Case], bool]


def always(case: Case) -> bool:
    """Any case."""
    return True


def is_from_people(case: Case) -> bool:
    """Somebody called: a collector should look first."""
    return case.source in (Source.HOTLINE, Source.PUBLIC, Source.MEDIA) and not _looked(case)


def is_untrue(case: Case) -> bool:
    """A collector went there and found nothing."""
    return bool(_looked(case) & {FieldTask.Outcome.NOT_TRUE, FieldTask.Outcome.GONE})


def is_done(case: Case) -> bool:
    """The collector has put it right on the spot."""
    return case.is_self_handled


def is_urgent(case: Case) -> bool:
    """Dispatched first, filed later."""
    return case.urgency == "urgent"


def is_skippable(case: Case) -> bool:
    """The type needs no look on site."""
    return bool(case.type and case.type.is_check_skippable)


def lacks_filing(case: Case) -> bool:
    """An urgent case whose filing is still to be completed."""
    return case.has_open_filing


def _looked(case: Case) -> set[str]:
    return set(case.field_tasks.exclude(ended_at=None).values_list("outcome", flat=True))


@dataclass(frozen=True, slots=True)
class Choice:
    """What people may do at a stage, and how often of a hundred times."""

    action: str
    percent: float
    fits: Fits = always


# The first that fits and whose luck holds is taken; the last is what usually happens.
CHOICES: dict[State, tuple[Choice, ...]] = {
    State.REPORTED: (
        Choice("judge_valid", 100, is_done),
        Choice("refuse", 90, is_untrue),
        Choice("dispatch_urgent", 40, is_urgent),
        Choice("ask_confirmation", 45, is_from_people),
        Choice("refuse", 3),
        Choice("merge", 3),
        Choice("accept", 100),
    ),
    State.CONFIRMING: (Choice("confirm", 100),),
    State.ACCEPTED: (Choice("refuse", 1), Choice("send_back", 2), Choice("file", 100)),
    State.FILED: (
        Choice("request_void", 1),
        Choice("request_proxy", 1),
        Choice("hand_down", 18),
        Choice("dispatch", 100),
    ),
    State.DISPATCHED: (
        Choice("complete_filing", 60, lacks_filing),
        Choice("request_return", 4),
        Choice("recall", 1),
        Choice("sign", 100),
    ),
    State.HANDLING: (
        Choice("complete_filing", 90, lacks_filing),
        Choice("request_extension", 4),
        Choice("request_suspension", 2),
        Choice("request_return", 1),
        Choice("instruct", 0.5),
        Choice("order_supervision", 0.5),
        Choice("complete", 100),
    ),
    State.SUSPENDED: (Choice("request_unsolved_close", 15), Choice("resume", 100)),
    State.HANDLED: (Choice("skip_check", 60, is_skippable), Choice("send_check", 100)),
    State.CHECKING: (Choice("check_fail", 8), Choice("check_pass", 100)),
    State.REWORK: (Choice("dispatch", 100),),
    State.CHECKED: (
        Choice("complete_filing", 100, lacks_filing),
        Choice("send_back", 1),
        Choice("close", 100),
    ),
}


def reports_a_minute(hour: int) -> float:
    """Return how many reports come in at an hour of the day, at the usual rate."""
    return REPORTS_A_MINUTE * HOURS[hour]


def steps_expected(waiting: Mapping[State, int], arrivals: float) -> dict[State, float]:
    """Return how many steps people take at each stage while so many reports come in.

    At its usual backlog a stage lets out as many as enter it; twice as many wait: twice as fast.
    """
    return {
        state: arrivals * PASSING.get(state, 1.0) * waiting.get(state, 0) / usual
        for state, usual in BACKLOG.items()
    }


def is_flooded(waiting: Mapping[State, int]) -> bool:
    """Tell whether so much waits that nothing should be added."""
    return sum(waiting.values()) > 2 * sum(BACKLOG.values())


class Simulation:
    """Plays a city, tick by tick."""

    def __init__(self, city: City, now: datetime, rate: float = 1.0, seed: int | None = None):
        self.city = city
        self.rate = rate
        self.chance = random.Random(seed)  # noqa: S311  a game
        self.named = frozenset(named_logins())
        self.their_streets = named_streets()
        self.player = Player(city, self.chance, pictures_of(city, now), self.named)

    def tick(self, now: datetime, passed: timedelta) -> int:
        """Let everybody work for the time that has passed; return the number of steps taken."""
        seconds = min(passed, LONGEST_TICK).total_seconds()
        usual = self.rate * reports_a_minute(timezone.localtime(now).hour) * seconds / 60
        waiting = self._waiting(now)
        arrivals = 0.0 if is_flooded(waiting) else usual
        steps = sum(self._report(now) for _each in range(self._some(arrivals)))
        for state, expected in steps_expected(waiting, usual).items():
            steps += self._work(state, self._some(expected), now)
        return steps + self._decide(usual, now) + self._call_back(usual, now)

    def _some(self, expected: float) -> int:
        """Return a whole number that is ``expected`` on average, at most a tick's worth."""
        whole = math.floor(expected)
        return min(whole + (self.chance.random() < expected - whole), MOST_STEPS_A_TICK)

    # ── what waits, and for whom ──────────────────────────────────────────────────────────────

    def _ours(self, now: datetime) -> QuerySet[Case]:
        """Cases that no named person has touched, outside the streets where named people walk."""
        touched = CaseEvent.objects.filter(
            case=OuterRef("pk"), actor__username__in=sorted(self.named)
        )
        return (
            Case.objects.filter(city=self.city, reported_at__gte=now - LOOK_BACK)
            .filter(~Exists(touched))
            .exclude(street_code__in=self.their_streets)
        )

    def _waiting(self, now: datetime) -> dict[State, int]:
        rows = self._ours(now).filter(is_open=True).values("state").annotate(count=Count("pk"))
        return {State(row["state"]): row["count"] for row in rows.order_by()}

    def _work(self, state: State, count: int, now: datetime) -> int:
        if count == 0:
            return 0
        queue = (
            self._ours(now)
            .filter(is_open=True, state=state)
            .select_related("type", "standard", "department", "desk", "collector")
        )
        ready = [case for case in queue.order_by("reported_at") if not _is_put_off(case, now)]
        chosen = self.chance.sample(ready, min(count, len(ready)))
        return sum(self._step(case, now) for case in chosen)

    # ── steps ─────────────────────────────────────────────────────────────────────────────────

    def _report(self, now: datetime) -> bool:
        try:
            self.player.report(now, self_handled_share=0.05)
        except (CannotPlay, DomainError) as refused:
            logger.info("No report: %s", refused)
            return False
        return True

    def _step(self, case: Case, now: datetime) -> bool:
        """Take one step; where what was chosen cannot be done, what usually happens."""
        choices = CHOICES[State(case.state)]
        action = next(
            choice.action
            for choice in choices
            if self.chance.random() * 100 < choice.percent and choice.fits(case)
        )
        return self._act(case, action, now) or (
            action != choices[-1].action and self._act(case, choices[-1].action, now)
        )

    def _act(self, case: Case, action: str, now: datetime) -> bool:
        try:
            self.player.act(case, action, now)
        except (CannotPlay, ActionRefused, CaseNotFound) as refused:
            logger.info("%s is not done in %s: %s", action, case.number, refused)
            return False
        return True

    def _decide(self, pace: float, now: datetime) -> int:
        """Decide some of what was asked: granted four times of five."""
        asked = (
            ApprovalRequest.objects.filter(
                status=ApprovalRequest.Status.OPEN,
                case__in=self._ours(now),
                asked_at__lt=now - timedelta(minutes=1),
            )
            .select_related("case")
            .order_by("pk")
        )
        requests = list(asked[: 5 * REQUESTS_BACKLOG])
        count = self._some(pace * len(requests) / REQUESTS_BACKLOG / 4)
        return sum(
            self._act(request.case, self._decision(request), now)
            for request in self.chance.sample(requests, min(count, len(requests)))
        )

    def _decision(self, request: ApprovalRequest) -> str:
        if self.chance.random() < 0.8:
            return "reopen" if request.kind == "reopen" else f"approve_{request.kind}"
        return f"reject_{request.kind}"

    def _call_back(self, pace: float, now: datetime) -> int:
        """Ask who reported whether they are content; sometimes they are not."""
        if self._some(pace * 0.01) == 0:
            return 0
        closed = self._ours(now).filter(
            state=State.CLOSED, source=Source.HOTLINE, reported_at__gte=now - CALL_BACK_WITHIN
        )
        case = closed.order_by("-ended_at").first()
        return int(case is not None and self._act(case, "propose_reopen", now))


def _is_put_off(case: Case, now: datetime) -> bool:
    """Some cases wait until they are late, where that is not far away."""
    if case.pk % 100 >= SLOW_SHARE or case.due_at is None:
        return False
    return now < case.due_at < now + SLOW_AT_MOST
