"""The draft: the rows a city edits as data, and a version taken back into rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import time
from typing import Any

from django.db import transaction

from accounts.models import City, Organisation
from components.models import CaseType, TypeClass
from dispatch.models import AutomaticType, RoutingRule, RuleCooperation
from dispatch.routing.rules import Cooperation, Rule, RuleBook, rule_from_data, rule_to_data
from grid.models import Area, ManagementArea

STEP = 10  # between the places of two rules, so that one fits between them
PLAIN = (
    "code",
    "name",
    "name_en",
    "kind",
    "bodies",
    "day_kind",
    "valid_from",
    "valid_to",
    "contract",
    "lead_by",
    "lead_level",
    "lead_trade",
    "is_automatic",
)


def draft_rows(city: City) -> list[RoutingRule]:
    """Return the draft's rules in order, with all they refer to: six queries."""
    rows = RoutingRule.objects.filter(city=city).select_related("lead_organisation")
    return list(
        rows.prefetch_related(
            "types", "type_classes", "areas", "management_areas", "cooperation__organisation"
        )
    )


def rule_of(row: RoutingRule) -> Rule:
    """Return a row of the draft as a rule."""
    return Rule(
        **{name: getattr(row, name) for name in PLAIN},
        types=frozenset(found.code for found in row.types.all()),
        classes=frozenset(found.pk for found in row.type_classes.all()),
        zone_grades=frozenset(row.zone_grades),
        areas=frozenset(found.pk for found in row.areas.all()),
        management_areas=frozenset(found.pk for found in row.management_areas.all()),
        sources=frozenset(row.sources),
        from_minute=_minute(row.from_time),
        to_minute=_minute(row.to_time),
        lead_organisation=row.lead_organisation_id,
        cooperating=tuple(
            Cooperation(part.organisation_id, part.is_mandatory, part.task)
            for part in row.cooperation.all()
        ),
    )


def draft_data(city: City) -> dict[str, Any]:
    """Return the draft as it would be published; rules switched off are left out."""
    rows = [row for row in draft_rows(city) if row.is_enabled]
    types = [row.type for row in AutomaticType.objects.filter(city=city).select_related("type")]
    return {
        "rules": [rule_to_data(rule_of(row)) for row in rows],
        "automatic_types": sorted(found.code for found in types),
        "labels": labels_of(rows, types),
    }


def draft_book(city: City) -> RuleBook:
    """Return the draft as a book of rules."""
    return RuleBook.from_data(draft_data(city), 0)


def labels_of(rows: Iterable[RoutingRule], types: Iterable[CaseType]) -> dict[str, Any]:
    """Return the names of what rules refer to, by kind and key."""
    labels: dict[str, dict[str, list[str]]] = {
        kind: {} for kind in ("types", "classes", "areas", "management_areas", "organisations")
    }
    labels["types"] |= {found.code: _type_names(found) for found in types}
    for row in rows:
        labels["types"] |= {found.code: _type_names(found) for found in row.types.all()}
        labels["classes"] |= {str(found.pk): _names(found) for found in row.type_classes.all()}
        labels["areas"] |= {str(found.pk): _names(found) for found in row.areas.all()}
        labels["management_areas"] |= {
            str(found.pk): _names(found) for found in row.management_areas.all()
        }
        bodies = [part.organisation for part in row.cooperation.all()]
        if row.lead_organisation is not None:
            bodies.append(row.lead_organisation)
        labels["organisations"] |= {str(found.pk): _names(found) for found in bodies}
    return labels


def digest_of(data: dict[str, Any]) -> str:
    """Return the digest of what rules say, names aside."""
    said = {"rules": data["rules"], "automatic_types": data["automatic_types"]}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


@transaction.atomic
def draft_replace(*, city: City, data: dict[str, Any]) -> None:
    """Write rules as they are stored into the rows of the draft, in their order.

    What a rule refers to and no longer exists (nothing is deleted here, types and areas end) is
    left out of it.
    """
    RoutingRule.objects.filter(city=city).delete()
    AutomaticType.objects.filter(city=city).delete()
    for place, stored in enumerate(data["rules"], 1):
        _write(city, place * STEP, rule_from_data(stored))
    types = CaseType.objects.filter(code__in=data["automatic_types"])
    AutomaticType.objects.bulk_create(AutomaticType(city=city, type=found) for found in types)


def _write(city: City, position: int, rule: Rule) -> None:
    row = RoutingRule.objects.create(
        city=city,
        position=position,
        **{name: getattr(rule, name) for name in PLAIN},
        zone_grades=sorted(rule.zone_grades),
        sources=sorted(rule.sources),
        from_time=_time(rule.from_minute),
        to_time=_time(rule.to_minute),
        lead_organisation_id=rule.lead_organisation,
    )
    row.types.set(CaseType.objects.filter(code__in=rule.types))
    row.type_classes.set(TypeClass.objects.filter(pk__in=rule.classes))
    row.areas.set(Area.objects.filter(pk__in=rule.areas))
    row.management_areas.set(ManagementArea.objects.filter(pk__in=rule.management_areas))
    RuleCooperation.objects.bulk_create(
        RuleCooperation(
            rule=row,
            organisation_id=part.organisation,
            is_mandatory=part.is_mandatory,
            task=part.task,
        )
        for part in rule.cooperating
    )


def _minute(moment: time | None) -> int | None:
    return None if moment is None else moment.hour * 60 + moment.minute


def _time(minute: int | None) -> time | None:
    return None if minute is None else time(minute // 60, minute % 60)


def _names(found: TypeClass | Area | ManagementArea | Organisation) -> list[str]:
    return [found.name, found.name_en]


def _type_names(found: CaseType) -> list[str]:
    return [f"{found.code} {found.name}", f"{found.code} {found.name_en}"]
