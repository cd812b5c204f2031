"""Redis is a messenger only: without it everything works."""

from __future__ import annotations

import pytest
from rest_framework.authtoken.models import Token

from tests.faults.servers import Redis, Web, running

pytestmark = pytest.mark.django_db(transaction=True)


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
