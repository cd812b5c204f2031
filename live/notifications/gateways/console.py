"""The gateway of the demo: text messages go to the worker's log at level INFO, addresses masked."""

from __future__ import annotations

import structlog

from live.notifications.channels import masked
from live.notifications.gateways.base import Message

log = structlog.get_logger("citymgmt.notifications")


class ConsoleGateway:
    """Writes each message to the log and says that it was sent."""

    def send(self, message: Message) -> str:
        """Log the message; its key is its number."""
        log.info(
            "text_message",
            key=message.key,
            to=masked(message.address),
            text=message.body,
            is_urgent=message.is_urgent,
        )
        return f"console-{message.key}"
