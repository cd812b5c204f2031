"""`kill -9` of the worker amid an import: it resumes, and the register ends the same."""

from __future__ import annotations

import math
import os
import random
import signal
import threading
import time

import pytest
from celery import current_app
from django.db import connection

from components.census.models import SourceKey
from components.census.services import parts_approve, survey_submit
from components.census.work import survey_work, surveys_waiting
from components.models import CodeCounter, Component
from tests.api.census.conftest import HEADERS, Census
from tests.cast import NOW
from tests.faults.servers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

SEED = 20260316
STEP_M = 1.3  # further apart than they may be wrong by: not every row is a likely duplicate


class Killer:
    """Runs the worker in a process of its own and kills it after a moment, so many times."""

    def __init__(self, kills: int, longest: float) -> None:
        self.chance = random.Random(SEED)  # the same every time
        self.kills, self.longest = kills, longest
        self.killed = 0
        self.took = 0.0  # the longest that a worker took which nobody killed

    def work(self, survey_id: int) -> None:
        """Carry the survey on until nothing is left to do, whatever happens to the workers."""
        while survey_id in surveys_waiting():
            self._one_worker(survey_id)

    def _one_worker(self, survey_id: int) -> None:
        connection.close()  # a child must not share it
        child = os.fork()
        if not child:
            try:
                survey_work(survey_id=survey_id, now=NOW)
            finally:
                os._exit(0)
        if self.killed < self.kills:
            threading.Event().wait(self.chance.uniform(0, self.longest))
            if os.waitpid(child, os.WNOHANG)[0] == 0:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                self.killed += 1
            return
        started = time.monotonic()
        os.waitpid(child, 0)
        self.took = max(self.took, time.monotonic() - started)
        wait_until(self._is_free, "the killed worker's statement to end")

    @staticmethod
    def _is_free() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
            return cursor.fetchone()[0] == 0


def imported(census: Census, text: str, killer: Killer) -> list[tuple]:
    """Import a file with workers that are killed; return what the register says."""
    survey = census.upload(text)
    mapping = survey.mapping | {"constants": {"competent_body": "gardens"}}
    survey = census.start(survey, mapping=mapping, source="census", is_near_allowed=True)
    killer.work(survey.pk)
    survey.refresh_from_db()
    assert survey.state == "checked", survey.error
    survey_submit(actor=census.cast.administrator_bai, survey_id=survey.pk, now=NOW, days=0)
    parts_approve(actor=census.cast.supervisor_zhao, survey_id=survey.pk, now=NOW)
    killer.work(survey.pk)
    survey.refresh_from_db()
    assert survey.state == "published"
    rows = Component.objects.filter(source="census").order_by("code")
    return list(rows.values_list("code", "type", "point", "cell", "community", "state"))


def forget() -> None:
    """Empty the register again."""
    SourceKey.objects.all().delete()
    Component.objects.filter(source="census").delete()
    CodeCounter.objects.all().delete()


@pytest.fixture
def no_eager_tasks():
    """Leave the work to the workers of the test."""
    current_app.conf.task_always_eager = False
    yield
    current_app.conf.task_always_eager = True


@pytest.mark.usefixtures("no_eager_tasks")
def test_the_register_ends_the_same_though_the_worker_was_killed(cast, size):
    census = Census(cast)
    count = size(3_000, 60_000)
    rows = census.rows(count, step_m=STEP_M, columns=math.isqrt(count))
    text = f"{HEADERS}\n{rows}坏,没有的,完好,0,0\n"
    nobody = Killer(0, 0)
    quiet = imported(census, text, nobody)
    assert len(quiet) == count
    forget()
    kills = size(4, 10)
    killer = Killer(kills, nobody.took / kills)  # so that they fall into the work
    assert imported(census, text, killer) == quiet
    assert killer.killed >= size(1, 10)
