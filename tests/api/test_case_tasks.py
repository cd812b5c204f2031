"""What the system does by itself when a date has come."""

from datetime import timedelta
from threading import Thread

import pytest
from django.conf import settings
from django.db import connection

from accounts.idempotency import KEPT_FOR
from accounts.models import IdempotentRequest
from accounts.tasks import forget_old_keys
from cases.models import Case, CaseEvent, CasePolicy, FieldTask
from cases.services.overdue import overdue_tasks_release, suspended_wake
from cases.services.verify import verify_history
from cases.workflow import State
from citymgmt.celery import app
from common import clock
from tests.cast import NOW, Story

MINUTE = timedelta(minutes=1)


def due_of(story: Story):
    return FieldTask.objects.get(case=story.case, ended_at=None).due_at


@pytest.mark.parametrize(
    ("state", "goes_back_to"),
    [(State.CONFIRMING, State.REPORTED), (State.CHECKING, State.HANDLED)],
)
def test_a_task_overdue_beyond_the_grace_goes_back_to_the_acceptors(cast, state, goes_back_to):
    story = Story(cast).walk_to(state)
    CasePolicy.objects.update(field_task_grace_minutes=30)
    due = due_of(story)
    assert overdue_tasks_release(now=due + 30 * MINUTE - timedelta(seconds=1)) == 0
    assert overdue_tasks_release(now=due + 30 * MINUTE) == 1
    story.case.refresh_from_db()
    assert story.case.state == goes_back_to
    last = CaseEvent.objects.filter(case=story.case).last()
    assert (last.action, last.actor_id, last.role) == ("recall", None, "SYS")
    task = FieldTask.objects.get(case=story.case)
    assert task.outcome == FieldTask.Outcome.RECALLED
    assert overdue_tasks_release(now=due + 31 * MINUTE) == 0


def test_a_city_without_settings_has_a_grace_of_two_hours(cast):
    due = due_of(Story(cast).walk_to(State.CHECKING))
    CasePolicy.objects.all().delete()
    assert overdue_tasks_release(now=due + 119 * MINUTE) == 0
    assert overdue_tasks_release(now=due + 120 * MINUTE) == 1


def test_a_suspended_case_goes_on_at_its_review_date(cast):
    story = Story(cast).walk_to(State.SUSPENDED)
    Story(cast, metres=20).walk_to(State.HANDLING)
    review = story.case.review_at
    assert suspended_wake(now=review - timedelta(seconds=1)) == 0
    assert suspended_wake(now=review) == 1
    story.case.refresh_from_db()
    assert (story.case.state, story.case.review_at) == (State.HANDLING, None)
    assert suspended_wake(now=review) == 0


def test_one_case_that_cannot_be_woken_holds_no_other_back(cast):
    first, second = (Story(cast, metres=20 * n).walk_to(State.SUSPENDED) for n in range(2))
    review = second.case.review_at
    Case.objects.filter(pk=first.case.pk).update(version=99, review_at=review - MINUTE)
    FieldTask.objects.create(
        case=first.case,
        run=1,
        kind="check",
        collector=cast.collector_lin,
        assigned_at=NOW,
        due_at=NOW,
    )  # a task that does not fit its case: the door refuses to recall it
    assert overdue_tasks_release(now=review) == 0
    assert suspended_wake(now=review) == 2


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_wake_every_case_once(cast):
    stories = [Story(cast, metres=10 * n).walk_to(State.SUSPENDED) for n in range(6)]
    review = max(story.case.review_at for story in stories)
    done: list[int] = []

    def work() -> None:
        done.append(suspended_wake(now=review))
        connection.close()

    workers = [Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(done) == len(stories)
    assert CaseEvent.objects.filter(action="resume").count() == len(stories)
    assert list(verify_history()) == []


def test_keys_are_forgotten_when_they_are_no_longer_kept(cast):
    for key, age in (("old", KEPT_FOR + MINUTE), ("new", KEPT_FOR - MINUTE)):
        IdempotentRequest.objects.create(
            user=cast.acceptor_wang, key=key, body_hash="", created_at=clock.now() - age
        )
    assert forget_old_keys() == 1
    assert IdempotentRequest.objects.get().key == "new"


def test_every_task_on_the_schedule_exists():
    app.loader.import_default_modules()
    app.autodiscover_tasks(force=True)
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert scheduled <= set(app.tasks)
