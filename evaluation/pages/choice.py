"""What is looked at: object, period, part of the city, figure. It stands in the address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.http import Http404, QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.http import urlencode

from common import clock
from common.text import whole_number
from evaluation.indicators import INDICATORS
from evaluation.models import ObjectKind
from evaluation.periods import Period, PeriodKind
from evaluation.selectors.scope import EVERYWHERE, Scope
from evaluation.selectors.standings import DIMENSION_OF
from evaluation.sight import POSTS, Sight
from grid.models import Area

WITHIN = {  # which areas a kind may be narrowed to
    ObjectKind.STREET: (Area.Level.DISTRICT,),
    ObjectKind.COMMUNITY: (Area.Level.DISTRICT, Area.Level.STREET),
    ObjectKind.CELL: (Area.Level.DISTRICT, Area.Level.STREET, Area.Level.COMMUNITY),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One look at evaluation; ``object`` None: all of them together."""

    kind: ObjectKind
    period: Period
    within: Area | None = None
    object: int | None = None
    indicator: str = ""
    areas: tuple[Area, ...] = ()  # what the ranking may be narrowed to

    @property
    def dimension(self) -> str:
        """What objects of the kind are called among the dimensions of figures."""
        return DIMENSION_OF[self.kind]

    def scope(self, sight: Sight) -> Scope:
        """Return the part of the city that is ranked."""
        scope = EVERYWHERE
        if self.within is not None:
            scope = scope.narrowed(self.within.level, self.within.pk)
        if self.kind in POSTS and sight.people_of is not None:
            scope = Scope({**scope.keys, "organisation": sorted(sight.people_of)})
        return scope

    def object_scope(self, sight: Sight) -> Scope:
        """Return the object's own part of it."""
        scope = self.scope(sight)
        return scope if self.object is None else scope.narrowed(self.dimension, self.object)

    def query(self, **changes: Any) -> str:
        """Return the address's query with some of it changed; None leaves a part out."""
        parts: dict[str, Any] = {
            "kind": self.kind.value,
            "period": self.period.kind.value,
            "day": self.period.first.isoformat(),
            "within": self.within.code if self.within else None,
            "object": self.object,
            "indicator": self.indicator or None,
        }
        parts |= changes
        return "?" + urlencode({k: v for k, v in parts.items() if v not in (None, "")})


def choice_read(data: QueryDict, sight: Sight) -> Choice:
    """Return what an address asks for; nonsense gives what is usual, what is hidden 404."""
    today = timezone.localdate(clock.now())
    kind = _kind(data.get("kind", ""), sight)
    period = _period(data, today)
    within, areas = within_read(data.get("within", ""), kind, period)
    indicator = data.get("indicator", "")
    return Choice(
        kind,
        period,
        within,
        whole_number(data.get("object", "")),
        indicator if indicator in INDICATORS else "",
        areas,
    )


def _kind(asked: str, sight: Sight) -> ObjectKind:
    usual = ObjectKind.STREET if ObjectKind.STREET in sight.kinds else sight.kinds[0]
    kind = ObjectKind(asked) if asked in ObjectKind.values else usual
    if kind not in sight.kinds:
        raise Http404
    return kind


def _period(data: QueryDict, today: date) -> Period:
    asked = data.get("period", "")
    kind = PeriodKind(asked) if asked in list(PeriodKind) else PeriodKind.MONTH
    if kind is PeriodKind.LIVE:
        return Period.of(kind, today)
    return Period.of(kind, min(_day(data.get("day", ""), today), today))


def _day(text: str, today: date) -> date:
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    earliest = date(2000, 1, 1)
    return today if day is None else max(day, earliest)


def within_read(
    code: str, kind: ObjectKind, period: Period
) -> tuple[Area | None, tuple[Area, ...]]:
    """Return the area, and those that can be chosen; cells are always looked at within one."""
    levels = WITHIN.get(kind, ())
    if not levels:
        return None, ()
    last = period.end - timedelta(days=1)
    rows = Area.objects.valid_on(last).select_related("parent__parent")
    rows = rows.defer("geometry", "parent__geometry", "parent__parent__geometry")
    offered = [level for level in levels if level != Area.Level.COMMUNITY]
    areas = tuple(rows.filter(level__in=offered).order_by("code"))
    found = next((area for area in areas if area.code == code), None)
    if found is None and code.isascii() and code.isalnum() and Area.Level.COMMUNITY in levels:
        found = rows.filter(level=Area.Level.COMMUNITY, code=code[:20]).first()
    if found is None and kind is ObjectKind.CELL:
        found = next((area for area in areas if area.level == Area.Level.STREET), None)
    return found, areas


def district_of(within: Area | None) -> int | None:
    """Return the district an area lies in."""
    while within is not None and within.parent_id and within.level != Area.Level.DISTRICT:
        within = within.parent
    return within.pk if within else None
