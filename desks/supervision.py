"""The shift supervisor's table: every state with its length, its people, and what came and went.

Reads only. One grouped query answers how many, how late and in whose hands; another what the last
hour brought and took away. Sizes: 50,000 open cases, some ten thousand events an hour.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    BigIntegerField,
    CharField,
    Count,
    DateTimeField,
    F,
    Max,
    Min,
    Q,
    QuerySet,
    Value,
)
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from accounts.models import Organisation, User
from accounts.roles import Role
from accounts.scopes import PreparedFor
from cases.milestones import day_spans, milestone_counts
from cases.models import Case, CaseEvent, CaseHold
from cases.presenters import badge, waiting_clock
from cases.queues import late, near, open_cases, supervision_queues
from cases.workflow import OPEN_STATES, State
from common.prepared import Prepared, Slot
from evaluation.indicators import INDICATORS
from evaluation.models import ObjectKind
from evaluation.pages.choice import Choice
from evaluation.pages.lists import BELOW
from evaluation.pages.words import value_text
from evaluation.periods import Period, PeriodKind
from evaluation.selectors.figures import figure

HOUR = timedelta(hours=1)
SHOWN_HOLDERS = 2
# In whose hands a state's cases are: a field of the case.
HOLDERS: dict[str, str] = {
    State.CONFIRMING.value: "collector",
    State.CHECKING.value: "collector",
    State.FILED.value: "desk",
    State.REWORK.value: "desk",
    State.DISPATCHED.value: "department",
    State.HANDLING.value: "department",
    State.SUSPENDED.value: "department",
}
# Here an acceptor who has the case open holds it; the rest waits to be taken.
TAKEN = frozenset({State.REPORTED.value, State.HANDLED.value})


class Counts:
    """How many of a state there are, how many are near and late, and who holds how many.

    ``first_due`` is their earliest deadline, ``first_id`` the oldest of those without any.
    """

    def __init__(self) -> None:
        self.count = self.near = self.late = 0
        self.holders: Counter[int] = Counter()
        self.first_due: datetime | None = None
        self.first_id: int | None = None

    def add(self, count: int, near: int, late: int, due: datetime | None, pk: int | None) -> None:
        """Add those of one holder."""
        self.count, self.near, self.late = self.count + count, self.near + near, self.late + late
        self.first_due = min(filter(None, (self.first_due, due)), default=None)
        self.first_id = min(filter(None, (self.first_id, pk)), default=None)


def _counted_rows(viewer: Any) -> QuerySet[Case, Any]:
    """Return state, holder and counts, each state read in the index case_queue alone."""
    now: Any = Slot("now", DateTimeField())
    states: dict[str, list[str]] = defaultdict(list)
    for state in OPEN_STATES:
        states[HOLDERS.get(state.value, "")].append(state.value)
    rows = [
        open_cases(viewer)
        .filter(state__in=of_field)
        .order_by()
        .annotate(holder=F(f"{field}_id") if field else Value(None, BigIntegerField()))
        .values("state", "holder")
        .annotate(
            count=Count("pk"),
            near=Count("pk", filter=near(now)),
            late=Count("pk", filter=late(now)),
            first_due=Min("due_at"),
            first_id=Min("pk", filter=Q(due_at=None)),
        )
        .values_list("state", "holder", "count", "near", "late", "first_due", "first_id")
        for field, of_field in states.items()
    ]
    return rows[0].union(*rows[1:], all=True)


_COUNTED = PreparedFor(_counted_rows)


def state_counts(user: User, now: datetime) -> dict[str, Counts]:
    """Return the counts of every state that has cases: one query."""
    found: dict[str, Counts] = defaultdict(Counts)
    for state, holder, *counted in _COUNTED(user, now=now):
        found[state].add(*counted)
        if holder is not None:
            found[state].holders[holder] += counted[0]
    return found


_MOVES = Prepared(
    CaseEvent.objects.filter(
        at__gt=Slot("since", DateTimeField()), at__lte=Slot("until", DateTimeField())
    )
    .exclude(old_state=F("new_state"))
    .order_by()
    .values_list("old_state", "new_state")
    .annotate(count=Count("pk"))
)


def hour_flows(now: datetime) -> dict[str, tuple[int, int]]:
    """Return how many cases entered and left each state in the last hour: one query.

    By the index event_at. An installation is one city, and who reads this sees all of it.
    """
    came: Counter[str] = Counter()
    went: Counter[str] = Counter()
    for old, new, count in _MOVES(since=now - HOUR, until=now):
        came[new] += count
        went[old] += count
    return {state: (came[state], went[state]) for state in came.keys() | went.keys()}


def queue_table(
    user: User, now: datetime, counts: dict[str, Counts], first: Sequence[Case]
) -> list[dict[str, Any]]:
    """Return each open state as the table shows it, ``first`` of each: four queries.

    The one that grows most in the hour is the bottleneck.
    """
    flows = hour_flows(now)
    urgent = {case.state: case for case in first}
    mine = {queue.key for queue in supervision_queues(now)} if acts(user) else set()
    people, bodies = holder_names(counts)
    taken = taken_by(now)
    rows = [
        table_row(state.value, counts.get(state.value) or Counts(), urgent.get(state.value), now)
        | flow_of(flows.get(state.value, (0, 0)))
        | {"badge": badge(Case(state=state.value), is_mine=state.value in mine)}
        | in_hand(state.value, counts.get(state.value) or Counts(), people, bodies, taken)
        for state in OPEN_STATES
    ]
    most = max((row["net"] for row in rows), default=0)
    for row in rows:
        row["is_bottleneck"] = most > 0 and row["net"] == most
    return rows


def acts(user: User) -> bool:
    """Tell whether the reader files and closes; a leader only looks on and decides."""
    return Role.SHIFT_SUPERVISOR in user.roles


def table_row(state: str, counts: Counts, urgent: Case | None, now: datetime) -> dict[str, Any]:
    """Return one row of the table of queues; every number links to its list."""
    address = f"{reverse('cases:list')}?{urlencode({'state': state})}"
    return {
        "state": state,
        "url": address,
        "count": counts.count,
        "near": counts.near,
        "late": counts.late,
        "shares": shares(counts),
        "urgent": urgent,
        "clock": waiting_clock(urgent, now) if urgent else None,
    }


def flow_of(flow: tuple[int, int]) -> dict[str, Any]:
    """Return what came and went in the hour, and the difference."""
    came, went = flow
    net = came - went
    return {"came": came, "went": went, "net": net, "net_words": f"{net:+d}".replace("-", "−")}


def shares(counts: Counts) -> dict[str, float]:
    """Return the bar's parts in percent: what is near and late begins where the rest ends."""
    total = max(counts.count, 1)
    late_part = round(100 * counts.late / total, 1)
    near_part = round(100 * counts.near / total, 1)
    rest = max(100 - late_part - near_part, 0)
    return {"rest": rest, "near": near_part, "late": late_part, "late_from": rest + near_part}


# ── in whose hands ────────────────────────────────────────────────────────────────────────────


_TAKEN_BY = Prepared(
    CaseHold.objects.filter(until__gt=Slot("now", DateTimeField()), case__state__in=TAKEN)
    .order_by()
    .values_list("case__state", "user")
    .annotate(count=Count("pk"), name=Max("user__display_name"))
    .order_by("-count", "name")
)


def taken_by(now: datetime) -> dict[str, list[tuple[str, int]]]:
    """Return who has how many reports open at the acceptors' desks, by state: one query."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for state, _user, count, name in _TAKEN_BY(now=now):
        found[state].append((name, count))
    return found


def holder_names(counts: dict[str, Counts]) -> tuple[dict[int, str], dict[int, Organisation]]:
    """Return the names of whoever holds most: at most two queries."""
    people: set[int] = set()
    bodies: set[int] = set()
    for state, each in counts.items():
        kind = HOLDERS.get(state)
        if kind is not None:
            top = {pk for pk, _count in each.holders.most_common(SHOWN_HOLDERS)}
            (people if kind == "collector" else bodies).update(top)
    named = User.objects.filter(pk__in=people).values_list("pk", "display_name")
    return dict(named) if people else {}, Organisation.objects.in_bulk(bodies) if bodies else {}


def in_hand(
    state: str,
    counts: Counts,
    people: dict[int, str],
    bodies: dict[int, Organisation],
    taken: dict[str, list[tuple[str, int]]],
) -> dict[str, Any]:
    """Return who has most of a state's cases, and how many others have some or nobody has."""
    if state in TAKEN:
        holders = taken.get(state, [])
        waiting = counts.count - sum(count for _name, count in holders)
        rest = _("%(count)s to be taken") % {"count": waiting} if waiting > 0 and holders else ""
        return {"people": holders[: SHOWN_HOLDERS + 1], "rest": rest, "bodies": []}
    top, others = counts.holders.most_common(SHOWN_HOLDERS), len(counts.holders) - SHOWN_HOLDERS
    if HOLDERS.get(state) == "collector":
        rest = _("%(count)s more people") % {"count": others} if others > 0 else ""
        return {"people": [(people.get(pk, ""), n) for pk, n in top], "rest": rest, "bodies": []}
    if others > 0:  # names of many would be cut to nothing
        return {
            "people": [],
            "bodies": [],
            "rest": _("%(count)s bodies") % {"count": others + SHOWN_HOLDERS},
        }
    shown = [(bodies[pk], count) for pk, count in top if pk in bodies]
    return {"people": [], "bodies": shown, "rest": ""}


# ── the short lists ───────────────────────────────────────────────────────────────────────────


SHORT_LIST = 6


def _beginnings(viewer: Any) -> QuerySet[Case, Any]:
    """Return the first case of every state under "", and the first of each queue under its key."""
    now: Any = Slot("now", DateTimeField())
    first = Q(due_at__any_of=Slot("first_dues")) | Q(pk__any_of=Slot("first_ids"))
    firsts = open_cases(viewer).filter(first).order_by("state", "due_at", "pk").distinct("state")
    queues = (
        open_cases(viewer)
        .filter(queue.condition)
        .annotate(which=Value(queue.key, CharField()))
        .order_by("due_at", "pk")
        .values_list("which", "pk")[:SHORT_LIST]
        for queue in supervision_queues(now)
    )
    of_states = firsts.annotate(which=Value("", CharField())).values_list("which", "pk")
    return of_states[: len(OPEN_STATES)].union(*queues, all=True)


_BEGINNINGS = PreparedFor(_beginnings)
_SHOWN = Prepared(
    Case.objects.select_related("type", "department", "desk").filter(pk__any_of=Slot("cases"))
)


def first_of_each(user: User, now: datetime, counts: dict[str, Counts]) -> dict[str, list[Case]]:
    """Return the most urgent cases of each queue, and under "" the first of every state.

    Two queries for all; ``counts`` say where the first ones stand.
    """
    places = _BEGINNINGS(
        user,
        now=now,
        first_dues=[each.first_due for each in counts.values() if each.first_due],
        first_ids=[each.first_id for each in counts.values() if not each.first_due],
    )
    found = _SHOWN(cases=list({pk for _which, pk in places}))
    cases = {case.pk: case for case in found}
    begun: dict[str, list[Case]] = defaultdict(list)
    for which, pk in places:
        begun[which].append(cases[pk])
    for each in begun.values():
        each.sort(key=lambda case: (case.due_at is None, case.due_at, case.pk))
    return begun


# ── the day ───────────────────────────────────────────────────────────────────────────────────

# What the day is told by: a milestone, what it is called, the list behind it.
DAY_FIGURES = (
    ("reported", pgettext_lazy("today", "Reported"), "reported_after"),
    ("filed", pgettext_lazy("today", "Filed"), "filed_after"),
    ("handled", pgettext_lazy("today", "Handled"), "handled_after"),
    ("closed", pgettext_lazy("today", "Closed"), "closed_after"),
)
ON_TIME = INDICATORS["handling_in_time_rate"]


def today_figures(user: User, now: datetime) -> dict[str, Any]:
    """Return how many cases passed each milestone today and yesterday by this hour: two queries.

    Beside them the day's on-time handling: at most two more.
    """
    spans = day_spans(now)
    midnight = spans["today"][0]
    counted = milestone_counts(spans)
    cases = Case.objects.visible_to(user).filter(reported_at__gte=spans["yesterday"][0])
    counted["reported"] = cases.aggregate(
        **{
            name: Count("pk", filter=Q(reported_at__gte=since, reported_at__lt=until))
            for name, (since, until) in spans.items()
        }
    )
    address = reverse("cases:list")
    return {
        "figures": [
            {
                "label": label,
                "url": f"{address}?{urlencode({parameter: f'{midnight:%Y-%m-%d}'})}",
                **counted[milestone],
            }
            for milestone, label, parameter in DAY_FIGURES
        ],
        "on_time": handled_on_time(now),
    }


def handled_on_time(now: datetime) -> dict[str, Any]:
    """Return the day's on-time handling, part and whole: evaluation's figure, as on the wall."""
    today = Period.of(PeriodKind.LIVE, timezone.localdate(now))
    value, counts = figure(ON_TIME.key, period=today, now=now)
    choice = Choice(ObjectKind.DEPARTMENT, today, indicator=ON_TIME.key)
    return {
        "share": value_text(ON_TIME, value),
        "part": ON_TIME.above(counts),
        "whole": ON_TIME.below(counts),
        "url": f"{reverse('evaluation:cases')}{choice.query(side=BELOW)}",
    }
