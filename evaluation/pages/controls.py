"""What is chosen from above the ranking: object, level, part of the city, period."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from common.templatetags.ui import named
from evaluation.analysis.hotspots import DAYS
from evaluation.models import ObjectKind
from evaluation.pages.choice import WITHIN, Choice, district_of
from evaluation.periods import DAY, PERIOD_LABELS, PeriodKind
from evaluation.sight import AREAS, OVERSEERS, POSTS, Sight
from grid.models import Area

FRESH = {"within": None, "object": None, "indicator": None}


def controls(choice: Choice, sight: Sight, now: datetime) -> dict[str, Any]:
    """Return the choices a person has from here, each an address."""
    today = timezone.localdate(now)
    later = choice.period.next
    is_live = choice.period.kind is PeriodKind.LIVE
    return {
        "objects": _objects(choice, sight),
        "levels": _levels(choice, sight),
        "areas": _areas(choice),
        "periods": [
            (PERIOD_LABELS[kind], choice.query(period=kind.value), kind is choice.period.kind)
            for kind in (*list(PeriodKind)[1:], PeriodKind.LIVE)
        ],
        "earlier": "" if is_live else choice.query(day=choice.period.previous.first.isoformat()),
        "later": ""
        if is_live or later.first > today
        else choice.query(day=later.first.isoformat()),
    }


def analyses(choice: Choice, sight: Sight, roles: Collection[str], now: datetime) -> list[Any]:
    """Return where to look closer at what is chosen: names and addresses."""
    last = min(choice.period.end - DAY, timezone.localdate(now))
    days = min(max((last - choice.period.first).days + 1, DAYS[0]), DAYS[1])
    within: dict[str, str | int] = {"within": choice.within.code} if choice.within else {}
    found = [(_("Comparison"), reverse("evaluation:compare") + choice.query(indicator=None))]
    if ObjectKind.STREET in sight.kinds or ObjectKind.DEPARTMENT in sight.kinds:
        spots: dict[str, str | int] = {"day": last.isoformat(), "days": days, **within}
        found.append((_("Hot spots"), f"{reverse('evaluation:hot-spots')}?{urlencode(spots)}"))
    if OVERSEERS & set(roles):
        found.append((_("Fair limits"), f"{reverse('evaluation:limits')}?{urlencode(within)}"))
        report = f"{reverse('evaluation:report', args=['pdf'])}?day={choice.period.first}"
        found.append((_("Monthly report"), report))
    return found


def _objects(choice: Choice, sight: Sight) -> list[tuple[str, str, bool]]:
    groups = (
        (pgettext("evaluation", "Areas"), (ObjectKind.STREET, *AREAS)),
        (pgettext("evaluation", "Departments"), (ObjectKind.DEPARTMENT,)),
        (pgettext("evaluation", "Posts"), POSTS),
        (pgettext("evaluation", "Contractors"), (ObjectKind.CONTRACTOR,)),
    )
    return [
        (str(label), choice.query(**FRESH, kind=own[0].value), choice.kind in own)
        for label, kinds in groups
        if (own := [kind for kind in kinds if kind in sight.kinds])
    ]


def _levels(choice: Choice, sight: Sight) -> list[tuple[str, str, bool]]:
    """Return the kinds of the group that is open: levels of areas, posts."""
    for group in (AREAS, POSTS):
        if choice.kind in group:
            return [
                (
                    str(kind.label),
                    choice.query(
                        kind=kind.value,
                        object=None,
                        indicator=None,
                        within=_kept(choice, kind),
                    ),
                    kind is choice.kind,
                )
                for kind in group
                if kind in sight.kinds
            ]
    return []


def _kept(choice: Choice, kind: ObjectKind) -> str | None:
    within = choice.within
    return within.code if within and within.level in WITHIN.get(kind, ()) else None


def _areas(choice: Choice) -> list[tuple[str, str, bool]]:
    """Return the areas the ranking may be narrowed to: districts, and what is below the chosen."""
    if not choice.areas:
        return []
    own = district_of(choice.within)
    rows = [
        area for area in choice.areas if area.level == Area.Level.DISTRICT or area.parent_id == own
    ]
    if choice.within and choice.within not in rows:
        rows.append(choice.within)
    found = [("", _("Whole city"), choice.within is None)]
    if choice.kind is ObjectKind.CELL:
        found = []
    rows.sort(key=lambda area: area.code)
    return found + [
        (
            area.code,
            named(area) if area.level == Area.Level.DISTRICT else f"　{named(area)}",
            choice.within == area,
        )
        for area in rows
    ]
