"""Broadcasts: many screens, one computation a second, one delta; guests come and go."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime

import pytest

from live import broadcasts
from live.broadcasts import (
    Broadcast,
    Guest,
    Handshake,
    Joiner,
    register_broadcast,
    register_guests,
)
from live.publish import guests_changed, hint_broadcast
from tests.live.lines import Page, later, run

pytestmark = pytest.mark.django_db(transaction=True)


class Studio:
    """A broadcast whose state the test sets."""

    def __init__(self) -> None:
        self.state: dict[str, object] = {"open": 1, "ranking": [1, 2, 3]}
        self.computed: list[str] = []
        self.is_broken = False
        self.may_compute = threading.Event()
        self.valid = {"good"}

    def compute(self, topic: str, now: datetime) -> dict[str, object]:
        self.computed.append(topic)
        if self.is_broken:
            raise LookupError("the source is silent")
        return {**self.state, "topic": topic}

    def may_join(self, joiner: Joiner, topic: str) -> bool:
        if isinstance(joiner, Guest):
            return topic == joiner.data
        return joiner.username == "supervisor_zhao"

    def recognise(self, handshake: Handshake) -> Guest | None:
        token = handshake.cookies.get("kiosk")
        return Guest("kiosk", token, "xihu") if token in self.valid else None


@pytest.fixture
def studio() -> Iterator[Studio]:
    made = Studio()
    register_broadcast(Broadcast("test-wall", made.compute, made.may_join, every_seconds=0.1))
    register_guests("test-kiosk", made.recognise)
    yield made
    broadcasts.BROADCASTS.pop("test-wall")
    broadcasts._GUESTS.pop("test-kiosk")


def test_screens_get_the_whole_state_once_and_then_what_changes(cast, studio):
    async def scene() -> None:
        first, second = Page(cast.supervisor_zhao), Page(cast.supervisor_zhao)
        for page in (first, second):
            await page.open()
            await page.ask(join="test-wall")
        whole = await first.hear("state", broadcast="test-wall")
        assert whole["state"] == {"open": 1, "ranking": [1, 2, 3], "topic": ""}
        assert (await second.hear("state"))["state"] == whole["state"]
        studio.state = {"open": 2}
        delta = await first.hear("delta", set={"open": 2})
        assert delta["gone"] == ["ranking"]
        assert await second.hear("delta", number=delta["number"]) == delta, "computed once for all"
        numbers = [each["number"] for each in second.heard]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))

    run(scene)


def test_a_topic_is_computed_for_those_who_joined_it_alone(cast, studio):
    async def scene() -> None:
        page = await Page(cast.supervisor_zhao).open()
        await page.ask(join="test-wall:330106")
        assert (await page.hear("state"))["state"]["topic"] == "330106"
        assert set(studio.computed) == {"330106"}
        await page.ask(leave="test-wall:330106")
        await page.quiet()
        count = len(studio.computed)
        await page.quiet()
        assert len(studio.computed) == count, "nobody follows it any more"

    run(scene)


def test_who_may_not_join_is_told_so_like_for_a_broadcast_that_does_not_exist(cast, studio):
    async def scene() -> None:
        page = await Page(cast.clerk_sun).open()
        for address in ("test-wall", "no-such-wall"):
            await page.ask(join=address)
            assert await page.hear("refused") == {"type": "refused", "broadcast": address}
        assert studio.computed == []

    run(scene)


def test_a_source_that_fails_is_named_and_comes_back(cast, studio):
    async def scene() -> None:
        page = await Page(cast.supervisor_zhao).open()
        await page.ask(join="test-wall")
        whole = await page.hear("state")
        studio.is_broken = True
        silent = await page.hear("silent")
        assert silent["since"] >= whole["at"]
        studio.is_broken = False
        studio.state = {"open": 5}
        assert (await page.hear("delta"))["set"] == {"open": 5}

    run(scene)


def test_a_kiosk_joins_its_own_scope_until_its_token_is_revoked(cast, studio):
    async def scene() -> None:
        kiosk = await Page(cookies={"kiosk": "good"}).open()
        await kiosk.ask(join="test-wall")
        await kiosk.hear("refused")
        await kiosk.ask(join="test-wall:xihu")
        await kiosk.hear("state")
        await later(hint_broadcast)("test-wall:xihu", "scene", {"scene": "evaluation"})
        hint = await kiosk.hear("hint")
        assert (hint["kind"], hint["data"]) == ("scene", {"scene": "evaluation"})
        studio.valid.clear()
        await later(guests_changed)()
        assert await kiosk.closed() == 4401

    run(scene)


def test_a_stranger_is_told_to_log_in(cast, studio):
    async def scene() -> None:
        stranger = await Page(cookies={"kiosk": "made-up"}).open()
        assert await stranger.closed() == 4401

    run(scene)
