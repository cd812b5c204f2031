"""Reading the catalogue and the register."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib.gis.db.models import PointField
from django.db.models import F, FloatField, Func, Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from common.errors import DomainError
from common.prepared import Among, Prepared, Slot
from common.rows import one_or_none
from components.models import CaseStandard, CaseType, Component
from grid.models import SRID
from grid.publish import Stake

TILE_SRID = settings.GEO_TILE_SRID
NEAR_M = 5_000  # nobody standing in front of a component looks for one farther away
MAX_FOUND = 20
MOST_NEAREST = 50
CODE_DIGITS = 16


class NotThere(DomainError):
    """There is no such type or component."""

    def __init__(self, message: str) -> None:
        super().__init__("not_found", message, status=404)


def type_get(code: str, on: date) -> CaseType:
    """Return the type with this code of the city's scheme on a day; raise NotThere."""
    found = CaseType.objects.valid_on(on).filter(code=code.upper()).first()
    if found is None:
        raise NotThere(_("There is no such type."))
    return found


def catalogue(on: date, *, kind: str = "", text: str = "") -> QuerySet[CaseType]:
    """Return the types of a day with class, aliases and standards: 3 queries however many rows."""
    standards = CaseStandard.objects.valid_on(on).order_by("profile", "zone_grade", "id")
    types = CaseType.objects.valid_on(on).in_order()
    if kind:
        types = types.filter(kind=kind)
    if text:
        types = types.filter(matching(text))
    return types.select_related("type_class").prefetch_related(
        "aliases", Prefetch("standards", queryset=standards)
    )


def matching(text: str) -> Q:
    """Return the condition that a type is called ``text``: name, pinyin, initials, code, alias."""
    condition = Q(code__icontains=text) | Q(name__contains=text) | Q(name_en__icontains=text)
    condition |= Q(pk__in=CaseType.objects.filter(aliases__name__contains=text).values("pk"))
    letters = text.lower().replace(" ", "").replace("'", "")
    if letters.isascii() and letters:
        sounds = Q(pinyin__contains=letters) | Q(initials__contains=letters)
        by_alias = Q(aliases__pinyin__contains=letters) | Q(aliases__initials__contains=letters)
        condition |= sounds
        condition |= Q(pk__in=CaseType.objects.filter(by_alias).values("pk"))
    return condition


def types_search(
    text: str, on: date, *, kind: str = "", limit: int | None = None
) -> list[CaseType]:
    """Return the types that ``text`` may mean, the likeliest first."""
    text = text.strip()
    if not text:
        return []
    found = CaseType.objects.valid_on(on).filter(matching(text))
    if kind:
        found = found.filter(kind=kind)
    rows = found.select_related("type_class").prefetch_related("aliases")
    return sorted(rows, key=lambda row: (_likeness(row, text.lower()), row.code))[:limit]


def _likeness(row: CaseType, text: str) -> int:
    """Rank a match: the whole name, then a beginning, then a part; smaller is likelier."""
    names = [row.code.lower(), row.name, row.pinyin, row.initials]
    for alias in row.aliases.all():
        names += [alias.name, alias.pinyin, alias.initials]
    if text in names:
        return 0
    return 1 if any(name.startswith(text) for name in names) else 2


# ── the register ──────────────────────────────────────────────────────────────────────────────

PUBLIC_RELATIONS = (
    "type__type_class",
    "cell",
    "community",
    "competent_body",
    "owner",
    "maintainer",
)


def _described(components: QuerySet[Component]) -> QuerySet[Component]:
    """Load what is said of a component with it, without the outlines of the areas it lies in."""
    outlines = ("cell__geometry", "community__geometry")
    return components.select_related(*PUBLIC_RELATIONS).defer(*outlines)


def component_get(code: str) -> Component:
    """Return the component with this identification code; raise NotThere."""
    is_code = len(code) == CODE_DIGITS and code.isascii() and code.isdigit()
    found = _described(Component.objects.filter(code=code)).first() if is_code else None
    if found is None:
        raise NotThere(_("There is no such component."))
    return found


RECORD_RELATIONS = (*PUBLIC_RELATIONS, "community__parent__parent", "successor")
RECORD_OUTLINES = (
    "cell__geometry",
    "community__geometry",
    "community__parent__geometry",
    "community__parent__parent__geometry",
    "successor__geometry",
    "successor__point",
    "successor__tile_point",
)


def component_get_visible(*, user: User, code: str) -> Component:
    """Return a component the person may see, with what its record says; raise NotThere."""
    is_code = len(code) == CODE_DIGITS and code.isascii() and code.isdigit()
    rows = Component.objects.visible_to(user).filter(code=code) if is_code else None
    found = None
    if rows is not None:
        found = one_or_none(rows.select_related(*RECORD_RELATIONS).defer(*RECORD_OUTLINES))
    if found is None:
        raise NotThere(_("There is no such component."))
    return found


_ON_EARTH, _ON_TILES = PointField(srid=SRID), PointField(srid=TILE_SRID)
_METRES = FloatField()


class NearnessTo(Func):
    """How far the point on the tiles is from a place, as ``component_near`` and ``component_tile``
    order it. Within a city the order is that on the ground; the number is not metres.
    """

    template = "%(expressions)s"
    arg_joiner = " <-> "
    output_field = FloatField()

    def __init__(self, place: Func[Any]) -> None:
        on_tiles = Func(place, TILE_SRID, function="ST_Transform", output_field=_ON_TILES)
        super().__init__(F("tile_point"), on_tiles)


def _place() -> Func[Any]:
    lon, lat = Slot("lon", FloatField()), Slot("lat", FloatField())
    return Func(lon, lat, SRID, function="ST_Point", output_field=_ON_EARTH)


@lru_cache(maxsize=2 * MOST_NEAREST)
def _nearest(limit: int, *, is_of_type: bool) -> Prepared[Any]:
    """Return the query for the ids of the nearest: slots lon, lat and, of a type, type.

    Walks an index outwards, that of the type (``component_near``) or of all (``component_tile``),
    so the cost does not grow with the register.
    """
    found = Component.objects.filter(retired_date__isnull=True)
    if is_of_type:
        called = CaseType.objects.filter(code=Slot("type")).order_by()
        found = found.filter(type=called.values("pk")[:1])
    return Prepared(found.order_by(NearnessTo(_place())).values_list("pk", flat=True)[:limit])


# Beside the search, not around it: joined to eight tables the planner would sort the register.
_NEAR = Prepared(
    _described(Component.objects.filter(Among("pk", "ids")))
    .annotate(away_m=Func(F("point"), _place(), function="ST_DistanceSphere", output_field=_METRES))
    .filter(away_m__lte=NEAR_M)
    .order_by("away_m")
)


def components_nearest(
    lon: float, lat: float, type_code: str | None = None, limit: int = 5
) -> list[Component]:
    """Return the components in use nearest to a place, at most 5 km away, each with ``away_m``.

    ``limit`` is at most 50.
    """
    nearest = _nearest(min(limit, MOST_NEAREST), is_of_type=bool(type_code))
    place = {"lon": lon, "lat": lat}
    of_type = {"type": type_code.upper()} if type_code else {}
    found = nearest(**place, **of_type)
    return _NEAR(**place, ids=found)


def components_in_cells(*, cells: Sequence[int], **_rest: Any) -> list[Stake]:
    """Count the components that stand in cells (ids); they follow wherever these go."""
    rows = Component.objects.filter(cell__in=cells)
    codes = tuple(rows.values_list("code", flat=True)[:5])
    return [Stake(_("Components in these cells"), rows.count(), codes)]
