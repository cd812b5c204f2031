"""`/-/live` and `/-/ready`: what stops the city, and what it can do without for a while."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from common import health
from common.models import Heartbeat
from common.tasks import heartbeat

NOBODY_LISTENS = "unix:///nonexistent/redis.sock"


@pytest.fixture
def redis_down(settings):
    settings.REDIS_URL = NOBODY_LISTENS
    health.redis_client.cache_clear()
    yield
    health.redis_client.cache_clear()


def test_live_answers_without_the_database(client):
    assert client.get("/-/live").json() == {"status": "ok"}


@pytest.mark.django_db
def test_ready_when_everything_runs(client):
    heartbeat()
    answer = client.get("/-/ready")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "failed": [], "degraded": []}


@pytest.mark.django_db
def test_redis_down_is_degraded_but_ready(client, redis_down):
    heartbeat()
    answer = client.get("/-/ready")
    assert answer.status_code == 200
    assert answer.json() == {"status": "degraded", "failed": [], "degraded": ["redis"]}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("age", "degraded"),
    [(timedelta(seconds=25), []), (timedelta(seconds=31), ["beat"]), (None, ["beat"])],
    ids=["ticked 25 s ago", "ticked 31 s ago", "never ticked"],
)
def test_a_late_beat_is_degraded_but_ready(client, age, degraded):
    if age is not None:
        Heartbeat.objects.create(name=health.BEAT, at=timezone.now() - age)
    answer = client.get("/-/ready")
    assert answer.status_code == 200
    assert answer.json()["degraded"] == degraded


@pytest.mark.django_db
def test_an_unapplied_migration_is_a_failure(client, monkeypatch):
    monkeypatch.setattr(health, "_applied", False)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'common'")
    answer = client.get("/-/ready")
    assert answer.status_code == 503
    assert answer.json() == {"status": "down", "failed": ["migrations"], "degraded": []}


@pytest.mark.django_db
def test_a_database_that_refuses_is_a_failure(client):
    connection.needs_rollback = True  # every further statement of this transaction is refused
    answer = client.get("/-/ready")
    connection.needs_rollback = False
    assert answer.status_code == 503
    assert answer.json()["failed"] == ["database"]
