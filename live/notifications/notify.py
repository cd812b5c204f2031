"""The reader that turns events into notifications and, where a rule says so, into deliveries.

Runs inside the transaction that moves the reader on: rows only, nothing is sent here. A stretch
costs the same dozen queries however many events it holds. What is older than ``NEWS_DAYS`` when the
reader comes by stays in the case's history and is told to nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from psycopg2.extras import Json

from accounts.models import User
from live.models import EventPosition
from live.notifications.models import NotificationRule
from live.notifications.queueing import Told, deliveries_queue
from live.notifications.recipients import People, Wanted, ties_of, wanted_by
from live.notifications.rules import facts_of, holds
from live.notifications.wording import variables_kept
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
        deliveries_queue(told, stretch.now)
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
ON CONFLICT (person_id, position, rule_id, path) DO NOTHING
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
    return [_told(pk, *by_key[person, position, rule]) for pk, person, position, rule in written]


def _told(pk: int, person: User, telling: Telling) -> Told:
    return Told(pk, person, telling.rule, telling.numbered.event.at)


def _variables(telling: Telling) -> dict[str, Any]:
    event = telling.numbered.event
    kept = variables_kept(event.data)
    case = event.case
    is_there_still = case.state == event.new_state and kept.get("clock") in (None, case.clock_kind)
    if case.due_at is not None and is_there_still:
        kept["due_at"] = case.due_at.isoformat()
    return {**kept, "action": event.action, "state": event.new_state, "at": event.at.isoformat()}
