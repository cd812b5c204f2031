"""Loading a city's working calendars, stage limits, reasons and policy from fixtures/calendars/.

Idempotent, by natural keys. What an administrator changed afterwards stays: only what is missing is
added.
"""

from __future__ import annotations

import csv
import json
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import City
from cases.exceptions.loading import load_exceptions
from cases.models import (
    CalendarDay,
    CalendarUse,
    Case,
    CasePolicy,
    DeadlineRule,
    DuplicateRule,
    Phrase,
    ReasonCode,
    StageLimit,
    WorkCalendar,
)
from cases.services.calendars import calendar_publish
from components.models import CaseType

CALENDARS = settings.BASE_DIR / "fixtures" / "calendars"


@transaction.atomic
def load_settings(city: City, now: datetime, directory: Path = CALENDARS) -> None:
    """Give a city its calendars (published), stage limits, reason codes and policy."""
    calendars = _load_calendars(city, directory)
    for calendar in calendars.values():
        calendar_publish(calendar, now)
    _load_stage_limits(calendars, _rows(directory / "stage_limits.csv"))
    _load_reasons(_rows(directory / "reasons.csv"))
    _load_deadline_rules(city, _rows(directory / "deadline_rules.csv"), now)
    _load_aids(city, directory)
    CasePolicy.objects.get_or_create(city=city, defaults=_json(directory / "policy.json"))
    load_exceptions(city)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _load_calendars(city: City, directory: Path) -> dict[str, WorkCalendar]:
    calendars = {}
    for entry in _json(directory / "calendars.json"):
        calendar, created = WorkCalendar.objects.get_or_create(
            code=entry["code"],
            defaults={
                "city": city,
                "name": entry["name"],
                "name_en": entry["name_en"],
                "week": [_pairs(entry["working_days"])] * 5 + [_pairs(entry["weekend"])] * 2,
                "nominal_day_minutes": entry["nominal_day_minutes"],
                "has_statutory_days": entry["has_statutory_days"],
                "is_default": entry["is_default"],
            },
        )
        if created:
            types = CaseType.objects.filter(code__in=entry["types"])
            CalendarUse.objects.bulk_create(
                CalendarUse(calendar=calendar, type=case_type) for case_type in types
            )
        calendars[calendar.code] = calendar
    for row in _rows(directory / "days.csv"):
        CalendarDay.objects.get_or_create(
            calendar=calendars[row["calendar"]],
            date=date.fromisoformat(row["date"]),
            defaults={
                "is_working": row["is_working"] == "1",
                "slots": _pairs(row["slots"].split()),
                "note": row["note"],
            },
        )
    return calendars


def _pairs(slots: list[str]) -> list[list[str]]:
    return [slot.split("-") for slot in slots]


def _load_stage_limits(calendars: dict[str, WorkCalendar], rows: list[dict[str, str]]) -> None:
    known = set(StageLimit.objects.values_list("clock", "urgency", "calendar__city_id"))
    StageLimit.objects.bulk_create(
        StageLimit(
            clock=row["clock"],
            urgency=row["urgency"],
            limit_value=Decimal(row["limit_value"]),
            limit_unit=row["limit_unit"],
            calendar=calendars[row["calendar"]],
            valid_from=date.fromisoformat(row["valid_from"]),
        )
        for row in rows
        if (row["clock"], row["urgency"], calendars[row["calendar"]].city_id) not in known
    )


def _load_reasons(rows: list[dict[str, str]]) -> None:
    ReasonCode.objects.bulk_create(
        (ReasonCode(**row) for row in rows),
        ignore_conflicts=True,
        unique_fields=["action", "code"],
    )


def _load_deadline_rules(city: City, rows: list[dict[str, str]], now: datetime) -> None:
    """A clock and urgency that has a rule already keeps its own.

    In a city that works already a rule holds from now on; its running clocks then follow it.
    """
    known = set(DeadlineRule.objects.filter(city=city).values_list("clock", "urgency"))
    works = Case.objects.filter(city=city).exists()
    rules = [
        DeadlineRule(
            city=city,
            clock=row["clock"],
            urgency=row["urgency"],
            action=row["action"],
            percent=_number(row["percent"]),
            late_minutes=_number(row["late_minutes"]),
            level=int(row["level"]),
            steps_up=_number(row["steps_up"]),
            roles=row["roles"].split(),
            since=now if works else _midnight(row["since"]),
            spread_at=None if works else _midnight(row["since"]),
        )
        for row in rows
        if (row["clock"], row["urgency"]) not in known
    ]
    DeadlineRule.objects.bulk_create(rules)


def _load_aids(city: City, directory: Path) -> None:
    """Give a city that has none of them its teams' phrases and its rules for duplicates."""
    if not Phrase.objects.filter(city=city, owner__isnull=True).exists():
        Phrase.objects.bulk_create(
            Phrase(city=city, **row) for row in _rows(directory / "phrases.csv")
        )
    if not DuplicateRule.objects.filter(city=city).exists():
        DuplicateRule.objects.bulk_create(
            DuplicateRule(city=city, **row) for row in _rows(directory / "duplicate_rules.csv")
        )


def _number(text: str) -> int | None:
    return int(text) if text else None


def _midnight(day: str) -> datetime:
    return timezone.make_aware(datetime.combine(date.fromisoformat(day), time()))
