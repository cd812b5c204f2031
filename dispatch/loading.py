"""Loading a city's first routing rules from fixtures/dispatch/ and publishing them.

Only where a city has none: what an administrator made of them stays.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction

from accounts.models import City
from dispatch.models import PublishedRules, RoutingRule
from dispatch.routing.draft import draft_replace
from dispatch.routing.services import rules_publish

ROUTING = settings.BASE_DIR / "fixtures" / "dispatch" / "routing.json"


@transaction.atomic
def load_routing(city: City, now: datetime, path: Path = ROUTING) -> None:
    """Give a city the rule of thumb of the field: maintainer, owner, then the nearest territory."""
    if RoutingRule.objects.filter(city=city).exists():
        return
    if PublishedRules.objects.filter(city=city).exists():
        return
    draft_replace(city=city, data=json.loads(path.read_text(encoding="utf-8")))
    rules_publish(city=city, actor=None, now=now)
