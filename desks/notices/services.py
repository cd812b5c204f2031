"""Notices (公告): published to roles and organisations for some time, with receipts of readers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import DateTimeField, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from accounts.roles import Role
from accounts.scopes import PreparedFor
from common.errors import DomainError, Sentence
from common.prepared import Among, Slot
from desks.models import Notice, NoticeReceipt

PUBLISHERS = (Role.SHIFT_SUPERVISOR, Role.LEADER, Role.ADMINISTRATOR)
LONGEST = timedelta(days=366)
MOST_ON_A_PAGE = 3


def notices_for(user: User) -> QuerySet[Notice]:
    """Return the notices meant for a person, withdrawn and past ones too, with ``is_read``.

    Without roles a notice is for all roles, without organisations for all; a named organisation
    means the bodies below it too.
    """
    return _meant_for(user, Q(organisation__in=_bodies_above(user)))


def _bodies_above(user: User) -> list[int]:
    """Return the body of a person and those above it."""
    path = user.organisation.path if user.organisation else ""
    return [int(part) for part in path.split(".") if part]


def _meant_for(user: User, is_above: Q | Among) -> QuerySet[Notice]:
    named = Notice.organisations.through.objects.filter(notice=OuterRef("pk"))
    return Notice.objects.filter(
        Q(roles=[]) | Q(roles__overlap=sorted(role.value for role in user.roles)),
        ~Exists(named) | Exists(named.filter(is_above)),
        city=user.city_id,
    ).annotate(is_read=Exists(NoticeReceipt.objects.filter(notice=OuterRef("pk"), person=user.pk)))


def in_force(notices: QuerySet[Notice], now: Any) -> QuerySet[Notice]:
    """Keep what holds now; index notice_in_force."""
    return notices.filter(withdrawn_at__isnull=True, starts_at__lte=now, ends_at__gt=now)


_UNREAD = PreparedFor(
    lambda viewer: (
        in_force(_meant_for(viewer, Among("organisation", "above")), Slot("now", DateTimeField()))
        .filter(is_read=False)
        .order_by("-is_urgent", "-published_at")
        .select_related("published_by")[:MOST_ON_A_PAGE]
    )
)


def notices_unread(user: User, now: datetime) -> list[Notice]:
    """Return what holds now and was not read, the urgent first, a few at most: one query."""
    return _UNREAD(user, above=_bodies_above(user), now=now)


def readers_of(notice: Notice) -> QuerySet[User]:
    """Return the active people a notice is meant for, with ``read_at``."""
    people = User.objects.filter(city=notice.city_id, is_active=True)
    if notice.roles:
        people = people.filter(groups__name__in=notice.roles)
    else:
        people = people.filter(groups__isnull=False)
    paths = list(notice.organisations.values_list("path", flat=True))
    if paths:
        below = Q()
        for path in paths:
            below |= Q(organisation__path__startswith=path)
        people = people.filter(below)
    return people.distinct()


@transaction.atomic
def notice_publish(
    *,
    actor: User,
    title: str,
    text: str,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    roles: Iterable[Role] = (),
    organisations: Iterable[Organisation] = (),
    is_urgent: bool = False,
) -> Notice:
    """Publish a notice; it stands on the desks of those it is for until it is read, or over.

    Raise DomainError ``role_refused`` 403, ``invalid`` 400 for no text or a time that cannot be.
    """
    if not set(PUBLISHERS) & actor.roles:
        raise DomainError("role_refused", _("You may not publish notices."), status=403)
    title, text = title.replace("\x00", "").strip(), text.replace("\x00", "").strip()
    if not title or len(title) > 80:
        raise _invalid("title", _("Give it a title of at most 80 characters."))
    if not text or len(text) > 4000:
        raise _invalid("text", _("Write between 1 and 4,000 characters."))
    starts_at = max(starts_at, now)
    if not timedelta() < ends_at - starts_at <= LONGEST:
        raise _invalid("ends_at", _("It must end after it begins, within a year."))
    notice = Notice.objects.create(
        city_id=actor.city_id,
        title=title,
        text=text,
        is_urgent=is_urgent,
        roles=sorted(role.value for role in roles),
        published_by=actor,
        published_at=now,
        starts_at=starts_at,
        ends_at=ends_at,
    )
    notice.organisations.set(body for body in organisations if body.city_id == actor.city_id)
    return notice


def notice_read(*, actor: User, notice_id: int, now: datetime) -> None:
    """Note that somebody has read a notice meant for them; twice is no harm."""
    if not notices_for(actor).filter(pk=notice_id).exists():
        raise DomainError("not_found", _("There is no such notice."), status=404)
    NoticeReceipt.objects.bulk_create(
        [NoticeReceipt(notice_id=notice_id, person_id=actor.pk, read_at=now)],
        ignore_conflicts=True,
    )


def notice_withdraw(*, actor: User, notice_id: int, now: datetime) -> None:
    """Take a notice off the desks: by any publisher of the city."""
    if not set(PUBLISHERS) & actor.roles:
        raise DomainError("role_refused", _("You may not publish notices."), status=403)
    rows = Notice.objects.filter(pk=notice_id, city=actor.city_id)
    if not rows.exists():
        raise DomainError("not_found", _("There is no such notice."), status=404)
    rows.filter(withdrawn_at__isnull=True).update(withdrawn_at=now)


def _invalid(name: str, message: Sentence) -> DomainError:
    return DomainError("invalid", message, {name: [message]})
