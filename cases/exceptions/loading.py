"""Loading a city's approval chains, caps and rules of repetition from fixtures/exceptions/.

A kind gets its rows once, when the city has none of it: what an administrator changed or ended
afterwards stays.
"""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

from django.conf import settings

from accounts.models import City
from cases.models import ApprovalChain, RepeatRule, RequestCap
from components.models import CaseType, TypeClass

EXCEPTIONS = settings.BASE_DIR / "fixtures" / "exceptions"


def load_exceptions(city: City, directory: Path = EXCEPTIONS) -> None:
    """Give a city the chains and caps of the kinds, and the rules, of which it has none yet."""
    chains, caps = (
        set(model.objects.filter(city=city).values_list("kind", flat=True))
        for model in (ApprovalChain, RequestCap)
    )
    ApprovalChain.objects.bulk_create(
        chain_of(city, row) for row in _rows(directory / "chains.csv") if row["kind"] not in chains
    )
    RequestCap.objects.bulk_create(
        _cap_of(city, row) for row in _rows(directory / "caps.csv") if row["kind"] not in caps
    )
    if not RepeatRule.objects.filter(city=city).exists():
        RepeatRule.objects.bulk_create(
            _repeat_rule(city, row) for row in _rows(directory / "repeat_rules.csv")
        )


def _cap_of(city: City, row: dict[str, str]) -> RequestCap:
    return RequestCap(
        city=city,
        kind=row["kind"],
        ratio=Decimal(row["ratio"]),
        amber_from=Decimal(row["amber_from"]),
        valid_from=date.fromisoformat(row["valid_from"]),
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def chain_of(city: City, row: dict[str, str]) -> ApprovalChain:
    """Return the chain a row of the file describes; its steps are written ``DSP/LDR>LDR``."""
    return ApprovalChain(
        city=city,
        kind=row["kind"],
        position=int(row["position"]),
        from_ordinal=int(row["from_ordinal"]),
        over_days=Decimal(row["over_days"]) if row["over_days"] else None,
        over_ratio=Decimal(row["over_ratio"]) if row["over_ratio"] else None,
        urgency=row["urgency"],
        profile=row["profile"],
        steps=[step.split("/") for step in row["steps"].split(">")],
        valid_from=date.fromisoformat(row["valid_from"]),
    )


def _repeat_rule(city: City, row: dict[str, str]) -> RepeatRule:
    return RepeatRule(
        city=city,
        name=row["name"],
        name_en=row["name_en"],
        subject=row["subject"],
        type=CaseType.objects.get(code=row["type"]) if row["type"] else None,
        type_class=TypeClass.objects.get(code=row["type_class"]) if row["type_class"] else None,
        case_count=int(row["case_count"]),
        within_days=int(row["within_days"]),
        valid_from=date.fromisoformat(row["valid_from"]),
    )
