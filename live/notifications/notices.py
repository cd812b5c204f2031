"""Telling people of what is about no case, such as a statement that was issued.

It goes through the same rules, texts, inbox and channels as news of cases. Of whom it is, is said
by whoever tells: a rule has to name *addressed* among its recipients. Whoever leaves the
organisation sees it no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from accounts.models import Organisation, User
from accounts.roles import Role
from live.notifications.models import Notification, NotificationRule
from live.notifications.queueing import Told, deliveries_queue
from live.notifications.recipients import People, Wanted
from live.notifications.rules import Recipient
from live.publish import tell_inboxes
from live.services import head


@transaction.atomic
def notice_tell(
    *,
    action: str,
    organisation: Organisation,
    roles: frozenset[Role],
    path: str,
    variables: Mapping[str, str],
    actor: User,
    now: datetime,
) -> int:
    """Tell the holders of roles in an organisation what somebody did; returns how many people.

    ``path`` is where they read on; ``variables`` are identifiers and numbers, no texts. Commits or
    is undone with the act it tells of.
    """
    rules = NotificationRule.objects.filter(
        city=organisation.city_id,
        actions__contains=[action],
        recipients__contains=[Recipient.ADDRESSED.value],
        is_active=True,
        city__notificationpolicy__is_on=True,
    )
    found = list(rules.select_related("city__notificationpolicy").order_by("code"))
    wanted = Wanted(organisation=organisation.pk, roles=roles)
    people = [one for one in People([wanted]).told(wanted, now) if one.pk != actor.pk]
    rows = Notification.objects.bulk_create(
        Notification(
            person=person,
            rule=rule,
            position=head(),
            organisation=person.organisation,
            path=path,
            kind=rule.kind,
            is_urgent=rule.is_urgent,
            variables={**variables, "action": action, "at": now.isoformat()},
            created_at=now,
        )
        for rule in found
        for person in people
    )
    if rows:
        deliveries_queue([Told(row.pk, row.person, row.rule, now) for row in rows], now)
        told = {row.person_id for row in rows}
        transaction.on_commit(lambda: tell_inboxes(told))
    return len(people)
