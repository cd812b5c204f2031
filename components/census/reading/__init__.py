"""Files of surveyors, whatever their kind, as headers and batches of texts.

``layout_of`` says what a file is; ``batches_of`` streams its lines. Nothing here knows what a
column means. Every refusal is a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.utils.translation import gettext as _

from components.census.reading import shapes, sheets, text
from components.census.reading.layout import BATCH, Batch, Kind, Layout, refused

READERS = {Kind.TEXT: text, Kind.SHEET: sheets, Kind.SHAPES: shapes}
SUFFIXES = {
    ".csv": Kind.TEXT,
    ".txt": Kind.TEXT,
    ".tsv": Kind.TEXT,
    ".xlsx": Kind.SHEET,
    ".xlsm": Kind.SHEET,
    ".xls": Kind.SHEET,
    ".ods": Kind.SHEET,
    ".zip": Kind.SHAPES,
    ".shp": Kind.SHAPES,
    ".gpkg": Kind.SHAPES,
    ".geojson": Kind.SHAPES,
    ".json": Kind.SHAPES,
}


def kind_of(name: str) -> Kind:
    """Return the kind of a file by its name; raise DomainError ``invalid`` for all others."""
    kind = SUFFIXES.get(Path(name).suffix.lower())
    if kind is None:
        raise refused(
            _("“%(name)s” is none of these: Shapefile (.zip), GeoPackage, GeoJSON, CSV, Excel.")
            % {"name": name}
        )
    return kind


def layout_of(path: Path, *, encoding: str = "", delimiter: str = "") -> Layout:
    """Return what a file is, how it is written and which columns it has."""
    if path.stat().st_size == 0:
        raise refused(_("This file is empty."))
    layout = READERS[kind_of(path.name)].layout_of(path, encoding=encoding, delimiter=delimiter)
    if not layout.headers and not layout.has_shapes:
        raise refused(_("There are no columns in this file."))
    return layout


def batches_of(path: Path, layout: Layout, *, skip: int = 0, size: int = BATCH) -> Iterator[Batch]:
    """Return the lines of a file after the first ``skip``, some thousand at a time."""
    return READERS[layout.kind].batches_of(path, layout, skip=skip, size=size)


__all__ = ["BATCH", "Batch", "Kind", "Layout", "batches_of", "kind_of", "layout_of"]
