"""Named events between apps: a left app publishes, right apps subscribe in their ``apps.py``.

Delivery is on commit, in the process that committed, and best effort: a subscriber that fails is
logged and stops nobody. Which app listens to what stands in docs/architecture.md.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from django.db import transaction

logger = logging.getLogger(__name__)

Subscriber = Callable[..., None]
_subscribers: dict[str, list[Subscriber]] = defaultdict(list)


def subscribe(name: str, subscriber: Subscriber) -> None:
    """Call ``subscriber(**payload)`` after every commit that published ``name``."""
    if subscriber not in _subscribers[name]:
        _subscribers[name].append(subscriber)


def publish(name: str, **payload: Any) -> None:
    """Tell the subscribers of ``name`` once the current transaction has committed."""
    for subscriber in _subscribers[name]:
        transaction.on_commit(lambda call=subscriber: _deliver(call, name, payload))


def _deliver(subscriber: Subscriber, name: str, payload: dict[str, Any]) -> None:
    try:
        subscriber(**payload)
    except Exception:
        logger.exception("Subscriber %s of %s failed", subscriber.__qualname__, name)
