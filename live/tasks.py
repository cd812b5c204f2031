"""Background part of the event log: numbering it, reading it, sending notifications."""

from __future__ import annotations

import logging
import time
from collections import Counter

from celery import shared_task
from kombu.exceptions import OperationalError as BrokerGone

from common import clock
from live.models import EventReader
from live.notifications.deliveries import delivery_send_next
from live.notifications.models import Delivery
from live.notifications.services import notifications_forget
from live.readers import readers_run
from live.services import events_sequence, head

logger = logging.getLogger(__name__)

SENDING_SECONDS = 20.0  # a call: then other work has its turn, beat calls again
FAILURES_TO_REST = 3


@shared_task(name="live.sequence_events")
def sequence_events() -> None:
    """Number what is committed, and wake the readers that are behind.

    Processes that hold sockets number it sooner; where there are none, this does.
    """
    events_sequence()
    if not EventReader.objects.filter(position__lt=head()).exists():
        return
    try:
        read_events.delay()
    except BrokerGone:
        logger.warning("The readers could not be woken: beat wakes them")


@shared_task(name="live.read_events")
def read_events() -> None:
    """Let the readers of the log read on."""
    readers_run(now=clock.now())


@shared_task(name="live.send_deliveries")
def send_deliveries() -> int:
    """Send what is due by e-mail and gateway; returns how many messages were sent.

    A channel whose service fails several times in a row rests until the next call.
    """
    failures: Counter[str] = Counter()
    sent, end = 0, time.monotonic() + SENDING_SECONDS
    while time.monotonic() < end:
        resting = [channel for channel, count in failures.items() if count >= FAILURES_TO_REST]
        delivery = delivery_send_next(now=clock.now(), resting=resting)
        if delivery is None:
            break
        if delivery.state in (Delivery.State.FAILED, Delivery.State.QUEUED):  # later, or at dawn
            failures[delivery.channel] += 1
        else:
            failures.pop(delivery.channel, None)
            sent += delivery.state == Delivery.State.SENT
    return sent


@shared_task(name="live.forget_notifications")
def forget_notifications() -> dict[str, int]:
    """Delete what is kept no longer, personal data of deliveries included."""
    return notifications_forget(now=clock.now())
