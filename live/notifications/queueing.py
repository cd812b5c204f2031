"""What goes out besides the inbox: messages queued in the transaction that tells people.

Rows only; ``deliveries`` sends them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import User
from live.notifications.channels import address_of, channels_set_up
from live.notifications.models import (
    Delivery,
    NotificationPolicy,
    NotificationPreference,
    NotificationRule,
)
from live.notifications.wording import DEFAULT_LANGUAGE


@dataclass(frozen=True, slots=True)
class Told:
    """A row just written: who was told by which rule of what happened when."""

    pk: int
    person: User
    rule: NotificationRule
    happened_at: datetime


def deliveries_queue(told: Sequence[Told], now: datetime) -> None:
    """Queue a message a person, channel and kind; add to one that still waits to be sent."""
    set_up = channels_set_up()
    out = [one for one in told if set_up & set(one.rule.channels) and _useful_until(one) > now]
    if not out:
        return
    wishes = {
        wish.person_id: wish
        for wish in NotificationPreference.objects.filter(person__in={one.person for one in out})
    }
    groups: dict[Group, list[Told]] = defaultdict(list)
    for one in out:
        policy: NotificationPolicy = one.rule.city.notificationpolicy
        wish = wishes.get(one.person.pk) or NotificationPreference(person=one.person)
        for channel in set_up & set(one.rule.channels) & set(policy.channels):
            if wish.wants(channel) and address_of(one.person, channel):
                groups[_group(one, channel)].append(one)
    waiting = _waiting(groups)
    fresh = []
    for key, members in groups.items():
        if delivery := waiting.get(key):
            delivery.notification_ids = [*delivery.notification_ids, *(one.pk for one in members)]
            delivery.useful_until = max(delivery.useful_until, *map(_useful_until, members))
        else:
            wish = wishes.get(key[0]) or NotificationPreference(person=members[0].person)
            fresh.append(_delivery(key[1], members, wish, now))
    Delivery.objects.bulk_update(
        [delivery for key, delivery in waiting.items() if key in groups],
        ["notification_ids", "useful_until"],
    )
    Delivery.objects.bulk_create(fresh)


def _useful_until(one: Told) -> datetime:
    policy: NotificationPolicy = one.rule.city.notificationpolicy
    return one.happened_at + timedelta(hours=policy.useful_hours)


Group = tuple[int, str, str, bool]  # person, channel, kind of text, urgent


def _group(one: Told, channel: str) -> Group:
    rule = one.rule
    return one.person.pk, channel, rule.kind, rule.is_urgent


def _waiting(groups: Iterable[Group]) -> dict[Group, Delivery]:
    """Lock the messages to these people that nobody has begun to send; index delivery_queued.

    One that failed and is to be tried again has its text already: it tells of nothing more.
    """
    rows = Delivery.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        person__in={person for person, _channel, _kind, is_urgent in groups if not is_urgent},
        state=Delivery.State.QUEUED,
        attempts=0,
        body="",
        is_urgent=False,
    )
    return {(row.person_id, row.channel, row.kind, False): row for row in rows.order_by("pk")}


def _delivery(
    channel: str, members: list[Told], wish: NotificationPreference, now: datetime
) -> Delivery:
    first = members[0]
    rule, person = first.rule, first.person
    due = now
    if not rule.is_urgent:
        collected = timedelta(seconds=rule.city.notificationpolicy.group_seconds)
        due = wish.undisturbed(now + collected)
    return Delivery(
        person=person,
        channel=channel,
        kind=rule.kind,
        notification_ids=[one.pk for one in members],
        address=address_of(person, channel),
        language=wish.language or person.language or DEFAULT_LANGUAGE,
        is_urgent=rule.is_urgent,
        created_at=now,
        useful_until=max(_useful_until(one) for one in members),
        next_attempt_at=due,
    )
