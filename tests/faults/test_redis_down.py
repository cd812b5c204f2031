"""Redis is a messenger only: without it everything works, and pages hear of it when it is back."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.test import override_settings
from rest_framework.authtoken.models import Token

from live.consumers import EventsConsumer
from live.services import head
from live.tasks import sequence_events
from tests.cast import Story
from tests.faults.servers import PATIENCE_SECONDS, Redis, Web, running

pytestmark = pytest.mark.django_db(transaction=True)


def layers(redis: Redis) -> dict:
    backend = "channels_redis.pubsub.RedisPubSubChannelLayer"
    return {"default": {"BACKEND": backend, "CONFIG": {"hosts": [redis.url]}}}


def test_intake_actions_and_the_feed_work_while_redis_is_down(cast):
    token = {
        name: Token.objects.create(user=cast.people[name]).key
        for name in ("collector_chen", "acceptor_wang")
    }
    body = {
        "source": "collector",
        "type": "E0102",
        "location": {"type": "Point", "coordinates": list(cast.place)},
    }
    with running(Redis()) as redis, running(Web(redis.url)) as web:

        def report_and_accept(key: str) -> str:
            status, case = web.request(
                "POST", "/api/v1/cases/", body, token=token["collector_chen"], key=key
            )
            assert status == 201
            path = f"/api/v1/cases/{case['number']}/actions/accept/"
            accept = {"version": 1}
            status, case = web.request("POST", path, accept, token=token["acceptor_wang"])
            assert (status, case["state"]) == (200, "accepted")
            return case["number"]

        def told() -> list[str]:
            status, page = web.request(
                "GET", "/api/v1/events/?after=0", token=token["acceptor_wang"]
            )
            assert status == 200
            return [event["case"] for event in page["events"]]

        before = report_and_accept("before")
        redis.kill()
        during = report_and_accept("during")
        assert told() == [before, before, during, during]
        status, health = web.request("GET", "/-/ready")
        assert status == 200, health
        redis.start()
        after = report_and_accept("after")
        assert told() == [before, before, during, during, after, after]


def test_a_page_hears_of_what_happened_while_redis_was_down(cast):
    story = Story(cast)
    sequence_events()
    with running(Redis()) as redis, override_settings(CHANNEL_LAYERS=layers(redis)):
        asyncio.run(listen(cast, story, redis))


async def listen(cast, story: Story, redis: Redis) -> None:
    scope = {"type": "websocket", "path": "/ws/events/", "user": cast.acceptor_wang}
    line = ApplicationCommunicator(EventsConsumer.as_asgi(), scope)
    await line.send_input({"type": "websocket.connect"})
    assert (await line.receive_output(PATIENCE_SECONDS))["type"] == "websocket.accept"
    assert await hears(line, 1)
    redis.kill()
    await sync_to_async(story.act)("accept", cast.acceptor_wang)
    await sync_to_async(sequence_events)()
    assert await sync_to_async(head)() == 2
    redis.start()
    assert await hears(line, 2)
    await sync_to_async(story.act)("file", cast.supervisor_zhao)
    await sync_to_async(sequence_events)()
    assert await hears(line, 3)
    await line.send_input({"type": "websocket.disconnect", "code": 1000})
    await line.wait(PATIENCE_SECONDS)


async def hears(line: ApplicationCommunicator, position: int) -> bool:
    """Read until the page knows of a position."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        message = await line.receive_output(PATIENCE_SECONDS)
        assert message["type"] == "websocket.send", message
        if json.loads(message["text"])["head"] >= position:
            return True
    return False
