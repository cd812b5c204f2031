"""What the log tells the sockets: how far it goes, whose inbox changed.

The only module that knows the channel group.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

GROUP = "events"


def tell_head(position: int) -> None:
    """Tell every socket the log's head; without Redis they hear of it at the next tick."""
    _tell({"type": "log.head", "head": position})


def tell_inboxes(people: Iterable[int]) -> None:
    """Hint to some people's sockets that their inbox changed; pages ask again by themselves."""
    _tell({"type": "inbox.changed", "people": sorted(people)})


def _tell(message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(GROUP, message)
    except (RedisError, OSError) as error:
        logger.warning("The sockets could not be told (%s): %s", message["type"], error)
