"""Moving places of another city onto this city's streets, so that neighbours stay neighbours.

Both cities are ordered along a Hilbert curve: all places of the file on one side, spots beside the
streets around every block on the other. A place goes to the spot of the same rank. What lay close
together lies close together again, one address stays one address, and no request falls into the
lake.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from django.db import connection

from grid.models import GridCell

Place = tuple[float, float]

ORDER = 16  # 65,536 steps a side: half a metre in a city
SPOTS = 4  # a block, one for each side of most

# Spots beside the streets around every built-up cell of today's grid, a tenth of the way from its
# edge to its middle. One pass over grid_gridcell.
_SPOTS = """
SELECT ST_X(spot), ST_Y(spot)
FROM grid_gridcell AS cell
CROSS JOIN generate_series(0, %(spots)s - 1) AS number
CROSS JOIN LATERAL (
    SELECT ST_LineInterpolatePoint(
        ST_MakeLine(
            ST_LineInterpolatePoint(
                ST_ExteriorRing(geometry), (number + 0.5) / %(spots)s
            ),
            ST_PointOnSurface(geometry)
        ), 0.1) AS spot
) AS beside
WHERE city_id = %(city)s AND valid_to IS NULL AND kind = %(kind)s AND ST_Covers(geometry, spot)
"""


def hilbert(x: float, y: float) -> int:
    """Return the place of a point of the unit square on the Hilbert curve."""
    side = 1 << ORDER
    column, row = (min(int(part * side), side - 1) for part in (x, y))
    index, half = 0, side >> 1
    while half:
        right, upper = int(bool(column & half)), int(bool(row & half))
        index += half * half * ((3 * right) ^ upper)
        if not upper:
            if right:
                column, row = side - 1 - column, side - 1 - row
            column, row = row, column
        half >>= 1
    return index


class Curve:
    """Places in the order of a Hilbert curve through the box around them."""

    def __init__(self, places: Iterable[Place]) -> None:
        distinct = sorted(set(places))
        if not distinct:
            raise ValueError("no places to put in order")
        lons, lats = [place[0] for place in distinct], [place[1] for place in distinct]
        self._west, self._south = min(lons), min(lats)
        self._span = max(max(lons) - self._west, max(lats) - self._south) or 1.0
        ordered = sorted((self.rank_key(place), place) for place in distinct)
        self._keys = [key for key, _place in ordered]
        self.places = [place for _key, place in ordered]

    def rank_key(self, place: Place) -> int:
        """Return how far along the curve a place lies."""
        return hilbert((place[0] - self._west) / self._span, (place[1] - self._south) / self._span)

    def rank(self, place: Place) -> float:
        """Return the share of places that come before this one, in [0, 1)."""
        return bisect_left(self._keys, self.rank_key(place)) / len(self._keys)


class Mover:
    """Sends every place of one city to a street of another."""

    def __init__(self, origin: Curve, target: Curve) -> None:
        self._origin, self._target = origin, target

    def move(self, place: Place) -> Place:
        """Return the point of the same rank in the target city."""
        places = self._target.places
        return places[int(self._origin.rank(place) * len(places))]


def street_spots(city_id: int) -> list[Place]:
    """Return spots beside the streets of the city's built-up blocks, in degrees."""
    with connection.cursor() as cursor:
        cursor.execute(_SPOTS, {"city": city_id, "kind": GridCell.Kind.BUILT.value, "spots": SPOTS})
        return cursor.fetchall()
