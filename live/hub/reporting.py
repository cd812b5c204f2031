"""What each process that holds sockets says about itself, for the watch panel and the metrics.

In the database, so that any process can answer for all of them.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import TYPE_CHECKING, Any

from django.db import Error, connection

from live.publish import notify

if TYPE_CHECKING:
    from live.hub.hub import Hub

logger = logging.getLogger(__name__)

EVERY_SECONDS = 10.0
DEAF_SECONDS = 25.0
_SAY = """
WITH ended AS (
    DELETE FROM live_hubreport WHERE at < clock_timestamp() - interval '1 hour'
)
INSERT INTO live_hubreport (
    process, at, line_count, position, sent_count, reload_count, median_delay, slow_delay
) VALUES (%s, clock_timestamp(), %s, %s, %s, %s, %s, %s)
ON CONFLICT (process) DO UPDATE SET
    at = excluded.at, line_count = excluded.line_count, position = excluded.position,
    sent_count = excluded.sent_count, reload_count = excluded.reload_count,
    median_delay = excluded.median_delay, slow_delay = excluded.slow_delay
"""


async def report(hub: Hub) -> None:
    """Say it every few seconds; what could not be said once is said the next time.

    The process also says something to itself: where it hears nothing of it, the connection on which
    it listens is dead though nobody closed it.
    """
    echo = json.dumps({"echo": hub.process})
    while True:
        delay = hub.lag.delay()
        counts = len(hub.lines), hub.position, hub.lag.sent, hub.lag.reloads
        try:
            await hub.door.do(_say, hub.process, *counts, delay.median, delay.slow)
            await hub.door.do(notify, echo)
        except Error as error:
            logger.warning("This process could not report: %s", str(error).strip())
        await asyncio.sleep(EVERY_SECONDS)
        if time.monotonic() - hub.echoed_at > DEAF_SECONDS:
            hub.listener.renew()


def _say(*values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_SAY, values)
