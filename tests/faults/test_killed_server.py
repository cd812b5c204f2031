"""`kill -9` of the web server while reports come in: sent again, each is one case, once."""

from __future__ import annotations

import http.client
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from rest_framework.authtoken.models import Token

from cases.models import Case
from tests.cast import Cast
from tests.faults.servers import Web, running
from tests.faults.test_two_at_once import numbers
from tests.matrix.invariants import check_case

pytestmark = pytest.mark.django_db(transaction=True)

SENDERS = 4


class Sender:
    """Sends one report a key and remembers what was answered."""

    def __init__(self, web: Web, cast: Cast) -> None:
        self.web = web
        self.token = Token.objects.create(user=cast.collector_chen).key
        self.place = list(cast.place)
        self.answered: dict[str, str] = {}
        self.lost: set[str] = set()
        self.progress = threading.Condition()

    def send(self, key: str) -> None:
        """Report; what the server did not answer is lost, for the sender at least."""
        body = {
            "source": "collector",
            "type": "E0102",
            "description": f"第 {key} 件",
            "location": {"type": "Point", "coordinates": self.place},
        }
        try:
            status, document = self.web.request(
                "POST", "/api/v1/cases/", body, token=self.token, key=key
            )
        except (OSError, http.client.HTTPException, ValueError):
            with self.progress:
                self.lost.add(key)
                self.progress.notify_all()
            return
        assert status in (200, 201), document
        with self.progress:
            assert self.answered.setdefault(key, document["number"]) == document["number"]
            self.lost.discard(key)
            self.progress.notify_all()

    def wait_for(self, count: int) -> None:
        """Wait until so many keys are answered."""
        with self.progress:
            assert self.progress.wait_for(lambda: len(self.answered) >= count, timeout=120)


def test_every_report_is_one_case_though_the_server_was_killed(cast, size):
    keys = [f"report-{number}" for number in range(size(60, 1000))]
    kills = size(1, 5)
    with running(Web()) as web:
        sender = Sender(web, cast)
        for kill in range(kills):
            part = keys[kill * len(keys) // kills : (kill + 1) * len(keys) // kills]
            answered = len(sender.answered)
            with ThreadPoolExecutor(SENDERS) as senders:
                sent = [senders.submit(sender.send, key) for key in part]
                sender.wait_for(answered + len(part) // 3)
                web.kill()
            for future in sent:
                future.result()
            assert sender.lost & set(part), "the server was killed while reports were under way"
            web.start()
        with ThreadPoolExecutor(SENDERS) as senders:
            list(senders.map(sender.send, keys))
    assert set(sender.answered) == set(keys)
    assert not sender.lost
    assert len(set(sender.answered.values())) == len(keys)
    assert numbers() == list(range(1, len(keys) + 1))
    assert set(Case.objects.values_list("number", flat=True)) == set(sender.answered.values())
    for pk in Case.objects.values_list("pk", flat=True)[:: max(1, len(keys) // 20)]:
        check_case(pk)
