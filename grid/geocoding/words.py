"""From a point to words: "文三路与教工路交叉口东南侧约 40 米".

The words name, in this order: a crossing at most 80 m away, the smallest compound, park or building
the point lies in, the road it lies on with the crossing nearest along it, another place at most
150 m away, whatever is nearest within a kilometre, the community.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.db import connection
from django.utils import translation
from django.utils.translation import gettext, pgettext_lazy

from common.prepared import Statement
from grid.geocoding.naming import CROSSING_EN, roads_of
from grid.selectors import check_point

CROSSING_REACH_M = 80  # a crossing this near says it better than any name
ON_ROAD_M = 30  # half of a broad street
BESIDE_NAMED_M = 150
REACH_M = 1_000
AT_M = 15  # nearer than this needs no direction
CROSSINGS_LOOKED_AT = 12  # for the one nearest along a road
# People stand under an elevated road and mean the street: it is named when nothing is as near.
ABOVE_GROUND = ("高架", "高速", "快速路", "隧道", "立交", "互通")
ABOVE_GROUND_LAG_M = 30

DIRECTIONS = (
    pgettext_lazy("direction", "north"),
    pgettext_lazy("direction", "north-east"),
    pgettext_lazy("direction", "east"),
    pgettext_lazy("direction", "south-east"),
    pgettext_lazy("direction", "south"),
    pgettext_lazy("direction", "south-west"),
    pgettext_lazy("direction", "west"),
    pgettext_lazy("direction", "north-west"),
)

_VALID = "valid_from <= here.day AND (valid_to IS NULL OR valid_to > here.day)"
_NEAREST = (
    "(SELECT '{kind}' AS said, name, name_en, shape FROM grid_place"
    " WHERE {where} AND {valid} ORDER BY shape <-> here.shape LIMIT {limit})"
)
# Walks the indexes place_near_road, place_near_crossing and place_near_named outwards; the cell
# comes from the GiST index on grid_gridcell.geometry.
_AROUND = Statement(
    "around",
    f"""
WITH here AS MATERIALIZED (
    SELECT point, ST_Transform(point, {settings.GEO_METRIC_SRID}) AS shape, day
    FROM (SELECT ST_SetSRID(ST_MakePoint(%s, %s), {settings.GEO_STORAGE_SRID}) AS point,
        %s::date AS day) AS given
)
SELECT near.said, near.name, near.name_en, near.shape <-> here.shape,
    degrees(ST_Azimuth(ST_ClosestPoint(near.shape, here.shape), here.shape))
FROM here, LATERAL (
    {
        _NEAREST.format(
            kind="crossing", where="kind = 'junction'", valid=_VALID, limit=CROSSINGS_LOOKED_AT
        )
    }
    UNION ALL
    {_NEAREST.format(kind="road", where="kind = 'road'", valid=_VALID, limit=4)}
    UNION ALL
    {_NEAREST.format(kind="named", where="kind NOT IN ('road', 'junction')", valid=_VALID, limit=2)}
    UNION ALL
    (SELECT 'inside', name, name_en, here.shape FROM grid_place
        WHERE kind NOT IN ('road', 'junction') AND ST_Dimension(shape) = 2
            AND ST_Covers(shape, here.shape) AND {_VALID}
        ORDER BY ST_Area(shape), id LIMIT 1)
    UNION ALL
    (SELECT 'community', community.name, community.name_en, here.shape
        FROM grid_gridcell AS cell JOIN grid_area AS community ON community.id = cell.community_id
        WHERE ST_Covers(cell.geometry, here.point)
            AND cell.valid_from <= here.day AND (cell.valid_to IS NULL OR cell.valid_to > here.day)
        ORDER BY cell.id LIMIT 1)
) AS near
""",  # noqa: S608  our own words and numbers of the settings
)


@dataclass(frozen=True, slots=True)
class Near:
    """A place near a point; ``azimuth`` in degrees from it to the point, clockwise from north."""

    said: str
    name: str
    name_en: str
    distance_m: float
    azimuth: float | None

    @property
    def lag_m(self) -> int:
        """How much nearer than others it has to be to be named."""
        return ABOVE_GROUND_LAG_M if any(word in self.name for word in ABOVE_GROUND) else 0


@dataclass(frozen=True, slots=True)
class PlaceWords:
    """A point in words, in the installation's language and in English, and what they name.

    ``distance_m`` and ``direction`` (an index of ``DIRECTIONS``) are as said; None where the words
    say "at", "in" or "along".
    """

    text: str
    text_en: str
    name: str
    distance_m: int | None = None
    direction: int | None = None


def place_in_words(lon: float, lat: float, *, on: date) -> PlaceWords | None:
    """Say where a WGS-84 point (degrees) lies, None outside the city; one query.

    An address is data of the city: ``text`` is worded in the installation's language, not the
    reader's. Raise DomainError ``invalid`` 400 for what is no point.
    """
    check_point(lon, lat)
    with connection.cursor() as cursor:
        _AROUND.execute(cursor, [lon, lat, on])
        around = [Near(*row) for row in cursor.fetchall()]
    community = _nearest(around, "community")
    if community is None:
        return None
    crossings = [near for near in around if near.said == "crossing"]
    if crossing := _nearest(crossings, "crossing", CROSSING_REACH_M):
        return _beside(crossing)
    if inside := _nearest(around, "inside"):
        return _said(lambda name: gettext("In %(place)s") % {"place": name(inside)}, inside)
    if road := _nearest(around, "road", ON_ROAD_M):
        return _along(road, crossings)
    beside = _nearest(around, "named", BESIDE_NAMED_M)
    beside = beside or _least(
        [
            near
            for near in around
            if near.distance_m <= REACH_M and near.said not in ("inside", "community")
        ]
    )
    if beside:
        return _beside(beside)
    return _said(lambda name: name(community), community)


def _nearest(around: Iterable[Near], said: str, reach_m: float = math.inf) -> Near | None:
    return _least([near for near in around if near.said == said and near.distance_m <= reach_m])


def _least(found: list[Near]) -> Near | None:
    return min(found, key=lambda near: near.distance_m + near.lag_m, default=None)


def _beside(near: Near) -> PlaceWords:
    if near.distance_m < AT_M or near.azimuth is None:
        return _said(lambda name: gettext("At %(place)s") % {"place": name(near)}, near)
    direction = round(near.azimuth / 360 * len(DIRECTIONS)) % len(DIRECTIONS)
    distance_m = rounded_m(near.distance_m)

    def sentence(name: Callable[[Near], str]) -> str:
        return gettext("About %(distance)d m %(direction)s of %(place)s") % {
            "place": name(near),
            "direction": DIRECTIONS[direction],
            "distance": distance_m,
        }

    return _said(sentence, near, distance_m, direction)


def _along(road: Near, crossings: Iterable[Near]) -> PlaceWords:
    """Name the road, and the one that crosses it nearest."""
    cross = next((other for each in crossings if (other := _other_road(each, road))), None)
    if cross is None:
        return _said(lambda name: name(road), road)

    def sentence(name: Callable[[Near], str]) -> str:
        return gettext("%(road)s near %(other)s") % {"road": name(road), "other": name(cross)}

    return _said(sentence, road)


def _other_road(crossing: Near, road: Near) -> Near | None:
    """Return the road that crosses ``road`` here, None when it is not one of the two."""
    roads = roads_of(crossing.name)
    if roads is None or road.name not in roads:
        return None
    at = 1 - roads.index(road.name)
    in_english = crossing.name_en.removeprefix(CROSSING_EN).split(" and ")
    name_en = in_english[at] if len(in_english) == len(roads) else roads[at]
    return Near("road", roads[at], name_en, crossing.distance_m, crossing.azimuth)


def _said(
    sentence: Callable[[Callable[[Near], str]], str],
    near: Near,
    distance_m: int | None = None,
    direction: int | None = None,
) -> PlaceWords:
    """Word a sentence in both languages; it is given how places are named in each."""
    with translation.override(settings.LANGUAGE_CODE):
        text = sentence(lambda each: each.name)
    with translation.override("en"):
        text_en = sentence(_in_english)
    return PlaceWords(text, text_en, near.name, distance_m, direction)


def _in_english(near: Near) -> str:
    name = near.name_en or near.name
    return f"the c{name[1:]}" if name.startswith(CROSSING_EN) else name


def rounded_m(distance_m: float) -> int:
    """Return metres as people say them: to 10 m, from 200 m on to 50 m."""
    return round(distance_m / 50) * 50 if distance_m >= 200 else round(distance_m / 10) * 10
