"""A ready grid from a file: Shapefile (zipped too), GeoPackage, GeoJSON.

Cells bring their codes, and a code says the community. Coordinates come in any system the file or
the caller names and leave in metres of ``GEO_METRIC_SRID``; heights are dropped. Whether the cells
fit their communities is ``grid.gridding.check_cells``'s to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from django.conf import settings
from django.contrib.gis.gdal import GDALException
from django.utils.translation import gettext as _

from common.geofiles import Way, invalid, layer_of
from grid.gridding import BUILT, HILL, WATER, Cell

KINDS = (BUILT, WATER, HILL)
COMMUNITY_DIGITS = 12
NAMED = 5  # so many wrong rows are named in a sentence


def read_grid(
    path: Path, *, sequence_digits: int, code_field: str, kind_field: str = "", crs: str = ""
) -> list[Cell]:
    """Return the cells of a file, in its order.

    ``crs`` says the coordinate system where the file does not ("EPSG:4549", WKT, a PROJ string).
    Raise DomainError ``invalid`` with a sentence for whatever cannot be used; nothing is left out
    quietly.
    """
    said, shapes, columns = _read(path)
    codes = [str(code).strip() for code in _column(columns, code_field)]
    kinds = list(map(str, _column(columns, kind_field))) if kind_field else [BUILT] * len(codes)
    if not codes:
        raise invalid(_("There is no cell in this file."))
    length = COMMUNITY_DIGITS + sequence_digits
    _refuse(
        codes,
        lambda code: not (code.isascii() and code.isdigit() and len(code) == length),
        _("A cell's code has %(length)s digits; these have not: %(rows)s."),
        length=length,
    )
    _refuse(codes, _seen_before(), _("These codes stand twice in the file: %(rows)s."))
    _refuse(kinds, lambda kind: kind not in KINDS, _("There is no such kind of cell: %(rows)s."))
    polygons = _polygons(codes, shapes, _to_metres(crs or said))
    return [
        Cell(code[:COMMUNITY_DIGITS], polygon, kind, int(code[COMMUNITY_DIGITS:]), code)
        for code, polygon, kind in zip(codes, polygons, kinds, strict=True)
    ]


def _read(path: Path) -> tuple[str, Iterable[bytes | None], dict[str, np.ndarray]]:
    with layer_of(path) as layer:
        shapes, values = layer.read()
        return layer.crs, shapes, dict(zip(layer.fields, values, strict=True))


def _column(columns: dict[str, np.ndarray], name: str) -> np.ndarray:
    if name not in columns:
        raise invalid(
            _("There is no field “%(name)s” in this file; there are: %(fields)s.")
            % {"name": name, "fields": ", ".join(columns)}
        )
    return columns[name]


def _to_metres(crs: str) -> Way:
    """Return the way from the file's coordinates to the city's metres."""
    if not crs:
        raise invalid(
            _("The file does not say its coordinate system. Name it, for example EPSG:4549.")
        )
    return Way(crs, settings.GEO_METRIC_SRID)


def _polygons(
    codes: Sequence[str], shapes: Iterable[bytes | None], way: Way
) -> list[shapely.Polygon]:
    """Return one valid polygon a cell."""
    polygons: list[shapely.Polygon] = []
    wrong = []
    for code, shape in zip(codes, shapes, strict=True):
        polygon = _polygon(shape, way)
        if polygon is None:
            wrong.append(code)
        else:
            polygons.append(polygon)
    _refuse(wrong, lambda code: True, _("These cells are not one whole polygon: %(rows)s."))
    return polygons


def _polygon(shape: bytes | None, way: Way) -> shapely.Polygon | None:
    if shape is None:
        return None
    try:
        found = shapely.make_valid(shapely.from_wkb(way.shape(bytes(shape))))
    except (GDALException, shapely.errors.GEOSException):
        return None
    parts = shapely.get_parts(found)
    is_whole = len(parts) == 1 and parts[0].geom_type == "Polygon" and parts[0].area > 0
    return parts[0] if is_whole and np.isfinite(parts[0].bounds).all() else None


def _seen_before() -> Callable[[str], bool]:
    seen: set[str] = set()

    def is_repeated(code: str) -> bool:
        repeated = code in seen
        seen.add(code)
        return repeated

    return is_repeated


def _refuse(
    values: Iterable[str], is_wrong: Callable[[str], bool], sentence: str, **facts: Any
) -> None:
    """Refuse the file when a value is wrong, naming the first few."""
    wrong = [value for value in values if is_wrong(value)]
    if wrong:
        rows = ", ".join(wrong[:NAMED]) + (f" … ({len(wrong)})" if len(wrong) > NAMED else "")
        raise invalid(sentence % {"rows": rows, **facts})
