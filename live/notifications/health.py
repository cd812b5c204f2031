"""What the health page asks of notifications."""

from __future__ import annotations

from common import clock
from live.notifications.selectors import notifications_watch


def news_gets_through() -> bool:
    """Tell whether the readers keep up and what is due gets sent."""
    return notifications_watch(clock.now()).is_well
