"""What time it is for the city: real time, or the demo clock's in demo mode.

Only views, tasks, consumers and commands read `now()`; every rule takes it as a parameter. What
many workers do by the clock (deadlines) reads `database_now()`: one clock for all of them, however
far those of their machines are apart. The demo's time is one row that all processes read, changed
by `demo_clock_set` alone. Its anchors are set by the database's own clock in one statement, and a
trigger refuses to turn time back.
"""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from common.errors import DomainError
from common.models import DemoClock
from common.prepared import Prepared

NOT_A_DEMO = "not_a_demo"
TIME_RUNS_BACKWARDS = "time_runs_backwards"

# The demo's time at the database's `clock_timestamp()`, read once per statement.
_MOVE = """
UPDATE common_democlock AS clock
SET real_anchor = moment.real, rate = %(rate)s,
    virtual_anchor = moment.virtual + make_interval(secs => %(forward)s)
FROM (
    SELECT read.real, virtual_anchor + (read.real - real_anchor) * rate AS virtual
    FROM common_democlock, (SELECT clock_timestamp() AS real OFFSET 0) AS read
) AS moment
WHERE clock.id = 1
"""

_DATABASE_NOW = """
SELECT coalesce(virtual_anchor + greatest(real - real_anchor, interval '0') * rate, real)
FROM (SELECT clock_timestamp() AS real OFFSET 0) AS read
LEFT JOIN common_democlock AS clock ON clock.id = 1
"""


_DEMO_CLOCK = Prepared(DemoClock.objects.filter(pk=1))


def _demo_clock() -> DemoClock | None:
    return next(iter(_DEMO_CLOCK()), None)


def now() -> datetime:
    """Return the city's time, aware, in UTC."""
    real = timezone.now()
    if not settings.DEMO:
        return real
    clock = _demo_clock()
    return real if clock is None else _virtual(clock, real)


def database_now() -> datetime:
    """Return the city's time by the database's clock, aware, in UTC: one query."""
    with connection.cursor() as cursor:
        cursor.execute(_DATABASE_NOW if settings.DEMO else "SELECT clock_timestamp()")
        return cursor.fetchone()[0].astimezone(UTC)


def rate() -> float:
    """Return how fast the city's time runs: 1 but in a demo that was hurried."""
    clock = _demo_clock() if settings.DEMO else None
    return 1.0 if clock is None else clock.rate


def _virtual(clock: DemoClock, real: datetime) -> datetime:
    elapsed = max(real - clock.real_anchor, timedelta())
    return clock.virtual_anchor + elapsed * clock.rate


def demo_clock_start(*, virtual_now: datetime | None = None) -> DemoClock:
    """Mark this database as a demo's and start its clock; an existing clock stays as it is."""
    if not settings.DEMO:
        raise DomainError(NOT_A_DEMO, _("The demo clock exists only in demo mode."), status=403)
    real = timezone.now()
    clock, _created = DemoClock.objects.get_or_create(
        pk=1, defaults={"real_anchor": real, "virtual_anchor": virtual_now or real}
    )
    return clock


def demo_clock_set(*, virtual_now: datetime | None = None, rate: float | None = None) -> DemoClock:
    """Move the demo's time forward to `virtual_now` and let it run at `rate` (1 is real speed).

    Raises DomainError `not_a_demo` outside demo mode and on a database without a demo clock,
    `time_runs_backwards` when `virtual_now` is past, `invalid` for a rate that is not above 0.
    """
    if not settings.DEMO:
        raise DomainError(NOT_A_DEMO, _("The demo clock exists only in demo mode."), status=403)
    with transaction.atomic():
        clock = DemoClock.objects.select_for_update().filter(pk=1).first()
        if clock is None:
            message = _("This database is used by people: its time runs as the world's does.")
            raise DomainError(NOT_A_DEMO, message, status=403)
        rate = clock.rate if rate is None else rate
        if not rate > 0:
            raise DomainError("invalid", _("The rate must be above 0."), {"rate": [str(rate)]})
        _move(rate, timedelta() if virtual_now is None else _forward(clock, virtual_now))
        clock.refresh_from_db()
    return clock


def _forward(clock: DemoClock, virtual_now: datetime) -> timedelta:
    forward = virtual_now - _virtual(clock, timezone.now())
    if forward < timedelta():
        raise DomainError(TIME_RUNS_BACKWARDS, _("The demo's time never runs backwards."))
    return forward


def _move(rate: float, forward: timedelta) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, {"rate": rate, "forward": forward.total_seconds()})
