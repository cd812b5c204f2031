"""What the log tells the sockets: how far it goes. The only module that knows the channel group."""

from __future__ import annotations

import logging

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

GROUP = "events"


def tell_head(position: int) -> None:
    """Tell every socket the log's head; without Redis they hear of it at the next tick."""
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(GROUP, {"type": "log.head", "head": position})
    except (RedisError, OSError) as error:
        logger.warning("The sockets could not be told of position %s: %s", position, error)
