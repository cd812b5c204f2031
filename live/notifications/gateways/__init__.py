"""How messages leave: one gateway a channel, chosen by settings.

A gateway is a class with ``send(message) -> str``: it hands the message over and returns the
number the service knows it by ("" if it tells none), or raises ``SendingFailed``. It must come back
within a minute and do nothing else: state, attempts and pauses are the job's business. A city's own
gateway is a class of its own, named in ``NOTIFICATION_GATEWAY``.
"""

from django.conf import settings
from django.utils.module_loading import import_string

from live.notifications.gateways.base import Gateway, Message, SendingFailed
from live.notifications.rules import Channel

__all__ = ["Gateway", "Message", "SendingFailed", "gateway_of"]

EMAIL_GATEWAY = "live.notifications.gateways.email.EmailGateway"


def gateway_of(channel: str) -> Gateway:
    """Return the gateway that sends by a channel besides the inbox."""
    path = EMAIL_GATEWAY if channel == Channel.EMAIL else settings.NOTIFICATION_GATEWAY
    gateway: Gateway = import_string(path)()
    return gateway
