"""The reader that turns events into notifications and, where a rule says so, into deliveries.

Runs inside the transaction that moves the reader on: rows only, nothing is sent here. A stretch
costs the same dozen queries however many events it holds. What is older than ``NEWS_DAYS`` when the
reader comes by stays in the case's history and is told to nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from psycopg2.extras import Json

from accounts.models import User
from live.models import EventPosition
from live.notifications.channels import address_of, channels_set_up
from live.notifications.models import (
    Delivery,
    NotificationPolicy,
    NotificationPreference,
    NotificationRule,
)
from live.notifications.recipients import People, Wanted, ties_of, wanted_by
from live.notifications.rules import facts_of, holds, quiet_until
from live.notifications.wording import DEFAULT_LANGUAGE, variables_kept
from live.publish import tell_inboxes
from live.readers import Reader, Stretch

NEWS_DAYS = 7
RELATED = ("event__case__type",)


@dataclass(frozen=True, slots=True)
class Telling:
    """One rule that applies to one event, and whom it means."""

    rule: NotificationRule
    numbered: EventPosition
    wanted: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A row just written: who was told by which telling."""

    pk: int
    person: User
    telling: Telling


def notify(stretch: Stretch) -> None:
    """Tell everybody whom the rules name of the events of a stretch."""
    rules = _rules_in_force()
    if not rules:
        return
    events = stretch.events(
        actions=rules.keys(), since=stretch.now - timedelta(days=NEWS_DAYS), related=RELATED
    )
    tellings = _tellings(events, rules)
    if not tellings:
        return
    told = _write(tellings, stretch)
    if told:
        _queue_deliveries(told, stretch)
        people = {one.person.pk for one in told}
        transaction.on_commit(lambda: tell_inboxes(people))


READER = Reader("notifications", notify)


def _rules_in_force() -> dict[str, list[NotificationRule]]:
    """Return the active rules of cities that notify, by action: one query."""
    active = NotificationRule.objects.filter(is_active=True, city__notificationpolicy__is_on=True)
    rules: dict[str, list[NotificationRule]] = defaultdict(list)
    for rule in active.select_related("city__notificationpolicy").order_by("code"):
        for action in rule.actions:
            rules[action].append(rule)
    return rules


def _tellings(
    events: Iterable[EventPosition], rules: dict[str, list[NotificationRule]]
) -> list[Telling]:
    """Return which rules apply to which events, and whom they mean."""
    applying = []
    for numbered in events:
        event, case = numbered.event, numbered.event.case
        facts = facts_of(event, case)
        applying += [
            (rule, numbered)
            for rule in rules[event.action]
            if rule.city_id == case.city_id and holds(rule.condition, facts)
        ]
    recipients = {recipient for rule, _numbered in applying for recipient in rule.recipients}
    ties = ties_of([numbered.event for _rule, numbered in applying], recipients)
    return [
        Telling(
            rule,
            numbered,
            tuple(
                one
                for recipient in rule.recipients
                for one in wanted_by(recipient, numbered.event, numbered.event.case, ties)
            ),
        )
        for rule, numbered in applying
    ]


_INSERT = """
INSERT INTO live_notification
    (person_id, rule_id, position, case_id, kind, is_urgent, variables, created_at)
SELECT person, rule, position, case_id, kind, is_urgent, variables, %s
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::boolean[],
            %s::jsonb[])
    AS row (person, rule, position, case_id, kind, is_urgent, variables)
ON CONFLICT (person_id, position, rule_id) DO NOTHING
RETURNING id, person_id, position, rule_id
"""


def _write(tellings: list[Telling], stretch: Stretch) -> list[Told]:
    """Write a row a person and rule; what is there already is not written or sent again."""
    people = People(one for telling in tellings for one in telling.wanted)
    by_key: dict[tuple[int, int, int], tuple[User, Telling]] = {}
    for telling in tellings:
        actor = telling.numbered.event.actor_id
        for wanted in telling.wanted:
            for person in people.told(wanted, stretch.now):
                if person.pk != actor:
                    key = person.pk, telling.numbered.position, telling.rule.pk
                    by_key[key] = person, telling
    if not by_key:
        return []
    rows = [
        (
            person.pk,
            telling.rule.pk,
            telling.numbered.position,
            telling.numbered.event.case_id,
            telling.rule.kind,
            telling.rule.is_urgent,
            Json(_variables(telling)),
        )
        for person, telling in by_key.values()
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT, [stretch.now, *(list(column) for column in zip(*rows, strict=True))]
        )
        written = cursor.fetchall()
    return [Told(pk, *by_key[person, position, rule]) for pk, person, position, rule in written]


def _variables(telling: Telling) -> dict[str, Any]:
    event = telling.numbered.event
    kept = variables_kept(event.data)
    case = event.case
    is_there_still = case.state == event.new_state and kept.get("clock") in (None, case.clock_kind)
    if case.due_at is not None and is_there_still:
        kept["due_at"] = case.due_at.isoformat()
    return {**kept, "action": event.action, "state": event.new_state, "at": event.at.isoformat()}


# ── what goes out besides ─────────────────────────────────────────────────────────────────────


def _queue_deliveries(told: list[Told], stretch: Stretch) -> None:
    """Queue a message a person, channel and kind; add to one that still waits to be sent."""
    set_up = channels_set_up()
    out = [
        one
        for one in told
        if set_up & set(one.telling.rule.channels) and _useful_until(one) > stretch.now
    ]
    if not out:
        return
    wishes = {
        wish.person_id: wish
        for wish in NotificationPreference.objects.filter(person__in={one.person for one in out})
    }
    groups: dict[Group, list[Told]] = defaultdict(list)
    for one in out:
        policy: NotificationPolicy = one.telling.rule.city.notificationpolicy
        wish = wishes.get(one.person.pk) or NotificationPreference(person=one.person)
        for channel in set_up & set(one.telling.rule.channels) & set(policy.channels):
            if wish.wants(channel) and address_of(one.person, channel):
                groups[_group(one, channel)].append(one)
    waiting = _waiting(groups)
    fresh = []
    for key, members in groups.items():
        if delivery := waiting.get(key):
            delivery.notification_ids = [*delivery.notification_ids, *(one.pk for one in members)]
        else:
            wish = wishes.get(key[0]) or NotificationPreference(person=members[0].person)
            fresh.append(_delivery(key[1], members, wish, stretch))
    Delivery.objects.bulk_update(
        [delivery for key, delivery in waiting.items() if key in groups], ["notification_ids"]
    )
    Delivery.objects.bulk_create(fresh)


def _useful_until(one: Told) -> datetime:
    policy: NotificationPolicy = one.telling.rule.city.notificationpolicy
    return one.telling.numbered.event.at + timedelta(hours=policy.useful_hours)


Group = tuple[int, str, str, bool]  # person, channel, kind of text, urgent


def _group(one: Told, channel: str) -> Group:
    rule = one.telling.rule
    return one.person.pk, channel, rule.kind, rule.is_urgent


def _waiting(groups: Iterable[Group]) -> dict[Group, Delivery]:
    """Lock the messages to these people that nobody has begun to send; index delivery_queued."""
    rows = Delivery.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        person__in={person for person, _channel, _kind, is_urgent in groups if not is_urgent},
        state=Delivery.State.QUEUED,
        attempts=0,
        is_urgent=False,
    )
    return {(row.person_id, row.channel, row.kind, False): row for row in rows.order_by("pk")}


def _delivery(
    channel: str, members: list[Told], wish: NotificationPreference, stretch: Stretch
) -> Delivery:
    first = members[0]
    rule, person = first.telling.rule, first.person
    due = stretch.now
    if not rule.is_urgent:
        due += timedelta(seconds=rule.city.notificationpolicy.group_seconds)
        due = quiet_until(timezone.localtime(due), wish.quiet_from, wish.quiet_to)
    return Delivery(
        person=person,
        channel=channel,
        kind=rule.kind,
        notification_ids=[one.pk for one in members],
        address=address_of(person, channel),
        language=wish.language or person.language or DEFAULT_LANGUAGE,
        is_urgent=rule.is_urgent,
        created_at=stretch.now,
        useful_until=max(_useful_until(one) for one in members),
        next_attempt_at=due,
    )
