"""`kill -9` of the notifier amid its batches: everybody is told once, every message goes out."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from cases.workflow import State
from live.models import EventReader
from live.notifications.deliveries import LEASE, delivery_send_next
from live.notifications.gateways import Message
from live.notifications.models import Delivery, Notification, NotificationRule
from live.notifications.notify import READER, notify
from live.readers import Reader, reader_run
from live.services import events_sequence, head
from tests.cast import NOW, Cast, Story
from tests.faults.servers import wait_until
from tests.notices import rules_of, system_event

pytestmark = pytest.mark.django_db(transaction=True)

SEED = 20261126
SENT = "NOTIFIER_TEST_SENT"


class FileGateway:
    """Notes each key it is handed, as a service would that honours them."""

    def send(self, message: Message) -> str:
        with Path(os.environ[SENT]).open("a") as file:
            file.write(f"{message.key}\n")
        return message.key


@pytest.fixture
def sent(settings, tmp_path, monkeypatch) -> Path:
    settings.NOTIFICATION_EMAIL = False
    settings.NOTIFICATION_GATEWAY = f"{__name__}.FileGateway"
    path = tmp_path / "sent"
    path.touch()
    monkeypatch.setenv(SENT, str(path))
    return path


def in_a_worker(work, kill_after: float | None) -> bool:
    """Do something in a process of its own; kill it after a moment. Tells whether it was killed."""
    connection.close()  # a child must not share it
    child = os.fork()
    if not child:
        try:
            work()
        finally:
            os._exit(0)
    if kill_after is not None:
        threading.Event().wait(kill_after)
        if os.waitpid(child, os.WNOHANG)[0] == 0:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            wait_until(nobody_works, "the killed worker's statement to end")
            return True
        return False
    os.waitpid(child, 0)
    return False


def nobody_works() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND state <> 'idle' AND backend_type = 'client backend'"
        )
        return cursor.fetchone()[0] == 0


def life_of(cast: Cast, count: int) -> None:
    """Cases on their way, with warnings and breaches of the system."""
    cast.clerk_sun.phone = cast.head_qian.phone = "13800000000"
    for person in (cast.clerk_sun, cast.head_qian, cast.leader_tang, cast.dispatcher_li):
        person.phone = "13800000000"
        person.save()
    body = cast.bodies["sanitation"].pk
    for each in range(count):
        story = Story(cast, metres=each).walk_to(State.HANDLING)
        for threshold in (50, 80):
            system_event(story, "warn", clock="handle", threshold=threshold, organisation=body)
        system_event(story, "breach", clock="handle", organisation=body)
        story.act("order_supervision", cast.supervisor_zhao)
    events_sequence()


def all_told() -> Counter:
    return Counter(Notification.objects.values_list("person", "position", "rule"))


def test_everybody_is_told_once_and_every_message_goes_out_though_workers_are_killed(
    cast, size, sent
):
    rules_of(cast)
    NotificationRule.objects.update(channels=["sms"])
    begun_at = EventReader.objects.get(name="notifications").position
    life_of(cast, size(4, 60))
    reader = Reader(READER.name, notify, batch=5)
    while reader_run(reader=reader, now=NOW):  # a run ends after so many batches
        pass
    undisturbed = all_told()
    Notification.objects.all().delete()
    Delivery.objects.all().delete()
    EventReader.objects.update(position=begun_at)

    chance, kills = random.Random(SEED), 0
    wanted = size(6, 60)
    while EventReader.objects.get(name=reader.name).position < head():
        after = chance.uniform(0.005, 0.12) if kills < wanted else None
        kills += in_a_worker(lambda: reader_run(reader=reader, now=NOW), after)
    assert kills >= 1
    assert all_told() == undisturbed
    assert set(undisturbed.values()) == {1}

    told = Counter(pk for row in Delivery.objects.all() for pk in row.notification_ids)
    assert told
    assert set(told.values()) == {1}, "no notification is in two messages"

    kills, now = 0, NOW + timedelta(minutes=2)
    while Delivery.objects.exclude(state="sent").exists():
        after = chance.uniform(0.005, 0.05) if kills < wanted else None
        kills += in_a_worker(lambda at=now: send_all(at), after)
        now += LEASE  # until somebody takes over what a killed sender had
        Delivery.objects.update(useful_until=now + timedelta(days=1))
    assert kills >= 1
    keys = sent.read_text().split()
    assert set(keys) == {str(row.key) for row in Delivery.objects.all()}, "every message went out"
    assert len(keys) - len(set(keys)) <= kills, "only what a killed sender had is handed over twice"


def send_all(now) -> None:
    while delivery_send_next(now=now) is not None:
        pass


def test_a_connection_cut_amid_a_batch_costs_nothing(cast):
    """What a restart of the database does to a worker: its connection is gone, its work undone."""
    rules_of(cast)
    life_of(cast, 2)
    begun_at = EventReader.objects.get(name="notifications").position
    cut = False

    def notify_and_lose_the_connection(stretch) -> None:
        nonlocal cut
        notify(stretch)
        if not cut:
            cut = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                (pid,) = cursor.fetchone()
            terminate(pid)

    reader = Reader(READER.name, notify_and_lose_the_connection, batch=10)
    with pytest.raises(Exception, match=r"terminating|closed|connection"):
        reader_run(reader=reader, now=NOW)
    connection.close()
    assert EventReader.objects.get(name=reader.name).position == begun_at
    assert not Notification.objects.exists()
    reader_run(reader=reader, now=NOW)
    assert EventReader.objects.get(name=reader.name).position == head()
    assert set(all_told().values()) == {1}


def terminate(pid: int) -> None:
    """End a backend from another connection, as a restart of the server does."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    finally:
        other.close()


def test_two_workers_tell_nobody_twice(cast):
    rules_of(cast)
    life_of(cast, 3)
    reader = Reader(READER.name, notify, batch=3)

    def read() -> None:
        try:
            while EventReader.objects.get(name=reader.name).position < head():
                reader_run(reader=reader, now=NOW)
        finally:
            connection.close()

    threads = [threading.Thread(target=read) for _each in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all_told()
    assert set(all_told().values()) == {1}
