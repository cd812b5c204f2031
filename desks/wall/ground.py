"""What the figures stand on: the districts with their names, the outlines of the cells.

A page loads it once, with the cells that have open cases, and asks for others as they get some: of
a city's tens of thousands few are ever lit. Coordinates are whole steps of 0.00001° (about a
metre); of a ring the first corner stands as it is, each further one as its distance from the one
before.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from django.contrib.gis.db.models.functions import AsWKB
from django.db.models import QuerySet

from desks.wall.scope import Scope
from grid.models import Area, GridCell

STEPS = 100_000  # of a degree
COARSE = 0.0004  # degrees: 40 m, a pixel and a half of the whole city


def ground(scope: Scope, on: date) -> dict[str, Any]:
    """Return districts of a day, and the cells of a scope that have open cases: two queries."""
    districts = Area.objects.valid_on(on).filter(city=scope.city, level=Area.Level.DISTRICT)
    if scope.district is not None:
        districts = districts.filter(pk=scope.district)
    lit = scope.open_cases().order_by().values("cell_id")
    return {
        "steps": STEPS,
        "districts": [district(area) for area in districts.order_by("code")],
        "cells": cell_rings(GridCell.objects.filter(pk__in=lit)),
    }


def more_cells(scope: Scope, ids: list[int]) -> dict[str, Any]:
    """Return the outlines of some cells more, where the scope has cases: one query."""
    cells = GridCell.objects.filter(pk__in=ids, city=scope.city)
    if scope.district is not None:
        held = scope.cases().filter(cell__in=ids)  # by where cases count, not where areas lie today
        cells = cells.filter(pk__in=held.order_by().values("cell_id"))
    return {"cells": cell_rings(cells)}


def district(area: Area) -> dict[str, Any]:
    """Return a district: its key, both names, where its name stands, its coarse outline."""
    shape = shapely.from_wkb(bytes(area.geometry.wkb))
    largest = max(shape.geoms, key=lambda part: part.area)
    place = shapely.maximum_inscribed_circle(largest.simplify(COARSE)).coords[0]
    return {
        "id": area.pk,
        "code": area.code,
        "name": [area.name, area.name_en or area.name],
        "place": [round(place[0], 5), round(place[1], 5)],
        "outline": [list(_steps(part.simplify(COARSE).exterior)) for part in shape.geoms],
    }


def cell_rings(cells: QuerySet[GridCell, Any]) -> dict[str, list[Any]]:
    """Return ids and outer rings of cells, all of them at once."""
    rows = list(
        cells.annotate(wkb=AsWKB("geometry")).values_list("pk", "wkb").order_by("pk").iterator()
    )
    if not rows:
        return {"ids": [], "rings": []}
    outlines = shapely.get_exterior_ring(shapely.from_wkb([bytes(wkb) for _pk, wkb in rows]))
    places, owners = shapely.get_coordinates(outlines, return_index=True)
    whole = np.rint(places * STEPS).astype(np.int64)
    starts = np.searchsorted(owners, np.arange(len(rows) + 1))
    rings = []
    for first, last in pairwise(starts):
        ring = whole[first : last - 1]  # closed by who draws it
        rings.append(np.concatenate((ring[:1], np.diff(ring, axis=0))).ravel().tolist())
    return {"ids": [pk for pk, _wkb in rows], "rings": rings}


def _steps(ring: Any) -> Iterator[int]:
    previous = (0, 0)
    for x, y in ring.coords[:-1]:
        here = (round(x * STEPS), round(y * STEPS))
        yield from (here[0] - previous[0], here[1] - previous[1])
        previous = here
