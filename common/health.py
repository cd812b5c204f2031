"""Whether this installation can serve: `/-/live` and `/-/ready`.

Only what makes every answer wrong is a failure (503): no database, migrations not applied. What the
city can work without for a while (Redis, beat) is named under `degraded` with 200.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import cache

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from common.models import Heartbeat

BEAT = "beat"
DEADLINES = "deadlines"  # the last scan of deadlines that went through
WATCH = "watch"  # the last look at the whole system
LONG = "long"  # the worker of what takes minutes
BEAT_LATE_AFTER = timedelta(seconds=30)


@login_not_required
def live(request: HttpRequest) -> HttpResponse:
    """Answer that this process runs."""
    return JsonResponse({"status": "ok"})


@login_not_required
def ready(request: HttpRequest) -> HttpResponse:
    """Answer whether this process can serve, and what it has to do without."""
    if failed := failures():
        return JsonResponse({"status": "down", "failed": failed, "degraded": []}, status=503)
    degraded = degradations()
    state = "degraded" if degraded else "ok"
    return JsonResponse({"status": state, "failed": [], "degraded": degraded})


def failures() -> list[str]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return [] if migrations_applied() else ["migrations"]
    except Error:
        return ["database"]


_applied = False


def migrations_applied() -> bool:
    """Return whether all migrations are applied; once true, it stays true until a restart."""
    global _applied
    if not _applied:
        executor = MigrationExecutor(connection)
        _applied = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _applied


_CHECKS: dict[str, Callable[[], bool]] = {}


def register_degradation(name: str, is_well: Callable[[], bool]) -> None:
    """Let an app say that something of its own does not work, though the pages do."""
    _CHECKS[name] = is_well


def degradations() -> list[str]:
    checks = {"redis": redis_answers, "beat": beat_ticks, **_CHECKS}
    return [name for name, is_well in checks.items() if not is_well()]


@cache
def redis_client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


def redis_answers() -> bool:
    try:
        return bool(redis_client().ping())
    except redis.RedisError:
        return False


def show_life(name: str) -> None:
    """Write down that a background process lives: by the database's clock, not the demo's."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": Now()})


def beat_ticks() -> bool:
    return Heartbeat.objects.filter(name=BEAT, at__gte=timezone.now() - BEAT_LATE_AFTER).exists()
