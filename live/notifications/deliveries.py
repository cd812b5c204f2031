"""Sending what is queued: claimed by one worker at a time, tried again, given up with a reason.

A delivery is claimed in a transaction of its own (``SKIP LOCKED``; index delivery_due), sent with
no transaction open, and its outcome written in another. A worker killed in between leaves it
``sending``; another takes over when the lease ends. So a message is never lost, and may be handed
over twice: a gateway knows it by its idempotency key, a mail server may by its Message-ID; what
that is worth a channel, docs/rules/notifications.md says. Redis only wakes the job.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import DomainError
from live.notifications.channels import channels_set_up
from live.notifications.gateways import Message, SendingFailed, gateway_of
from live.notifications.models import Delivery, Notification
from live.notifications.rules import MOST_ATTEMPTS, pause_after
from live.notifications.selectors import notifications_of, preference_of
from live.notifications.wording import Wordings, with_case

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=10)  # far longer than the slowest answer a gateway may take
State, Reason = Delivery.State, Delivery.Reason


def delivery_send_next(*, now: datetime, resting: Collection[str] = ()) -> Delivery | None:
    """Send the delivery that is due longest; None when nothing is due.

    ``resting`` are channels left alone for now. Returns it with the state it has then.
    """
    delivery = delivery_claim(now=now, resting=resting)
    if delivery is None:
        return None
    if (verdict := _not_to_be_sent(delivery, now)) is not None:
        return _end(delivery, State.GIVEN_UP, reason=verdict)
    try:
        provider_id = gateway_of(delivery.channel).send(_message(delivery))
    except SendingFailed as failure:
        return _note_failure(delivery, failure, now)
    return _end(delivery, State.SENT, sent_at=now, provider_id=provider_id[:200])


@transaction.atomic
def delivery_claim(*, now: datetime, resting: Collection[str] = ()) -> Delivery | None:
    """Take the delivery that is due longest; nobody else sends it before its lease ends."""
    delivery = (
        Delivery.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(state__in=Delivery.OPEN, next_attempt_at__lte=now)
        .exclude(channel__in=resting)
        .select_related("person__organisation")
        .order_by("next_attempt_at")
        .first()
    )
    if delivery is None:
        return None
    if delivery.state == State.SENDING:  # whoever sent it did not come back
        delivery.reason, delivery.detail = Reason.UNKNOWN, ""
    delivery.state = State.SENDING
    delivery.attempts += 1
    delivery.next_attempt_at = now + LEASE
    delivery.save(update_fields=["state", "attempts", "next_attempt_at", "reason", "detail"])
    return delivery


def _not_to_be_sent(delivery: Delivery, now: datetime) -> Delivery.Reason | None:
    """Return why a delivery is given up before anything is sent, None when it goes out."""
    if delivery.attempts > MOST_ATTEMPTS:
        return Reason(delivery.reason or Reason.UNKNOWN)
    if delivery.channel not in channels_set_up():
        return Reason.NOT_SET_UP
    if delivery.useful_until <= now:
        return Reason.TOO_LATE
    if not delivery.person.is_active:
        return Reason.LEFT
    return None if _visible(delivery) else Reason.NOT_VISIBLE


def _visible(delivery: Delivery) -> list[Notification]:
    """Return what the person may still see of it, in the order of the log."""
    rows = notifications_of(delivery.person).filter(pk__in=delivery.notification_ids)
    return list(with_case(rows).order_by("position"))


def _message(delivery: Delivery) -> Message:
    """Return what is sent; written at the first attempt, the same at every other."""
    if not delivery.body:
        wordings = Wordings.of_city(delivery.person.city_id)
        delivery.subject, delivery.body = wordings.message(
            _visible(delivery), delivery.channel, delivery.language
        )
        delivery.save(update_fields=["subject", "body"])
    return Message(
        key=str(delivery.key),
        address=delivery.address,
        subject=delivery.subject,
        body=delivery.body,
        is_urgent=delivery.is_urgent,
    )


def _note_failure(delivery: Delivery, failure: SendingFailed, now: datetime) -> Delivery:
    values = {"reason": failure.reason, "detail": failure.detail[:300]}
    if failure.is_permanent or delivery.attempts >= MOST_ATTEMPTS:
        return _end(delivery, State.GIVEN_UP, **values)
    again_at, state = now + pause_after(delivery.attempts), State.FAILED
    if not delivery.is_urgent:
        undisturbed_at = preference_of(delivery.person).undisturbed(again_at)
        if undisturbed_at > again_at:  # it waits for the morning like one that was put off at once
            again_at, state = undisturbed_at, State.QUEUED
    return _settle(delivery, state=state, next_attempt_at=again_at, **values)


def _end(delivery: Delivery, state: Delivery.State, **values: object) -> Delivery:
    return _settle(delivery, state=state, next_attempt_at=None, **values)


def _settle(delivery: Delivery, **values: object) -> Delivery:
    """Write the outcome, unless the lease ended meanwhile and somebody else has it."""
    mine = Delivery.objects.filter(pk=delivery.pk, state=State.SENDING, attempts=delivery.attempts)
    if not mine.update(**values):
        logger.warning("The delivery %s was taken over before its outcome was known", delivery.pk)
    for name, value in values.items():
        setattr(delivery, name, value)
    return delivery


@transaction.atomic
def delivery_retry(*, delivery_id: int, now: datetime) -> Delivery:
    """Let somebody's failed or given-up message be tried again at once, with all its attempts.

    Raises DomainError ``not_failed`` for one that was sent or is still on its way.
    """
    delivery = Delivery.objects.select_for_update().get(pk=delivery_id)
    if delivery.state not in (State.FAILED, State.GIVEN_UP):
        raise DomainError("not_failed", _("This message has not failed."), status=409)
    delivery.state, delivery.attempts, delivery.next_attempt_at = State.QUEUED, 0, now
    delivery.useful_until = max(delivery.useful_until, now + timedelta(hours=1))
    delivery.save(update_fields=["state", "attempts", "next_attempt_at", "useful_until"])
    return delivery
