"""Loading what dispatch needs from fixtures/dispatch/: routing rules, funds, squads.

Only where a city has none: what an administrator made of them stays.
"""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import City, Organisation, User
from accounts.roles import Role
from common.money import fen_of
from dispatch.funds.models import Fund, ProxyThreshold
from dispatch.funds.services.books import budget_allocate, budget_enter
from dispatch.models import PublishedRules, RoutingRule
from dispatch.routing.draft import draft_replace
from dispatch.routing.services import rules_publish
from dispatch.squads.models import SquadProfile
from grid.models import Area

DIRECTORY = settings.BASE_DIR / "fixtures" / "dispatch"
ROUTING = DIRECTORY / "routing.json"
MONTH = timedelta(days=31)


@transaction.atomic
def load_routing(city: City, now: datetime, before: Path | None = None) -> None:
    """Give a city the rule of thumb of the field: maintainer, owner, then the nearest territory.

    Rules of its own, from the file ``before``, stand before them.
    """
    if RoutingRule.objects.filter(city=city).exists():
        return
    if PublishedRules.objects.filter(city=city).exists():
        return
    data = json.loads(ROUTING.read_text(encoding="utf-8"))
    if before is not None:
        own = json.loads(before.read_text(encoding="utf-8"))
        data = {name: own[name] + rows for name, rows in data.items()}
    draft_replace(city=city, data=data)
    rules_publish(city=city, actor=None, now=now)


# ── proxy work ────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def load_proxy_work(city: City, now: datetime, directory: Path = DIRECTORY) -> None:
    """Give a city its funds, thresholds and squads; a fund of a district not loaded is left out.

    Only what is missing: what people made of it stays. Budgets are the leader's to enter.
    """
    if not ProxyThreshold.objects.filter(city=city).exists():
        ProxyThreshold.objects.bulk_create(
            ProxyThreshold(
                city=city,
                from_fen=fen_of(row["from_yuan"]),
                quote_count=int(row["quote_count"]),
                accepted_by=row["accepted_by"],
                overrun_percent=int(row["overrun_percent"]),
            )
            for row in _rows(directory / "proxy_thresholds.csv")
        )
    for row in _rows(directory / "squads.csv"):
        squad = Organisation.objects.filter(city=city, code=row.pop("organisation")).first()
        if squad is not None:
            SquadProfile.objects.get_or_create(organisation=squad, defaults=row)
    for row in _rows(directory / "funds.csv"):
        _load_fund(city, row, now)


def _load_fund(city: City, row: dict[str, str], now: datetime) -> None:
    district = None
    if row["district"]:
        district = Area.objects.filter(city=city, code=row["district"]).first()
        if district is None:
            return
    names = {"name": row["name"], "name_en": row["name_en"], "district": district}
    fund, is_new = Fund.objects.get_or_create(city=city, code=row["code"], defaults=names)
    leader = User.objects.with_roles().filter(city=city, groups__name=Role.LEADER).first()
    if not is_new or leader is None:
        return
    # The last days of the year before may be played too.
    for year in sorted({timezone.localdate(now).year, timezone.localdate(now - MONTH).year}):
        opened_at = timezone.make_aware(datetime(year, 1, 2, 9))  # noqa: DTZ001  made so here
        booked_at = min(opened_at, now)
        given = {"actor": leader, "fund_id": fund.pk, "year": year, "now": booked_at}
        budget_enter(amount_fen=fen_of(row["budget"]), note=f"{year} 年度预算批复", **given)
        budget_allocate(amount_fen=fen_of(row["allocated"]), note="首批拨付", **given)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
