"""Writing notifications: read, wishes of a person, what is kept no longer."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, time, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from common.errors import DomainError
from live.notifications.models import Notification, NotificationPolicy, NotificationPreference

MOST_AT_ONCE = 5000


def notifications_read(*, person: User, ids: Collection[int], now: datetime) -> int:
    """Mark some of a person's own notifications as read; returns how many were unread.

    Ids of others, or of none, change nothing and say nothing.
    """
    unread = Notification.objects.filter(person=person, read_at__isnull=True)
    return unread.filter(pk__in=list(ids)).update(read_at=now)


def notifications_read_until(*, person: User, position: int, now: datetime) -> int:
    """Mark what a person was shown as read: all up to a position; what came since stays unread."""
    unread = Notification.objects.filter(person=person, read_at__isnull=True)
    return unread.filter(position__lte=position).update(read_at=now)


def preference_set(
    *,
    person: User,
    wants_email: bool,
    wants_sms: bool,
    quiet_from: time | None,
    quiet_to: time | None,
    language: str,
) -> NotificationPreference:
    """Keep how a person wants to be told.

    Raises DomainError ``invalid`` for quiet hours with one end only.
    """
    if (quiet_from is None) is not (quiet_to is None):
        field = "quiet_to" if quiet_to is None else "quiet_from"
        sentence = _("Quiet hours have a beginning and an end.")
        raise DomainError("invalid", sentence, {field: [sentence]})
    preference, _created = NotificationPreference.objects.update_or_create(
        person=person,
        defaults={
            "wants_email": wants_email,
            "wants_sms": wants_sms,
            "quiet_from": quiet_from,
            "quiet_to": quiet_to,
            "language": language,
        },
    )
    return preference


_FORGET_NOTIFICATIONS = """
DELETE FROM live_notification WHERE id IN (
    SELECT notification.id FROM live_notification AS notification
    JOIN live_notificationrule AS rule ON rule.id = notification.rule_id
    WHERE rule.city_id = %s AND notification.created_at < %s
        AND (notification.created_at < %s OR notification.read_at IS NOT NULL)
    LIMIT %s
)
"""
_FORGET_DELIVERIES = """
DELETE FROM live_delivery WHERE id IN (
    SELECT delivery.id FROM live_delivery AS delivery
    JOIN accounts_user AS person ON person.id = delivery.person_id
    WHERE person.city_id = %s AND delivery.created_at < %s
    LIMIT %s
)
"""


def notifications_forget(*, now: datetime) -> dict[str, int]:
    """Delete what each city keeps no longer; returns how many rows of each kind.

    In batches that commit by themselves; found by the indexes over ``created_at``.
    """
    forgotten = {"notifications": 0, "deliveries": 0}
    for policy in NotificationPolicy.objects.all():
        read, unread, sent = (
            now - timedelta(days=days)
            for days in (policy.keep_read_days, policy.keep_days, policy.keep_delivery_days)
        )
        latest = max(read, unread)
        city = policy.city_id
        forgotten["notifications"] += _delete(_FORGET_NOTIFICATIONS, [city, latest, unread])
        forgotten["deliveries"] += _delete(_FORGET_DELIVERIES, [city, sent])
    return forgotten


def _delete(statement: str, values: list[Any]) -> int:
    deleted = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [*values, MOST_AT_ONCE])
            count = cursor.rowcount
        deleted += count
        if count < MOST_AT_ONCE:
            return deleted
