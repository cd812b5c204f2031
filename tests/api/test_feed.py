"""The event feed: what this person may see, in commit order, without a gap."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from cases.api import serializers
from cases.models import CaseEvent, EventOutbox
from cases.workflow import State
from live.models import EventPosition
from tests.cast import Story


def read_all(api, after: int = 0, **query) -> list[dict]:
    """Follow the feed from a position to its end."""
    found: list[dict] = []
    while True:
        page = api.get("events/", after=after, **query).json()
        assert page["position"] >= after
        found += page["events"]
        after = page["position"]
        if page["is_complete"]:
            return found


def test_the_feed_tells_every_step_once_in_order(cast, acceptor):
    story = Story(cast).walk_to(State.CLOSED)
    Story(cast, metres=3)
    rows = read_all(acceptor)
    assert all(set(row) == {*serializers.NumberedEventSerializer().fields} for row in rows)
    assert len(rows) == CaseEvent.objects.count()
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    steps = [row["sequence"] for row in rows if row["case"] == story.case.number]
    assert steps == list(range(1, len(steps) + 1))
    assert not EventOutbox.objects.exists()
    assert read_all(acceptor, after=rows[-1]["position"]) == []


def test_small_pages_tell_the_same(cast, acceptor):
    Story(cast).walk_to(State.FILED)
    assert read_all(acceptor, page_size=1) == read_all(acceptor)


def test_everybody_hears_only_of_what_they_may_see(cast, api_of, acceptor):
    theirs = Story(cast).walk_to(State.DISPATCHED).case
    Story(cast, metres=3)
    everything = read_all(acceptor)
    told = read_all(api_of("clerk_sun"))
    assert {row["case"] for row in told} == {theirs.number}
    assert [row for row in everything if row["case"] == theirs.number] == told
    stranger = api_of("clerk_hua").get("events/", after=0).json()
    assert stranger["events"] == []
    assert stranger["position"] == everything[-1]["position"], "they need not ask for these again"


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "9" * 40, "٣"])
def test_a_position_that_is_none_is_refused(acceptor, assert_refused, after):
    assert_refused(acceptor.get("events/", after=after), 400, "invalid", "after")


def test_a_position_beyond_the_end_is_kept(cast, acceptor):
    Story(cast)
    page = acceptor.get("events/", after=1000).json()
    assert (page["events"], page["position"]) == ([], 1000)


def in_another_transaction(work: Callable[[], None]) -> tuple[Callable[[], None], threading.Thread]:
    """Do ``work`` on a connection of its own; it commits when the first returned is called."""
    done, may_commit = threading.Event(), threading.Event()

    def run() -> None:
        try:
            with transaction.atomic():
                work()
                done.set()
                assert may_commit.wait(30)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert done.wait(30)
    return may_commit.set, thread


@pytest.mark.django_db(transaction=True)
def test_what_is_committed_late_is_told_late_and_never_lost(cast, acceptor):
    early, late = Story(cast), Story(cast, metres=3)
    position = acceptor.get("events/", after=0).json()["position"]
    commit, thread = in_another_transaction(lambda: late.act("instruct", cast.leader_tang))
    early.act("instruct", cast.leader_tang)
    page = acceptor.get("events/", after=position).json()
    assert [row["case"] for row in page["events"]] == [early.case.number]
    commit()
    thread.join(30)
    page = acceptor.get("events/", after=page["position"]).json()
    assert [row["case"] for row in page["events"]] == [late.case.number]
    numbered = EventPosition.objects.order_by("position").values_list("event_id", flat=True)
    assert list(numbered)[-2:] == sorted(list(numbered)[-2:], reverse=True), (
        "the later position has the lower id"
    )
