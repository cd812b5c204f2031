"""A change made while an anchor is made is in that anchor or in the next, never in none."""

from datetime import timedelta
from queue import Queue
from threading import Thread

import pytest
from django.db import connection, transaction

from cases.models import HistoryAnchorHead
from cases.services.anchors import history_anchor
from cases.services.verify import verify_history
from cases.workflow import State
from tests.cast import NOW, Story


class SlowWriter(Thread):
    """Takes an id for its event at once and commits when told."""

    def __init__(self, story: Story) -> None:
        super().__init__()
        self.story = story
        self.written: Queue[None] = Queue()
        self.commit: Queue[None] = Queue()

    def run(self) -> None:
        with transaction.atomic():
            self.story.act("instruct", self.story.cast.leader_tang)
            self.written.put(None)
            self.commit.get(timeout=30)
        connection.close()


@pytest.fixture
def stories(transactional_db, cast):
    return [Story(cast, metres=10 * n).walk_to(State.HANDLING) for n in range(2)]


def test_a_slow_transaction_is_in_the_next_anchor(stories, tmp_path):
    slow, quick = stories
    first = history_anchor(now=NOW, directory=tmp_path)
    writer = SlowWriter(slow)
    writer.start()
    writer.written.get(timeout=30)
    quick.act("instruct", quick.cast.leader_tang)  # a higher id, committed first
    second = history_anchor(now=NOW + timedelta(days=1), directory=tmp_path, settle_seconds=0.1)
    writer.commit.put(None)
    writer.join()
    third = history_anchor(now=NOW + timedelta(days=2), directory=tmp_path)
    assert first.head_count == 2
    assert [head.number for head in second.heads.all()] == [quick.case.number]
    assert second.settled_event_id == first.settled_event_id
    assert [head.number for head in third.heads.all()] == [slow.case.number]
    assert HistoryAnchorHead.objects.count() == 4
    assert list(verify_history(anchors=tmp_path)) == []


def test_what_is_settled_is_not_looked_at_again(stories, tmp_path):
    made = history_anchor(now=NOW, directory=tmp_path)
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM cases_caseevent")
        assert made.settled_event_id >= cursor.fetchone()[0]
    assert history_anchor(now=NOW, directory=tmp_path) is None
