"""Sets of cells, as beats and zones are made of: choosing them, and what is to be said of a choice.

A refusal is for what cannot be (cells that do not hold, of another city, unknown); what is unusual
(beats that overlap, parts that lie apart, cells that nobody walks) is said and saved.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.contrib.gis.db.models import Union
from django.contrib.gis.geos import MultiPolygon, Polygon
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import City
from common.errors import DomainError
from grid.models import Beat, GridCell
from grid.selectors import check_point, locate

MAX_CELLS = 5_000  # more is a district: draw its outline
MAX_BEATS = 200
SHOWN = 12


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a set of cells."""

    count: int
    area_m2: float
    warnings: list[str] = field(default_factory=list)


def cells_by_code(city: City, text: str, on: date) -> list[GridCell]:
    """Return the cells whose codes stand in a text, in any order and separation.

    Raise DomainError ``invalid`` that names codes which are no cells of this city on the day.
    """
    codes = list(dict.fromkeys(text.replace(",", " ").replace("，", " ").split()))
    if len(codes) > MAX_CELLS:
        raise _invalid(_("More than %(count)d cells: draw an outline.") % {"count": MAX_CELLS})
    rows = GridCell.objects.filter(code__in=codes).order_by("valid_from")
    known = {cell.code: cell for cell in rows}  # of several versions the last
    problems = [
        _named(_("There are no such cells: %(codes)s."), [c for c in codes if c not in known]),
        _named(
            _("These cells lie in another city: %(codes)s."),
            [cell.code for cell in known.values() if cell.city_id != city.pk],
        ),
        _named(
            _("These cells are closed: %(codes)s."),
            [cell.code for cell in known.values() if not _holds(cell, on)],
        ),
    ]
    if found := [problem for problem in problems if problem]:
        raise _invalid(*found)
    return [known[code] for code in codes]


def cells_in_shape(city: City, ring: Sequence[Sequence[float]], on: date) -> list[GridCell]:
    """Return the cells whose middle lies in a ring of longitudes and latitudes (degrees)."""
    try:
        corners = [(float(lon), float(lat)) for lon, lat in ring]
        for corner in corners:
            check_point(*corner)
        shape = Polygon([*corners, corners[0]], srid=4326)
    except (TypeError, ValueError, IndexError) as error:
        raise _invalid(_("This is no outline.")) from error
    with connection.cursor() as cursor:
        cursor.execute(
            _IN_SHAPE, {"city": city.pk, "shape": shape.ewkt, "on": on, "most": MAX_CELLS}
        )
        ids = [pk for (pk,) in cursor.fetchall()]
    return list(GridCell.objects.filter(pk__in=ids).order_by("code"))


# A lasso may cross itself: made valid first. Uses the GiST index on grid_gridcell.geometry.
_IN_SHAPE = """
WITH drawn AS (SELECT ST_MakeValid(ST_GeomFromEWKT(%(shape)s)) AS shape)
SELECT cell.id FROM grid_gridcell AS cell, drawn
WHERE cell.city_id = %(city)s AND cell.geometry && drawn.shape
    AND ST_Covers(drawn.shape, ST_PointOnSurface(cell.geometry))
    AND cell.valid_from <= %(on)s AND (cell.valid_to IS NULL OR cell.valid_to > %(on)s)
LIMIT %(most)s
"""


def cells_at(lon: float, lat: float, on: date, *, whole_community: bool) -> list[GridCell]:
    """Return the cell at a point, or all cells of its community; raise OutsideCity."""
    place = locate(lon, lat, on=on)
    if whole_community:
        cells = GridCell.objects.valid_on(on).filter(community=place.community.id)
        return list(cells.order_by("code"))
    return [GridCell.objects.get(pk=place.cell_id)]


def outline_of(cells: Collection[GridCell]) -> MultiPolygon | None:
    """Return the union of cells."""
    ids = [cell.pk for cell in cells]
    whole = GridCell.objects.filter(pk__in=ids).aggregate(whole=Union("geometry"))["whole"]
    if whole is None:
        return None
    return whole if isinstance(whole, MultiPolygon) else MultiPolygon(whole, srid=whole.srid)


def beat_check(
    cells: Collection[GridCell], *, on: date, until: date | None = None, beat: int | None = None
) -> Verdict:
    """Say what is unusual about a beat of these cells: overlaps, parts apart, gaps."""
    verdict = zone_check(cells)
    others = Beat.objects.exclude(pk=beat).filter(valid_to=None) | Beat.objects.exclude(
        pk=beat
    ).filter(valid_to__gt=on)
    if until is not None:
        others = others.filter(valid_from__lt=until)
    ids = [cell.pk for cell in cells]
    shared: dict[str, int] = {}
    for name in others.filter(cells__in=ids).values_list("name", flat=True):
        shared[name] = shared.get(name, 0) + 1
    said = [f"{name} ({count})" for name, count in sorted(shared.items())]
    verdict.warnings.append(_named(_("Shares cells with %(codes)s."), said))
    walked = GridCell.objects.filter(beats__in=others).values("pk")
    gaps = (
        GridCell.objects.valid_on(on)
        .filter(community__in={cell.community_id for cell in cells}, kind=GridCell.Kind.BUILT)
        .exclude(pk__in=ids)
        .exclude(pk__in=walked)
    )
    codes = list(gaps.order_by("code").values_list("code", flat=True))
    verdict.warnings.append(
        _named(_("In the same communities no beat has these cells: %(codes)s."), codes)
    )
    verdict.warnings[:] = [warning for warning in verdict.warnings if warning]
    return verdict


def zone_check(cells: Collection[GridCell]) -> Verdict:
    """Say how many cells, how large, and whether they fall apart."""
    verdict = Verdict(len(cells), sum(cell.area_m2 for cell in cells))
    outline = outline_of(cells)
    if outline is not None and len(outline) > 1:
        verdict.warnings.append(
            ngettext(
                "The cells fall into %(count)d part that do not touch.",
                "The cells fall into %(count)d parts that do not touch.",
                len(outline),
            )
            % {"count": len(outline)}
        )
    return verdict


# The other beats around, each as one outline. Uses the GiST index on grid_gridcell.geometry.
_BEATS_NEAR = """
SELECT beat.id, beat.code, beat.name, count(*), ST_AsGeoJSON(ST_Union(cell.geometry), 6)
FROM grid_beat AS beat
JOIN grid_beat_cells AS walked ON walked.beat_id = beat.id
JOIN grid_gridcell AS cell ON cell.id = walked.gridcell_id
WHERE beat.id IN (
        SELECT walked.beat_id FROM grid_gridcell AS seen
        JOIN grid_beat_cells AS walked ON walked.gridcell_id = seen.id
        WHERE seen.geometry && ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, 4326)
            AND seen.city_id = %(city)s
            AND seen.valid_from <= %(on)s AND (seen.valid_to IS NULL OR seen.valid_to > %(on)s))
    AND beat.id <> %(beat)s
    AND beat.valid_from <= %(on)s AND (beat.valid_to IS NULL OR beat.valid_to > %(on)s)
    AND cell.valid_from <= %(on)s AND (cell.valid_to IS NULL OR cell.valid_to > %(on)s)
GROUP BY beat.id ORDER BY beat.id LIMIT %(most)s
"""


def beats_near(
    city: City, box: Sequence[float], on: date, *, beat: int | None = None
) -> list[dict[str, Any]]:
    """Return the beats in a box (west, south, east, north in degrees), but one."""
    names = ("west", "south", "east", "north")
    try:
        edges = dict(zip(names, (float(edge) for edge in box), strict=True))
    except (TypeError, ValueError) as error:
        raise _invalid(_("This is no box.")) from error
    with connection.cursor() as cursor:
        cursor.execute(
            _BEATS_NEAR,
            {**edges, "city": city.pk, "on": on, "beat": beat or 0, "most": MAX_BEATS},
        )
        return [
            dict(zip(("id", "code", "name", "count", "outline"), row, strict=True))
            for row in cursor.fetchall()
        ]


def _holds(cell: GridCell, on: date) -> bool:
    return cell.valid_from <= on and (cell.valid_to is None or cell.valid_to > on)


def _named(sentence: str, codes: Sequence[str]) -> str:
    """Return a sentence with the first codes, nothing where there are none."""
    if not codes:
        return ""
    more = f" … (+{len(codes) - SHOWN})" if len(codes) > SHOWN else ""
    return sentence % {"codes": ", ".join(codes[:SHOWN]) + more}


def _invalid(*sentences: str) -> DomainError:
    return DomainError("invalid", " ".join(sentences), {"cells": list(sentences)})
