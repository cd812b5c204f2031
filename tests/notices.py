"""What tests of notifications share: rules in force, the log read, events of the system."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.models import User
from cases.models import Case, CaseEvent
from cases.services.history import event_append, event_chain
from live.notifications.deliveries import delivery_send_next
from live.notifications.loading import load_notifications
from live.notifications.models import Delivery, Notification
from live.notifications.notify import READER
from live.readers import reader_begin, reader_run
from live.services import events_sequence
from tests.cast import NOW, Cast, Story


def rules_of(cast: Cast) -> None:
    """Give the small city its notification rules; from now on everything is told."""
    load_notifications(cast.city)
    events_sequence()
    reader_begin(reader=READER)


def read_log(now: datetime = NOW) -> int:
    """Number what happened and let the notifier read it."""
    events_sequence()
    return reader_run(reader=READER, now=now)


def system_event(
    story: Story, action: str, at: datetime = NOW, actor: User | None = None, **data: Any
) -> CaseEvent:
    """Append what the system writes about a deadline: the same row, by the same services."""
    case = Case.objects.get(pk=story.case.pk)
    event = CaseEvent(
        case=case,
        run=case.run,
        action=action,
        actor=actor,
        role="SYS" if actor is None else "SUP",
        old_state=case.state,
        new_state=case.state,
        at=at,
        data=data,
    )
    event, salt = event_chain(case, event, {})
    case.save(update_fields=["history_head", "history_length"])
    return event_append(event, salt, {})


def told(kind: str = "") -> list[tuple[str, str]]:
    """Return who was told by which rule, in order."""
    rows = Notification.objects.filter(**({"kind": kind} if kind else {}))
    return sorted(rows.values_list("person__username", "rule__code"))


def send_all(now: datetime) -> list[Delivery]:
    """Send everything that is due; returns it as it was left."""
    sent = []
    while (delivery := delivery_send_next(now=now)) is not None:
        sent.append(delivery)
    return sent
