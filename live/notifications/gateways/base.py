"""What a gateway gets and how it says that it could not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from live.notifications.models import Delivery


@dataclass(frozen=True, slots=True)
class Message:
    """One message: the same ``key`` at every attempt to send it."""

    key: str
    address: str
    subject: str
    body: str
    is_urgent: bool


class SendingFailed(Exception):
    """The message was not handed over; a permanent failure is not tried again.

    ``detail`` is shown to administrators: no address, no text of the message in it.
    """

    def __init__(self, reason: Delivery.Reason, detail: str, *, is_permanent: bool = False) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.is_permanent = is_permanent


class Gateway(Protocol):
    """Hands messages over to a service."""

    def send(self, message: Message) -> str:
        """Hand a message over; returns the service's number of it. Raises SendingFailed."""
        ...
