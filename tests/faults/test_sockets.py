"""`kill -9` of the sockets' process: a page that comes back has everything; Redis is not needed."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, unix_connect

from cases.workflow import State
from tests.cast import ROADS, Story
from tests.faults.servers import PATIENCE_SECONDS, Web, running, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


class Sockets(Web):
    """The ASGI server as the Procfile starts it, with a Redis that is not there."""

    def __init__(self) -> None:
        super().__init__("unix:///nowhere/redis.sock")

    def command(self) -> list[str]:
        return [
            str(Path(sys.executable).with_name("uvicorn")),
            *("--uds", str(self.socket), "--log-level", "warning", "citymgmt.asgi:application"),
        ]

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "CONN_MAX_AGE": "0"}

    def answers(self) -> bool:
        return self.socket.exists() and super().answers()

    def open(self, cookie: str) -> ClientConnection:
        """Open a page's socket."""
        return unix_connect(
            str(self.socket),
            "ws://localhost/ws/live/",
            additional_headers={"Cookie": cookie},
            origin="http://localhost",  # type: ignore[arg-type]
            open_timeout=PATIENCE_SECONDS,
        )


def hear(line: ClientConnection, kind: str) -> dict[str, Any]:
    """Return the next message of a kind."""
    while True:
        message = json.loads(line.recv(PATIENCE_SECONDS))
        if message["type"] == kind:
            return message


def test_a_page_that_comes_back_after_a_kill_has_missed_nothing(cast):
    story = Story(cast)
    reader = Client()
    reader.force_login(cast.acceptor_wang, backend="accounts.backends.PersonBackend")
    cookie = f"{settings.SESSION_COOKIE_NAME}={reader.cookies[settings.SESSION_COOKIE_NAME].value}"
    told: list[str] = []
    steps = ROADS[State.HANDLED]
    with running(Sockets()) as sockets:
        line = sockets.open(cookie)
        line.send('{"subscribe": true}')
        position = hear(line, "subscribed")["position"]
        for name, action in steps[:2]:
            story.act(action, cast.people[name])
            event = hear(line, "case")
            assert event["prev"] == position
            position = event["position"]
            told.append(event["state"])
        sockets.kill()
        with contextlib.suppress(WebSocketException):
            hear(line, "nothing more")
        for name, action in steps[2:4]:
            story.act(action, cast.people[name])
        sockets.start()
        line = sockets.open(cookie)
        line.send('{"subscribe": true}')
        again = hear(line, "subscribed")["position"]
        assert again > position, "there is something the page does not know"
        feed = reader.get(f"/api/v1/events/?after={position}", headers={"host": "localhost"})
        told += [row["new_state"] for row in feed.json()["events"]]
        assert feed.json()["position"] == again
        name, action = steps[4]
        story.act(action, cast.people[name])
        event = hear(line, "case")
        assert event["prev"] == again
        told.append(event["state"])
        line.close()
    assert told == ["accepted", "filed", "dispatched", "handling", "handled"]
    wait_until(lambda: not sockets.socket.exists(), "its folder to be gone")
