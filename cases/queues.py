"""The queues of the desks: which cases stand in which, in which order, and how many.

A queue is a named condition over the cases a person may see; its count and its list come from the
same condition. All are read through the partial index of open cases.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import User
from accounts.roles import Role
from cases.models import ApprovalRequest, Case, FieldTask
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
    """What waits for the reader's department and the bodies below it."""
    path = user.organisation.path if user.organisation else "-"
    mine = Q(department__path__startswith=path)
    in_hand = mine & Q(state__in=(State.DISPATCHED, State.HANDLING))
    done = Q(state__in=(State.HANDLED, State.CHECKING, State.CHECKED))
    return [
        Queue("open", _("In hand"), in_hand),
        Queue("dispatched", _("To sign"), mine & Q(state=State.DISPATCHED)),
        Queue("handling", _("In handling"), mine & Q(state=State.HANDLING)),
        Queue("near", _("Due soon"), in_hand & near(now), "yellow"),
        Queue("late", _("Overdue"), in_hand & late(now), "red"),
        Queue("rework", _("Rework"), in_hand & Q(rework_count__gt=0)),
        Queue("requests", _("Requests"), in_hand & Q(_asked())),
        Queue("suspended", _("Suspended"), mine & Q(state=State.SUSPENDED)),
        Queue("done", pgettext_lazy("queue", "Done, to check"), mine & done),
    ]


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
    """Return how many cases stand in each queue: one query."""
    counts = {queue.key: Count("pk", filter=queue.condition) for queue in queues}
    return open_cases(user).aggregate(**counts)


def queue_cases(user: User, queue: Queue, *, order: tuple[str, ...]) -> QuerySet[Case]:
    """Return the cases of a queue with what a row shows: one query."""
    return (
        open_cases(user)
        .filter(queue.condition)
        .select_related("type", "department", "desk", "district", "reporter")
        .order_by(*order)
    )
