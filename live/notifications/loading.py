"""Loading a city's notification settings, rules and texts from fixtures/notifications/.

Idempotent, by natural keys. What an administrator changed afterwards stays: only what is missing is
added.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.models import City
from live.notifications.models import NotificationPolicy, NotificationRule, NotificationTemplate

NOTIFICATIONS = settings.BASE_DIR / "fixtures" / "notifications"


@transaction.atomic
def load_notifications(city: City, directory: Path = NOTIFICATIONS) -> None:
    """Give a city its notification policy, rules and texts."""
    NotificationPolicy.objects.get_or_create(city=city)
    NotificationRule.objects.bulk_create(
        (NotificationRule(city=city, **row) for row in _json(directory / "rules.json")),
        ignore_conflicts=True,
        unique_fields=["city", "code"],
    )
    NotificationTemplate.objects.bulk_create(
        (NotificationTemplate(city=city, **row) for row in _json(directory / "texts.json")),
        ignore_conflicts=True,
        unique_fields=["city", "kind", "channel", "language"],
    )


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
