"""What an atlas draws and lists: a community's outline, cells, surroundings and components.

Geometry comes as shapely shapes in metres (``GEO_METRIC_SRID``), moved so that the community's
south-western corner is 0/0: small numbers stay exact in single-precision drawing programs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import shapely
from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from common.errors import DomainError
from components.atlas.sheets import Box
from grid.models import Area

METRIC, STORAGE, TILE = (
    settings.GEO_METRIC_SRID,
    settings.GEO_STORAGE_SRID,
    settings.GEO_TILE_SRID,
)
SURROUNDINGS_M = 60


@dataclass(frozen=True, slots=True)
class Ground:
    """A community with its outline; ``east_m``/``north_m`` is where its 0/0 lies."""

    community: Area
    outline: shapely.Geometry
    east_m: float
    north_m: float
    area_m2: float

    @property
    def bounds(self) -> Box:
        """The rectangle around the community."""
        return Box(*self.outline.bounds)


@dataclass(frozen=True, slots=True)
class Cell:
    """A unit grid cell that holds on the atlas's day."""

    code: str
    kind: str
    area_m2: float
    shape: shapely.Geometry


@dataclass(frozen=True, slots=True)
class BaseShape:
    """One thing of the base map."""

    layer: str
    kind: str
    name: str
    shape: shapely.Geometry


@dataclass(frozen=True, slots=True)
class Item:
    """A component as an atlas shows it; bodies and types are ids, looked up once."""

    id: int
    code: str
    type_id: int
    name: str
    address: str
    cell_code: str
    state: str
    competent_id: int
    owner_id: int | None
    maintainer_id: int | None
    shape: shapely.Geometry
    x: float
    y: float


_GROUND = """
WITH metric AS (
    SELECT ST_Transform(geometry, %(metric)s) AS shape FROM grid_area WHERE id = %(area)s
), corner AS (
    SELECT shape, floor(ST_XMin(shape)) AS east, floor(ST_YMin(shape)) AS north FROM metric
)
SELECT ST_AsBinary(ST_Translate(shape, -east, -north)), east, north, ST_Area(shape) FROM corner
"""

# Uses the index on grid_gridcell.community_id.
_CELLS = """
SELECT code, kind, area_m2,
    ST_AsBinary(ST_Translate(ST_Transform(geometry, %(metric)s), -%(east)s, -%(north)s))
FROM grid_gridcell
WHERE community_id = %(area)s
    AND valid_from <= %(on)s AND (valid_to IS NULL OR valid_to > %(on)s)
ORDER BY code
"""

# Uses the GiST index on grid_basefeature.geometry; what reaches far beyond is cut on the way.
_BASE = """
WITH frame AS (
    SELECT ST_Envelope(ST_Transform(ST_Translate(ST_MakeEnvelope(
        %(west)s, %(south)s, %(box_east)s, %(box_north)s, %(metric)s
    ), %(east)s, %(north)s), %(tile)s)) AS box
)
SELECT layer, kind, name, ST_AsBinary(ST_Translate(ST_Transform(
    ST_ClipByBox2D(geometry, frame.box), %(metric)s), -%(east)s, -%(north)s))
FROM grid_basefeature, frame
WHERE geometry && frame.box AND layer <> 'metro'
ORDER BY grid_basefeature.id
"""

# Uses the index on components_component.community_id.
_ITEMS = """
SELECT component.id, component.code, type_id, component.name, address, cell.code, state,
    competent_body_id, owner_id, maintainer_id,
    ST_AsBinary(ST_Translate(
        ST_Transform(component.geometry, %(metric)s), -%(east)s, -%(north)s)),
    ST_X(ST_Transform(point, %(metric)s)) - %(east)s,
    ST_Y(ST_Transform(point, %(metric)s)) - %(north)s
FROM components_component AS component
JOIN components_casetype AS type ON type.id = component.type_id
JOIN grid_gridcell AS cell ON cell.id = component.cell_id
WHERE component.community_id = %(area)s AND retired_date IS NULL
ORDER BY type.code, cell.code, component.code
"""


def ground_of(community: Area) -> Ground:
    """Return a community's outline; raise DomainError ``not_possible`` for one without."""
    with connection.cursor() as cursor:
        cursor.execute(_GROUND, {"metric": METRIC, "area": community.pk})
        row = cursor.fetchone()
    outline = shapely.from_wkb(bytes(row[0]))
    if outline.is_empty:
        raise DomainError("not_possible", _("This community has no outline."), status=409)
    return Ground(community, outline, row[1], row[2], row[3])


def cells_of(ground: Ground, on: date) -> list[Cell]:
    """Return the cells of a community that hold on a day, by code."""
    with connection.cursor() as cursor:
        cursor.execute(_CELLS, {**_place(ground), "on": on})
        return [Cell(*_with_shape(row, 3)) for row in cursor.fetchall()]


def base_of(ground: Ground, box: Box) -> list[BaseShape]:
    """Return what the base map shows inside a box, cut to it."""
    frame = {
        "west": box.west,
        "south": box.south,
        "box_east": box.east,
        "box_north": box.north,
        "tile": TILE,
    }
    with connection.cursor() as cursor:
        cursor.execute(_BASE, {**_place(ground), **frame})
        shapes = [BaseShape(*_with_shape(row, 3)) for row in cursor.fetchall()]
    return [each for each in shapes if not each.shape.is_empty]


def items_of(ground: Ground) -> list[Item]:
    """Return the components in use of a community by type, cell and code."""
    with connection.cursor() as cursor:
        cursor.execute(_ITEMS, _place(ground))
        return [Item(*_with_shape(row, 10)) for row in cursor.fetchall()]


def _with_shape(row: tuple[Any, ...], column: int) -> tuple[Any, ...]:
    """Return a row with the shape in a column read."""
    return (*row[:column], shapely.from_wkb(bytes(row[column])), *row[column + 1 :])


def _place(ground: Ground) -> dict[str, float]:
    return {
        "area": ground.community.pk,
        "metric": METRIC,
        "east": ground.east_m,
        "north": ground.north_m,
    }
