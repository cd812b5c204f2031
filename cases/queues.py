"""The queues of the desks: which cases stand in which, in which order, and how many.

A queue is a named condition over the cases a person may see; its count and its list come from the
same condition. All are read through the partial index of open cases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Organisation, User
from accounts.roles import Role
from cases.models import ApprovalRequest, Case, FieldTask, SubOrder
from cases.workflow import ARROWS, POST_ROLES, Asks, State

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue of a desk: a tab with its condition.

    ``light`` is shown beside the count; ``action`` is what is done there; ``filter`` are the
    parameters of the list of cases that shows the same.
    """

    key: str
    label: str | Promise
    condition: Q
    light: str = ""
    action: str = ""
    filter: dict[str, str] = field(default_factory=dict)
    is_quiet: bool = False  # its tab shows only while something waits there
    cases: Callable[[User], QuerySet[Case]] | None = None  # all queues of a desk share one


def _confirmed() -> Exists:
    """A collector has looked on site in this run and answered."""
    outcomes = (FieldTask.Outcome.TRUE, FieldTask.Outcome.NOT_TRUE, FieldTask.Outcome.GONE)
    return Exists(
        FieldTask.objects.filter(
            case=OuterRef("pk"),
            run=OuterRef("run"),
            kind=FieldTask.Kind.CONFIRM,
            outcome__in=outcomes,
        )
    )


def _asked() -> Exists:
    return Exists(
        ApprovalRequest.objects.filter(case=OuterRef("pk"), status=ApprovalRequest.Status.OPEN)
    )


def late(now: datetime) -> Q:
    """The deadline has passed."""
    return Q(due_at__lt=now)


def near(now: datetime) -> Q:
    """The warning has come, the deadline not yet."""
    return Q(warn_at__lte=now, due_at__gte=now)


def acceptance_queues() -> list[Queue]:
    """What waits for an acceptor."""
    reported = Q(state=State.REPORTED)
    return [
        Queue("reported", _("To accept"), reported & ~Q(_confirmed())),
        Queue("confirmed", pgettext_lazy("queue", "Confirmed"), reported & Q(_confirmed())),
        Queue("handled", pgettext_lazy("queue", "Handled"), Q(state=State.HANDLED)),
    ]


def dispatch_queues(user: User) -> list[Queue]:
    """What waits for the dispatchers of the reader's desk."""
    mine = Q(desk=user.organisation_id)
    under_way = Q(state__in=(State.DISPATCHED, State.HANDLING))
    return [
        Queue("filed", _("To dispatch"), mine & Q(state=State.FILED)),
        Queue("rework", _("Rework"), mine & Q(state=State.REWORK)),
        Queue("requests", _("Requests"), mine & Q(_asked())),
        Queue("suspended", _("Suspended"), mine & Q(state=State.SUSPENDED)),
        Queue("dispatched", _("Given out"), mine & under_way),
    ]


def inbox_queues(user: User, now: datetime) -> list[Queue]:
    """What waits for the reader's department, the bodies below it, and the reader.

    A squad's inbox holds what its department gave it; a co-operating department's its parts.
    """
    path = user.organisation.path if user.organisation else "-"
    lead = Q(department__path__startswith=path)
    mine = lead | Q(pk__in=_orders(squad__path__startswith=path, is_lead=True))
    in_hand = mine & Q(state__in=(State.DISPATCHED, State.HANDLING))
    done = Q(state__in=(State.HANDLED, State.CHECKING, State.CHECKED))
    parts = Q(pk__in=_orders(is_lead=False, **_of(path)))
    to_me = Q(pk__in=_orders(person=user.pk))
    to_squads = Q(pk__in=_orders(squad__path__startswith=path))
    queues = (
        Queue("open", _("In hand"), in_hand),
        Queue("dispatched", _("To sign"), mine & Q(state=State.DISPATCHED)),
        Queue("handling", _("In handling"), mine & Q(state=State.HANDLING)),
        Queue("near", _("Due soon"), in_hand & near(now), "yellow"),
        Queue("late", _("Overdue"), in_hand & late(now), "red"),
        Queue("rework", _("Rework"), in_hand & Q(rework_count__gt=0)),
        Queue("parts", _("Co-operating"), parts, is_quiet=True),
        Queue("me", _("Assigned to me"), to_me, is_quiet=True),
        Queue("squads", _("With my squads"), to_squads, is_quiet=True),
        Queue("requests", _("Requests"), in_hand & Q(_asked())),
        Queue("suspended", _("Suspended"), mine & Q(state=State.SUSPENDED)),
        Queue("done", pgettext_lazy("queue", "Done, to check"), lead & done),
    )
    return [replace(queue, cases=inbox_cases) for queue in queues]


def _of(path: str) -> dict[str, str]:
    return {"organisation__path__startswith": path}


def _orders(**only: object) -> QuerySet[SubOrder, Any]:
    """Return the cases of orders still to be done, as a subquery PostgreSQL reads once."""
    under_way = SubOrder.objects.filter(ended_at__isnull=True, completed_at__isnull=True, **only)
    return under_way.order_by().values("case_id")


def inbox_cases(user: User) -> QuerySet[Case]:
    """Return the open cases that a department leads, has a part in, or was given as a squad.

    All of them are visible to the reader: each has an order of theirs. A union, since each third
    has a partial index of its own (case_inbox, sub_order_part_open, sub_order_squad_seen).
    """
    if user.organisation is None or not user.is_active:
        return Case.objects.none()
    path = user.organisation.path
    bodies = Organisation.objects.filter(path__startswith=path, city=user.city_id)
    lead = Case.objects.filter(is_open=True, department__in=bodies.values("pk")).order_by()
    parts = _orders(is_lead=False, **_of(path))
    given = _orders(squad__path__startswith=path)
    return Case.objects.filter(
        pk__in=lead.values("pk").union(parts, given, all=True), is_open=True, city=user.city_id
    )


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


def queue_lengths(user: User, queues: Iterable[Queue]) -> dict[str, int]:
    """Return how many cases stand in each queue of a desk: one query."""
    queues = list(queues)
    counts = {queue.key: Count("pk", filter=queue.condition) for queue in queues}
    return _cases_of(queues[0], user).aggregate(**counts)


def _cases_of(queue: Queue, user: User) -> QuerySet[Case]:
    return queue.cases(user) if queue.cases else open_cases(user)


def queue_cases(user: User, queue: Queue, *, order: tuple[str, ...]) -> QuerySet[Case]:
    """Return the cases of a queue with what a row shows: one query."""
    return (
        _cases_of(queue, user)
        .filter(queue.condition)
        .select_related("type", "department", "desk", "district", "reporter")
        .order_by(*order)
    )
