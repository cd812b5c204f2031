"""The sign of life of beat, the broker and a worker together."""

from celery import shared_task
from django.utils import timezone

from common.health import BEAT, LONG, show_life
from common.models import Heartbeat


@shared_task(name="common.heartbeat")
def heartbeat() -> None:
    """Write down that the tick of beat reached a worker. Real time, not the demo's."""
    Heartbeat.objects.update_or_create(name=BEAT, defaults={"at": timezone.now()})


@shared_task(name="common.heartbeat_long")
def heartbeat_long() -> None:
    """The same of the worker of what takes minutes: its queue is worked off."""
    show_life(LONG)
