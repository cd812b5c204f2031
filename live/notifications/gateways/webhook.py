"""The gateway over HTTP: one signed POST a message, to the service the settings name.

    POST <NOTIFICATION_GATEWAY_URL>
    Idempotency-Key: <the delivery's key>          the same at every attempt: send it once
    X-Timestamp: <seconds since 1970>
    X-Signature: sha256=<hex HMAC-SHA256 of "<timestamp>.<body>" with the shared secret>
    {"id": …, "to": …, "text": …, "urgent": …}

2xx means taken; ``{"id": "…"}`` in the answer is the service's number. 408, 425, 429 and 5xx are
tried again, another 4xx is final. Redirects are not followed. The address is looked up once,
checked, and connected to as checked: a name that points into a private network is refused unless
``NOTIFICATION_PRIVATE_ADDRESSES`` allows it.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import socket
import ssl
import time
from http.client import HTTPConnection, HTTPException
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from live.notifications.gateways.base import Message, SendingFailed
from live.notifications.models import Delivery

TIMEOUT_SECONDS = 10
LONGEST_ANSWER = 16 * 1024
TRY_AGAIN = frozenset({408, 425, 429})


class WebhookGateway:
    """Posts each message to the service."""

    def send(self, message: Message) -> str:
        """Post the message; returns the number the service answers with, "" without one."""
        target = urlsplit(settings.NOTIFICATION_GATEWAY_URL)
        body = _body(message)
        connection = _connection(target)
        try:
            connection.request("POST", _path(target), body, _headers(message, body))
            response = connection.getresponse()
            answer = response.read(LONGEST_ANSWER)
        except (OSError, HTTPException) as error:
            raise SendingFailed(Delivery.Reason.UNREACHABLE, type(error).__name__) from error
        finally:
            connection.close()
        return _number(response.status, answer)


def _body(message: Message) -> bytes:
    content = {
        "id": message.key,
        "to": message.address,
        "text": message.body,
        "urgent": message.is_urgent,
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _headers(message: Message, body: bytes) -> dict[str, str]:
    stamp = str(int(time.time()))
    return {
        "Content-Type": "application/json; charset=utf-8",
        "Idempotency-Key": message.key,
        "X-Timestamp": stamp,
        "X-Signature": signature(settings.NOTIFICATION_GATEWAY_SECRET, stamp, body),
    }


def signature(secret: str, stamp: str, body: bytes) -> str:
    """Return the signature of a body sent at a moment."""
    signed = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={signed.hexdigest()}"


def _number(status: int, answer: bytes) -> str:
    if status in TRY_AGAIN or status >= 500:
        raise SendingFailed(Delivery.Reason.UNREACHABLE, f"HTTP {status}")
    if not 200 <= status < 300:
        raise SendingFailed(Delivery.Reason.REFUSED, f"HTTP {status}", is_permanent=True)
    try:
        content = json.loads(answer)
    except ValueError:
        return ""
    number = content.get("id") if isinstance(content, dict) else None
    return str(number)[:200] if isinstance(number, (str, int)) else ""


def _path(target: SplitResult) -> str:
    path = target.path or "/"
    return f"{path}?{target.query}" if target.query else path


class CheckedConnection(HTTPConnection):
    """HTTP to an address that was checked; with a context, TLS to the name it was checked for."""

    def __init__(self, name: str, address: str, port: int, context: ssl.SSLContext | None) -> None:
        super().__init__(name, port, timeout=TIMEOUT_SECONDS)
        self.address = address
        self.context = context

    def connect(self) -> None:
        """Connect to the checked address, whatever the name says by now."""
        self.sock = socket.create_connection((self.address, self.port), TIMEOUT_SECONDS)
        if self.context is not None:
            self.sock = self.context.wrap_socket(self.sock, server_hostname=self.host)


def _connection(target: SplitResult) -> CheckedConnection:
    is_private_allowed = settings.NOTIFICATION_PRIVATE_ADDRESSES
    if target.scheme != "https" and not (target.scheme == "http" and is_private_allowed):
        raise _refused("the address must be https")
    if not target.hostname:
        raise _refused("the address names no host")
    port = target.port or (443 if target.scheme == "https" else 80)
    context = ssl.create_default_context() if target.scheme == "https" else None
    address = checked_address(target.hostname, port, is_private_allowed=is_private_allowed)
    return CheckedConnection(target.hostname, address, port, context)


def checked_address(name: str, port: int, *, is_private_allowed: bool) -> str:
    """Return the address of a host; raise SendingFailed where one of them is not public."""
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SendingFailed(Delivery.Reason.UNREACHABLE, "the name is not known") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not is_private_allowed and not all(is_public(address) for address in addresses):
        raise _refused("the address lies in a private network")
    return addresses[0]


def is_public(address: str) -> bool:
    """Tell whether an address is one of the open internet: no private, local or mapped one."""
    number = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    mapped = getattr(number, "ipv4_mapped", None)
    number = mapped or number
    return number.is_global and not number.is_multicast


def _refused(detail: str) -> SendingFailed:
    return SendingFailed(Delivery.Reason.NOT_SET_UP, detail)
