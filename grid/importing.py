"""A ready grid from a file: Shapefile (zipped too), GeoPackage, GeoJSON.

Cells bring their codes, and a code says the community. Coordinates come in any system the file or
the caller names and leave in metres of ``GEO_METRIC_SRID``; heights are dropped. Whether the cells
fit their communities is ``grid.gridding.check_cells``'s to say.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from django.conf import settings
from django.contrib.gis.gdal import CoordTransform, GDALException, OGRGeometry, SpatialReference
from django.utils.translation import gettext as _
from pyogrio.errors import DataLayerError, DataSourceError

from common.errors import DomainError
from grid.gridding import BUILT, HILL, WATER, Cell

KINDS = (BUILT, WATER, HILL)
COMMUNITY_DIGITS = 12
UNSAID = "ISO-8859-1"  # what GDAL assumes of a DBF without a .cpg
NAMED = 5  # so many wrong rows are named in a sentence


def read_grid(
    path: Path, *, sequence_digits: int, code_field: str, kind_field: str = "", crs: str = ""
) -> list[Cell]:
    """Return the cells of a file, in its order.

    ``crs`` says the coordinate system where the file does not ("EPSG:4549", WKT, a PROJ string).
    Raise DomainError ``invalid`` with a sentence for whatever cannot be used; nothing is left out
    quietly.
    """
    meta, shapes, columns = _read(path)
    codes = [str(code).strip() for code in _column(columns, code_field)]
    kinds = list(map(str, _column(columns, kind_field))) if kind_field else [BUILT] * len(codes)
    if not codes:
        raise _invalid(_("There is no cell in this file."))
    length = COMMUNITY_DIGITS + sequence_digits
    _refuse(
        codes,
        lambda code: not (code.isascii() and code.isdigit() and len(code) == length),
        _("A cell's code has %(length)s digits; these have not: %(rows)s."),
        length=length,
    )
    _refuse(codes, _seen_before(), _("These codes stand twice in the file: %(rows)s."))
    _refuse(kinds, lambda kind: kind not in KINDS, _("There is no such kind of cell: %(rows)s."))
    polygons = _polygons(codes, shapes, _to_metres(crs or str(meta["crs"] or "")))
    return [
        Cell(code[:COMMUNITY_DIGITS], polygon, kind, int(code[COMMUNITY_DIGITS:]), code)
        for code, polygon, kind in zip(codes, polygons, kinds, strict=True)
    ]


def _read(path: Path) -> tuple[dict[str, Any], Sequence[bytes | None], dict[str, np.ndarray]]:
    source = f"/vsizip/{path.resolve()}" if path.suffix.lower() == ".zip" else str(path)
    try:
        meta, _fids, shapes, values = _in_its_encoding(source)
    except (DataSourceError, DataLayerError, OSError, ValueError) as error:
        raise _invalid(
            _("“%(name)s” cannot be read as a Shapefile, GeoPackage or GeoJSON.")
            % {"name": path.name}
        ) from error
    if shapes is None:
        raise _invalid(_("This file has no shapes."))
    return meta, shapes, dict(zip(meta["fields"], values, strict=True))


def _in_its_encoding(source: str) -> tuple[Any, ...]:
    """Read a file; a Shapefile that does not say its encoding is tried in those used in China."""
    found = pyogrio.raw.read(source, force_2d=True)
    if found[0]["encoding"] != UNSAID:
        return found
    for encoding in ("UTF-8", "GB18030"):
        with contextlib.suppress(UnicodeDecodeError):
            return pyogrio.raw.read(source, force_2d=True, encoding=encoding)
    return found


def _column(columns: dict[str, np.ndarray], name: str) -> np.ndarray:
    if name not in columns:
        raise _invalid(
            _("There is no field “%(name)s” in this file; there are: %(fields)s.")
            % {"name": name, "fields": ", ".join(columns)}
        )
    return columns[name]


def _to_metres(crs: str) -> CoordTransform:
    """Return the way from the file's coordinates to the city's metres."""
    if not crs:
        raise _invalid(
            _("The file does not say its coordinate system. Name it, for example EPSG:4549.")
        )
    try:
        return CoordTransform(SpatialReference(crs), SpatialReference(settings.GEO_METRIC_SRID))
    except (GDALException, TypeError, ValueError) as error:
        raise _invalid(
            _("There is no coordinate system “%(name)s”.") % {"name": crs[:60]}
        ) from error


def _polygons(
    codes: Sequence[str], shapes: Iterable[bytes | None], way: CoordTransform
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


def _polygon(shape: bytes | None, way: CoordTransform) -> shapely.Polygon | None:
    if shape is None:
        return None
    try:
        moved = OGRGeometry(memoryview(bytes(shape))).transform(way, clone=True)
        found = shapely.make_valid(shapely.from_wkb(bytes(moved.wkb)))
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
        raise _invalid(sentence % {"rows": rows, **facts})


def _invalid(sentence: str) -> DomainError:
    return DomainError("invalid", sentence, {"file": [sentence]})
