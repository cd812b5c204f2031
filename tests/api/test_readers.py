"""Ordered readers of the event log: each event once, in order, whatever happens to the worker."""

from __future__ import annotations

import threading
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import translation

from accounts.models import City
from cases.workflow import State
from common.errors import DomainError
from live import readers
from live.models import EventPosition, EventReader
from live.readers import Begin, Reader, reader_begin, reader_run, reader_skip, readers_lag
from live.services import events_sequence, head
from tests.cast import NOW, Story


class Notebook:
    """A handler that notes what it reads, and writes a row that must commit with the position."""

    def __init__(self, cannot_read: set[int] = frozenset(), name: str = "t") -> None:
        self.name = name
        self.cannot_read = set(cannot_read)
        self.read: list[int] = []
        self.stretches: list[tuple[int, int]] = []

    def __call__(self, stretch) -> None:
        positions = [row.position for row in stretch.events()]
        City.objects.create(code=f"{self.name}{stretch.after}", name="effect")
        if self.cannot_read & set(positions):
            raise ValueError("no such figure")
        self.read += positions
        self.stretches.append((stretch.after, stretch.until))

    def effects(self) -> list[str]:
        return sorted(
            City.objects.filter(code__startswith=self.name).values_list("code", flat=True)
        )


@pytest.fixture
def log(cast) -> int:
    """A log of some events; returns its head."""
    Story(cast).walk_to(State.HANDLING)
    Story(cast, metres=3)
    events_sequence()
    return head()


@pytest.mark.parametrize("batch", [1, 2, 4, 500])
def test_a_reader_gets_every_event_once_in_order(log, batch):
    notebook = Notebook()
    reader = Reader("notes", notebook, batch=batch, begin=Begin.START)
    assert reader_run(reader=reader, now=NOW) == log
    assert notebook.read == list(range(1, log + 1))
    assert len(notebook.stretches) == -(-log // batch)
    assert reader_run(reader=reader, now=NOW) == 0, "nothing new"


def test_a_reader_added_later_begins_at_the_head_unless_it_wants_everything(cast, log):
    late, whole = Notebook(), Notebook()
    late_reader = Reader("late", late)
    assert reader_run(reader=late_reader, now=NOW) == 0
    Story(cast, metres=6)
    events_sequence()
    assert reader_run(reader=late_reader, now=NOW) == 1
    assert late.read == [log + 1]
    reader_run(reader=Reader("whole", whole, begin=Begin.START), now=NOW)
    assert whole.read == list(range(1, log + 2))


def test_a_reader_that_has_begun_is_not_put_elsewhere(log):
    reader = Reader("notes", Notebook())
    reader_begin(reader=reader, position=2)
    reader_begin(reader=reader, position=0)
    assert EventReader.objects.get(name="notes").position == 2


def test_an_event_that_cannot_be_read_stops_its_reader_before_it_and_no_other(log, monkeypatch):
    bad, good = Notebook({4}, "bad"), Notebook(name="good")
    monkeypatch.setattr(readers, "READERS", {})
    readers.register_reader(Reader("bad", bad, begin=Begin.START))
    readers.register_reader(Reader("good", good, begin=Begin.START, batch=7))
    readers.readers_run(now=NOW)
    assert bad.read == [1, 2, 3], "everything before it is done"
    row = EventReader.objects.get(name="bad")
    assert (row.position, row.failed_position, row.failure) == (3, 4, "ValueError: no such figure")
    assert good.read == list(range(1, log + 1))
    assert "bad3" not in bad.effects(), "what it wrote before it failed is not there"


def test_a_failed_reader_rests_ever_longer_and_goes_on_when_it_can(log):
    notebook = Notebook({1})
    reader = Reader("notes", notebook, begin=Begin.START)
    reader_run(reader=reader, now=NOW)
    for count, seconds in ((1, 1), (2, 2), (3, 4), (4, 8)):
        row = EventReader.objects.get(name="notes")
        assert row.failure_count == count
        almost = row.failed_at + timedelta(seconds=seconds, milliseconds=-1)
        reader_run(reader=reader, now=almost)
        assert EventReader.objects.get(name="notes").failure_count == count, "it still rests"
        reader_run(reader=reader, now=row.failed_at + timedelta(seconds=seconds))
    EventReader.objects.filter(name="notes").update(failure_count=60)
    notebook.cannot_read.clear()
    at = EventReader.objects.get(name="notes").failed_at + timedelta(minutes=5)
    assert reader_run(reader=reader, now=at) == log, "it never rests longer than five minutes"
    row = EventReader.objects.get(name="notes")
    assert (row.failed_position, row.failure, row.failure_count) == (None, "", 0)


def test_only_the_event_a_reader_stands_before_can_be_left_out(log):
    notebook = Notebook({4})
    reader = Reader("notes", notebook, begin=Begin.START)
    reader_run(reader=reader, now=NOW)
    for name, position in (("notes", 3), ("notes", 5), ("nobody", 4)):
        with pytest.raises(DomainError) as refusal:
            reader_skip(name=name, position=position, now=NOW)
        assert refusal.value.code == "not_failed"
    with translation.override("en"), pytest.raises(CommandError, match="does not stand"):
        call_command("event_readers", "--skip", "notes", "5")
    call_command("event_readers", "--skip", "notes", "4", stdout=StringIO())
    reader_run(reader=reader, now=NOW)
    assert notebook.read == [1, 2, 3, *range(5, log + 1)]
    (entry,) = EventReader.objects.get(name="notes").skipped
    assert (entry["position"], entry["failure"]) == (4, "ValueError: no such figure")


def test_the_lag_says_how_many_events_wait_and_since_when(cast, log):
    reader = Reader("notes", Notebook(), begin=Begin.START)
    reader_begin(reader=reader, position=log - 1)
    (lag,) = readers_lag()
    assert (lag.position, lag.behind) == (log - 1, 1)
    oldest = EventPosition.objects.get(position=log).event.at
    assert lag.seconds(oldest + timedelta(minutes=3)) == 180
    out = StringIO()
    call_command("event_readers", stdout=out)
    assert out.getvalue().startswith(f"notes: at {log - 1}, 1 behind for ")
    reader_run(reader=reader, now=NOW)
    (lag,) = readers_lag()
    assert (lag.behind, lag.seconds(NOW)) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_one_process_reads_at_a_time(cast):
    Story(cast).walk_to(State.FILED)
    events_sequence()
    is_reading, may_end = threading.Event(), threading.Event()
    first, second = Notebook(), Notebook()

    def slowly(stretch) -> None:
        first(stretch)
        is_reading.set()
        assert may_end.wait(30)

    def run() -> None:
        try:
            reader_run(reader=Reader("notes", slowly, begin=Begin.START), now=NOW)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert is_reading.wait(30)
    reader = Reader("notes", second, begin=Begin.START)
    assert reader_run(reader=reader, now=NOW) == 0, "another process is at it"
    may_end.set()
    thread.join(30)
    assert reader_run(reader=reader, now=NOW) == 0, "and has read everything"
    assert (first.read, second.read) == ([1, 2, 3], [])


@pytest.mark.django_db(transaction=True)
def test_what_is_committed_late_is_read_late_and_never_left_out(cast):
    early, late = Story(cast), Story(cast, metres=3)
    events_sequence()
    notebook = Notebook()
    reader = Reader("notes", notebook, begin=Begin.START)
    reader_run(reader=reader, now=NOW)
    done, may_commit = threading.Event(), threading.Event()

    def act_slowly() -> None:
        try:
            with transaction.atomic():
                late.act("instruct", cast.leader_tang)
                done.set()
                assert may_commit.wait(30)
        finally:
            connection.close()

    thread = threading.Thread(target=act_slowly)
    thread.start()
    assert done.wait(30)
    early.act("instruct", cast.leader_tang)
    events_sequence()
    reader_run(reader=reader, now=NOW)
    assert notebook.read == [1, 2, 3]
    may_commit.set()
    thread.join(30)
    events_sequence()
    reader_run(reader=reader, now=NOW)
    assert notebook.read == [1, 2, 3, 4]
    numbered = EventPosition.objects.get(position=4)
    assert numbered.event.case_id == late.case.pk
