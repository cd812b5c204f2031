"""The sweep: findings open, stay open and close as what is stuck comes and goes."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import DatabaseError, connection, transaction

from common.health import WATCH
from common.models import Heartbeat
from desks.models import WatchFinding
from desks.watch.checks import CHECKS, Check, Found, Look

logger = logging.getLogger(__name__)

LOCK = 0x57415443  # "WATC": one sweep at a time
CHECK_FAILED = "check_failed"
NOBODY_WATCHED = "nobody_watched"
GAP = timedelta(minutes=5)  # five sweeps
KEPT_FOR = timedelta(days=90)


@transaction.atomic
def system_sweep(*, now: datetime, real_now: datetime, rate: float = 1.0) -> int | None:
    """Look at everything once; returns how many findings are open, None if another sweep is at it.

    ``now`` is the city's time, ``real_now`` the world's, in which signs of life are kept.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return None
    found: dict[tuple[str, str], Found] = {}
    unknown: set[str] = set()  # kinds of which nobody can say whether they are gone
    for kind, check in CHECKS.items():
        rows = _ask(check, Look(now, rate))
        if rows is None:
            unknown.add(kind)
            found[CHECK_FAILED, kind] = Found(kind)
        for row in rows or ():
            found[kind, row.subject] = row
    _settle(found, unknown, now)
    _note_gap(now, real_now)
    WatchFinding.objects.filter(closed_at__lt=now - KEPT_FOR).delete()
    return WatchFinding.objects.filter(closed_at__isnull=True).count()


def _ask(check: Check, look: Look) -> list[Found] | None:
    """Return what a check finds; None where it fails, which is a finding of its own."""
    try:
        with transaction.atomic():
            return check(look)
    except (DatabaseError, ArithmeticError, LookupError, TypeError, ValueError):
        logger.exception("The check %s of the watch failed", check.__name__)
        return None


def _settle(found: dict[tuple[str, str], Found], unknown: set[str], now: datetime) -> None:
    still_open = WatchFinding.objects.filter(closed_at__isnull=True)
    known = {(finding.kind, finding.subject): finding for finding in still_open}
    for key, finding in known.items():
        if key in found:
            finding.seen_at, finding.data = now, found[key].data
        elif finding.kind not in unknown:
            finding.closed_at = now
    WatchFinding.objects.bulk_update(known.values(), ["seen_at", "data", "closed_at"])
    WatchFinding.objects.bulk_create(
        WatchFinding(
            kind=kind,
            subject=subject,
            case_id=row.case_id,
            data=row.data,
            opened_at=now,
            seen_at=now,
        )
        for (kind, subject), row in found.items()
        if (kind, subject) not in known
    )


def _note_gap(now: datetime, real_now: datetime) -> None:
    """Keep on record that nobody looked for a while: beat, Redis or the workers were away."""
    last = Heartbeat.objects.filter(name=WATCH).first()
    if last is not None and real_now - last.at > GAP:
        away = real_now - last.at
        WatchFinding.objects.create(
            kind=NOBODY_WATCHED,
            data={"seconds": int(away.total_seconds())},
            opened_at=now - away,
            seen_at=now,
            closed_at=now,
        )
