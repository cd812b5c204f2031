"""The sign of life of beat, the broker and a worker together."""

from celery import shared_task
from django.utils import timezone

from common.health import BEAT
from common.models import Heartbeat


@shared_task(name="common.heartbeat")
def heartbeat() -> None:
    """Write down that the tick of beat reached a worker. Real time, not the demo's."""
    Heartbeat.objects.update_or_create(name=BEAT, defaults={"at": timezone.now()})
