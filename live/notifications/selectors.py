"""Reading notifications as their person may: of a case no longer visible there are none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet

from accounts.models import User
from accounts.scopes import PreparedFor
from cases.models import Case
from common.prepared import Slot
from live.notifications.models import Delivery, Notification, NotificationPreference
from live.notifications.wording import with_case
from live.readers import Lag, readers_lag

MOST_COUNTED = 100  # the bell says "99+": nobody needs to know more

READER_LATE = timedelta(minutes=2)
DELIVERY_LATE = timedelta(minutes=15)


def notifications_of(user: User) -> QuerySet[Notification]:
    """Return what a person was told and may still see."""
    return Notification.objects.filter(_visible_to(user), person=user.pk)


def _visible_to(user: User) -> Q:
    """Return the condition: of a case the person may see, or of the body they work for."""
    visible = Case.objects.visible_to(user).filter(pk=OuterRef("case_id"))
    return Q(case__isnull=True, organisation=F("person__organisation")) | Q(Exists(visible))


def _unread_for(viewer: User) -> QuerySet[Notification, int]:
    unread = {"person": Slot("viewer"), "read_at__isnull": True}
    rows = Notification.objects.filter(_visible_to(viewer), **unread)
    return rows.order_by().values_list("pk", flat=True)[:MOST_COUNTED]


_UNREAD = PreparedFor(_unread_for)


def unread_count(user: User) -> int:
    """Return how many a person has not read, 100 at most: one query, index notification_unread."""
    return len(_UNREAD(user))


def notification_get(user: User, pk: int) -> Notification | None:
    """Return one of a person's own, if they may still see its case."""
    return with_case(notifications_of(user)).filter(pk=pk).first()


def preference_of(user: User) -> NotificationPreference:
    """Return how a person wants to be told; the usual, unsaved, where they never said."""
    found = NotificationPreference.objects.filter(person=user.pk).first()
    return found or NotificationPreference(person=user)


@dataclass(slots=True)
class Group:
    """Notifications of a kind about the same minute: one line of the inbox."""

    members: list[Notification] = field(default_factory=list)

    @property
    def first(self) -> Notification:
        """The newest."""
        return self.members[0]

    @property
    def is_unread(self) -> bool:
        """Whether any is unread."""
        return any(member.read_at is None for member in self.members)


def grouped(rows: Iterable[Notification]) -> Iterator[Group]:
    """Yield the rows in their order, those of a kind and a minute together at the first of them."""
    by_minute = groupby(rows, key=lambda row: row.happened_at.replace(second=0, microsecond=0))
    for _minute, members in by_minute:
        groups: dict[tuple[str, bool], Group] = {}
        for row in members:
            groups.setdefault((row.kind, row.read_at is None), Group()).members.append(row)
        yield from groups.values()


# ── how the sending stands ────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Watch:
    """Whether news gets through: the readers' lag, what waits to be sent, what was given up."""

    lags: list[Lag]
    waiting_count: int
    oldest_due_at: datetime | None
    given_up_count: int
    now: datetime

    @property
    def late_readers(self) -> list[Lag]:
        """The readers that are behind, or stand before what they cannot read."""
        late = READER_LATE.total_seconds()
        return [
            lag
            for lag in self.lags
            if lag.failed_position is not None or lag.seconds(self.now) > late
        ]

    @property
    def is_sending_late(self) -> bool:
        """Whether something that was due has not been sent for too long."""
        return self.oldest_due_at is not None and self.oldest_due_at < self.now - DELIVERY_LATE

    @property
    def is_well(self) -> bool:
        """Whether nothing is late."""
        return not self.late_readers and not self.is_sending_late


def notifications_watch(now: datetime) -> Watch:
    """Return how the readers and the sending stand: five queries over small indexes.

    What failed and waits for its next attempt is late once its message is as old as that.
    """
    waiting = Delivery.objects.filter(state__in=Delivery.OPEN).aggregate(
        count=Count("pk"),
        oldest=Min("next_attempt_at", filter=Q(state=Delivery.State.QUEUED)),
        oldest_failed=Min("created_at", filter=~Q(state=Delivery.State.QUEUED)),
    )
    moments = [at for at in (waiting["oldest"], waiting["oldest_failed"]) if at is not None]
    day = now - timedelta(days=1)
    given_up = Delivery.objects.filter(state=Delivery.State.GIVEN_UP, created_at__gte=day).count()
    return Watch(readers_lag(), waiting["count"], min(moments, default=None), given_up, now)
