"""The queues of the desks: which cases stand in which, in which order, and how many.

A queue is a named condition over the cases a person may see; its count and its list come from the
same condition. All are read through the partial index of open cases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import Case as Choice
from django.db.models import (
    CharField,
    Count,
    DateTimeField,
    Exists,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import User
from accounts.roles import Role
from accounts.scopes import Shape, shape_of, stand_in, values_of
from cases.models import ApprovalRequest, Case, FieldTask, SubOrder
from cases.workflow import ARROWS, POST_ROLES, Asks, State
from common.lookups import array_of
from common.prepared import Prepared, Slot

PAGE_SIZE = 25  # rows at once; a list goes on as it is scrolled
REPORTED_ACTS = ("accept", "ask_confirmation", "merge", "refuse")  # in several reports at once
ROW = ("type", "department", "district")


@dataclass(frozen=True, slots=True)
class Part:
    """Some cases of a desk; ``are_led``: by the reader's department, all of them."""

    cases: QuerySet[Case]
    are_led: bool = False


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue of a desk: a tab with its condition.

    ``light`` is shown beside the count; ``action`` is what is done there, ``acts`` what may be done
    in several at once; ``filter`` are the parameters of the list of cases that shows the same.
    ``parts`` are the same cases apart, each read best; among those of a part whose reader leads
    them ``of_lead`` says what ``condition`` does, without asking of each who leads it.
    ``rest_of`` is a condition and the key of the queue that takes the others of its cases: counted
    as the difference, where to look at each case again would cost as much as to count the others.
    """

    key: str
    label: str | Promise
    condition: Q
    light: str = ""
    action: str = ""
    filter: dict[str, str] = field(default_factory=dict)
    is_quiet: bool = False  # its tab shows only while something waits there
    cases: Callable[[User], QuerySet[Case]] | None = None  # all queues of a desk share one
    parts: Callable[[User], Sequence[Part]] | None = None
    of_lead: Q | None = None
    acts: tuple[str, ...] = ()
    rest_of: tuple[Q, str] | None = None


def _confirmed() -> Exists:
    """A collector has looked on site in this run and answered."""
    return Exists(
        FieldTask.objects.filter(
            case=OuterRef("pk"),
            run=OuterRef("run"),
            kind=FieldTask.Kind.CONFIRM,
            outcome__in=FieldTask.FOUND,
        )
    )


def _asked() -> Q:
    """Something was asked for in this case and nobody has answered; read once, not per case."""
    waiting = ApprovalRequest.objects.filter(status=ApprovalRequest.Status.OPEN)
    return Q(pk__in=waiting.values("case_id"))


def late(now: datetime) -> Q:
    """The deadline has passed."""
    return Q(due_at__lt=now)


def near(now: datetime) -> Q:
    """The warning has come, the deadline not yet."""
    return Q(warn_at__lte=now, due_at__gte=now)


def light_of(now: datetime) -> Choice:
    """Return the light of an open case as an expression; "" while no deadline runs."""
    return Choice(
        When(late(now), then=Value("red")),
        When(near(now), then=Value("yellow")),
        When(warn_at__gt=now, then=Value("green")),
        default=Value(""),
        output_field=CharField(),
    )


def acceptance_queues(_user: User, _now: datetime) -> list[Queue]:
    """What waits for an acceptor."""
    reported = Q(state=State.REPORTED)
    queues = (
        Queue(
            "reported",
            _("To accept"),
            reported & ~Q(_confirmed()),
            acts=REPORTED_ACTS,
            rest_of=(reported, "confirmed"),
        ),
        Queue(
            "confirmed",
            pgettext_lazy("queue", "Confirmed"),
            reported & Q(_confirmed()),
            acts=REPORTED_ACTS,
        ),
        Queue(
            "handled",
            pgettext_lazy("queue", "Handled"),
            Q(state=State.HANDLED),
            acts=("send_check", "skip_check"),
        ),
    )
    return list(queues)


def dispatch_queues(user: User) -> list[Queue]:
    """What waits for the dispatchers of the reader's desk."""
    under_way = Q(state__in=(State.DISPATCHED, State.HANDLING))
    queues = (
        Queue("filed", _("To dispatch"), Q(state=State.FILED)),
        Queue("rework", _("Rework"), Q(state=State.REWORK)),
        Queue("requests", _("Requests"), _asked()),
        Queue("suspended", _("Suspended"), Q(state=State.SUSPENDED)),
        Queue("dispatched", _("Given out"), under_way),
    )
    return [replace(queue, cases=desk_cases) for queue in queues]


def desk_cases(user: User) -> QuerySet[Case]:
    """Return the open cases that the reader's desk holds; its dispatchers see all of them.

    Counted in the index alone (case_desk).
    """
    if user.organisation_id is None or not user.is_active:
        return Case.objects.none()
    return Case.objects.filter(desk=user.organisation_id, is_open=True)


def inbox_queues(user: User, now: datetime) -> list[Queue]:
    """What waits for the reader's department, the bodies below it, and the reader.

    A squad's inbox holds what its department gave it; a co-operating department's its parts.
    """
    bodies = user.body_ids
    lead = Q(department__pk__any_of=bodies)
    mine = lead | Q(pk__in=_orders(squad__pk__any_of=bodies, is_lead=True))
    in_hand = Q(state__one_of=(State.DISPATCHED, State.HANDLING))
    done = Q(state__one_of=(State.HANDLED, State.CHECKING, State.CHECKED))
    parts = Q(pk__in=_orders(is_lead=False, organisation__pk__any_of=bodies))
    to_me = Q(pk__in=_orders(person=user.pk))
    to_squads = Q(pk__in=_orders(squad__pk__any_of=bodies))

    def of_mine(key: str, label: str | Promise, which: Q, light: str = "") -> Queue:
        return Queue(key, label, mine & which, light, of_lead=which)

    queues = (
        of_mine("open", _("In hand"), in_hand),
        of_mine("dispatched", _("To sign"), Q(state__one_of=[State.DISPATCHED])),
        of_mine("handling", _("In handling"), Q(state__one_of=[State.HANDLING])),
        of_mine("near", _("Due soon"), in_hand & near(now), "yellow"),
        of_mine("late", _("Overdue"), in_hand & late(now), "red"),
        of_mine("rework", _("Rework"), in_hand & Q(rework_count__gt=0)),
        Queue("parts", _("Co-operating"), parts, is_quiet=True),
        Queue("me", _("Assigned to me"), to_me, is_quiet=True),
        Queue("squads", _("With my squads"), to_squads, is_quiet=True),
        of_mine("requests", _("Requests"), in_hand & _asked()),
        of_mine("suspended", _("Suspended"), Q(state__one_of=[State.SUSPENDED])),
        Queue("done", pgettext_lazy("queue", "Done, to check"), lead & done, of_lead=done),
    )
    return [replace(queue, cases=inbox_cases, parts=inbox_parts) for queue in queues]


def _orders(**only: object) -> QuerySet[SubOrder, Any]:
    """Return the cases of orders still to be done, as a subquery PostgreSQL reads once."""
    under_way = SubOrder.objects.filter(ended_at__isnull=True, completed_at__isnull=True, **only)
    return under_way.order_by().values("case_id")


def inbox_cases(user: User) -> QuerySet[Case]:
    """Return the open cases that a department leads, has a part in, or was given as a squad.

    All of them are visible to the reader: each has an order of theirs.
    """
    lead = Case.objects.filter(department__pk__any_of=user.body_ids, is_open=True).order_by()
    theirs = lead.values("pk").union(_taken_part_in(user), all=True)
    return _open_for(user).filter(pk__any_of=array_of(theirs))


def inbox_parts(user: User) -> list[Part]:
    """Return the same cases in two parts: what it leads, and the others by their orders.

    The first is read in the index case_inbox alone, the second by the keys that
    sub_order_part_open and sub_order_squad_seen name.
    """
    lead = Q(department__pk__any_of=user.body_ids)
    taken_part_in = Q(pk__any_of=array_of(_taken_part_in(user)))
    return [
        Part(_open_for(user).filter(lead), are_led=True),
        Part(_open_for(user).filter(taken_part_in).exclude(lead)),
    ]


def _open_for(user: User) -> QuerySet[Case]:
    if user.organisation is None or not user.is_active:
        return Case.objects.none()
    return Case.objects.filter(is_open=True, city=user.city_id)


def _taken_part_in(user: User) -> QuerySet[SubOrder, Any]:
    parts = _orders(is_lead=False, organisation__pk__any_of=user.body_ids)
    return parts.union(_orders(squad__pk__any_of=user.body_ids), all=True)


def supervision_queues(now: datetime) -> list[Queue]:
    """What waits for the shift supervisor, and what is late or about to be anywhere."""
    return [
        Queue("accepted", _("To file"), Q(state=State.ACCEPTED), "", "file", {"state": "accepted"}),
        Queue("checked", _("To close"), Q(state=State.CHECKED), "", "close", {"state": "checked"}),
        Queue("late", _("Overdue"), late(now), "red", "urge", {"light": "red"}),
        Queue("near", _("Due soon"), near(now), "yellow", "", {"light": "yellow"}),
    ]


def posts_of(roles: frozenset[Role]) -> list[str]:
    """Return the posts that somebody with these roles may have in a case."""
    return [post.value for post, needed in POST_ROLES.items() if needed & roles]


def decision_actions(kind: str) -> tuple[str, ...]:
    """Return the actions that decide a kind of request: reject it, approve it."""
    return tuple(
        next(arrow.action for arrow in ARROWS if arrow.request == (verb, kind))
        for verb in (Asks.REJECT, Asks.APPROVE)
    )


def open_cases(user: User) -> QuerySet[Case]:
    """Return the open cases a person may see."""
    return Case.objects.visible_to(user).filter(is_open=True)


Narrow = Callable[[QuerySet[Case]], QuerySet[Case]]


def everything(cases: QuerySet[Case]) -> QuerySet[Case]:
    """Narrow nothing."""
    return cases


def _counted(
    user: User, queues: Sequence[Queue], narrow: Narrow = everything
) -> QuerySet[Case, Any]:
    """Return rows of a number for each queue; ``_added_up`` says how many stand in which.

    Queues that share most of their cases are counted together, a row for each part in which they
    are read; others each by itself, for the database reads the cases of one state alone.
    """
    if (parts := queues[0].parts) is not None:
        rows = [
            _row(
                narrow(part.cases),
                queues,
                [Count("pk", filter=_condition_in(part, queue)) for queue in queues],
            )
            for part in parts(user)
        ]
    else:
        rows = [
            _row(
                narrow(_cases_of(queue, user).filter(_counted_by(queue))),
                queues,
                [Count("pk") if each is queue else Value(0) for each in queues],
            )
            for queue in queues
        ]
    return rows[0].union(*rows[1:], all=True)


def _condition_in(part: Part, queue: Queue) -> Q:
    return queue.of_lead if part.are_led and queue.of_lead is not None else queue.condition


def _counted_by(queue: Queue) -> Q:
    return queue.rest_of[0] if queue.rest_of else queue.condition


def _row(cases: QuerySet[Case], queues: Sequence[Queue], numbers: Sequence[Any]) -> Any:
    counts = {f"n_{queue.key}": number for queue, number in zip(queues, numbers, strict=True)}
    whole = cases.order_by().values(whole=Value(1))  # one group, also of no cases
    return whole.annotate(**counts).values_list(*counts)


def _added_up(counted: Iterable[Sequence[int]], queues: Sequence[Queue]) -> dict[str, int]:
    rows = [[0] * len(queues), *counted]  # nothing comes where nothing can fit
    sums = (sum(column) for column in zip(*rows, strict=True))
    found = dict(zip((queue.key for queue in queues), sums, strict=True))
    for queue in queues:
        if queue.rest_of:
            found[queue.key] -= found[queue.rest_of[1]]
    return found


@dataclass(frozen=True, slots=True)
class Stretch:
    """Cases of a queue from ``start`` on, and where those before and after them begin, if any."""

    cases: list[Case]
    start: int
    before: int | None
    after: int | None


@dataclass(slots=True)
class _Written:
    """The queues of a desk for a kind of person, with what was written for them."""

    queues: Sequence[Queue]
    lengths: Prepared[Case]
    begins: dict[str, Prepared[Case]] = field(default_factory=dict)  # by queue


class Desk:
    """A desk of queues: how long they are, and ``size`` cases of one from a place on.

    What every visit asks, lengths and beginnings that are not narrowed, is written once for each
    kind of person (``accounts.scopes``). ``queues_of`` gives the queues of somebody at a moment.
    """

    def __init__(
        self,
        queues_of: Callable[[Any, Any], Sequence[Queue]],
        *,
        order: tuple[str, ...],
        size: int = PAGE_SIZE,
        shown: tuple[str, ...] = ROW,
    ) -> None:
        self.queues_of, self.order, self.size, self.shown = queues_of, order, size, shown
        self._by_shape: dict[Shape, _Written] = {}

    def queues(self, user: User) -> Sequence[Queue]:
        """Return the queues as they are called; their conditions are those of nobody."""
        return self._for(user).queues

    def queue(self, user: User, key: str, now: datetime) -> Queue:
        """Return a queue with the conditions of this person at this moment."""
        return next(queue for queue in self.queues_of(user, now) if queue.key == key)

    def lengths(self, user: User, now: datetime, narrow: Narrow | None = None) -> dict[str, int]:
        """Return how many cases stand in each queue, by its key: one query."""
        if narrow is not None:
            queues = self.queues_of(user, now)
            return _added_up(_counted(user, queues, narrow), queues)
        written = self._for(user)
        return _added_up(_run(written.lengths, user, now), written.queues)

    def stretch(
        self,
        user: User,
        key: str,
        now: datetime,
        *,
        start: int = 0,
        narrow: Narrow | None = None,
        goes_on: bool = False,
    ) -> Stretch:
        """Return the cases of a queue from a place on with what a row shows: one query.

        A kept address may name a place the queue no longer reaches: the queue's beginning is given,
        except to a list that only ``goes_on``.
        """
        found = self._cases(user, key, now, start, narrow)
        if start and not found and not goes_on:
            return self.stretch(user, key, now, narrow=narrow)
        before = max(start - self.size, 0) if start else None
        after = start + self.size if len(found) > self.size else None
        return Stretch(found[: self.size], start, before, after)

    def _cases(
        self, user: User, key: str, now: datetime, start: int, narrow: Narrow | None
    ) -> list[Case]:
        if start or narrow is not None:
            queue = self.queue(user, key, now)
            return list(self._listed(user, queue, start=start, narrow=narrow or everything))
        written = self._for(user)
        if key not in written.begins:
            queue = next(queue for queue in written.queues if queue.key == key)
            written.begins[key] = Prepared(self._listed(stand_in(shape_of(user)), queue))
        return _run(written.begins[key], user, now)

    def _listed(self, user: Any, queue: Queue, **which: Any) -> QuerySet[Case]:
        return queue_cases(
            user, queue, order=self.order, limit=self.size + 1, shown=self.shown, **which
        )

    def _for(self, user: User) -> _Written:
        shape = shape_of(user)
        if shape not in self._by_shape:
            somebody: Any = stand_in(shape)
            queues = self.queues_of(somebody, Slot("now", DateTimeField()))
            self._by_shape[shape] = _Written(queues, Prepared(_counted(somebody, queues)))
        return self._by_shape[shape]


def _run(prepared: Prepared[Case], user: User, now: datetime) -> list[Any]:
    values = values_of(user) | {"now": now}
    if "viewer_bodies" in prepared.slots:
        values["viewer_bodies"] = user.body_ids
    return prepared(**values)


def _cases_of(queue: Queue, user: User) -> QuerySet[Case]:
    return queue.cases(user) if queue.cases else open_cases(user)


def _parts_of(queue: Queue, user: User) -> Sequence[Part]:
    return queue.parts(user) if queue.parts else [Part(_cases_of(queue, user))]


def queue_rows(user: User, queue: Queue) -> QuerySet[Case]:
    """Return the cases of a queue."""
    return _cases_of(queue, user).filter(queue.condition)


def queue_cases(
    user: User,
    queue: Queue,
    *,
    order: tuple[str, ...],
    limit: int,
    start: int = 0,
    narrow: Narrow = everything,
    shown: tuple[str, ...] = ROW,
) -> QuerySet[Case]:
    """Return the cases of a queue from a place on with what a row shows: one query.

    Chosen before they are joined with what a row shows: a long queue is sorted by its keys alone.
    """
    end = start + limit
    parts = [
        narrow(part.cases.filter(_condition_in(part, queue))) for part in _parts_of(queue, user)
    ]
    first, *others = (part.order_by(*order).values("pk")[:end] for part in parts)
    chosen = first.union(*others, all=True) if others else first[start:]
    cases = (
        Case.objects.filter(pk__any_of=array_of(chosen))
        .select_related(*shown)
        .defer("district__geometry")
        .order_by(*order)
    )
    return cases[start:end] if others else cases
