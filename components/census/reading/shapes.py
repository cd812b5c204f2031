"""Shapefile, GeoPackage, GeoJSON: their features as lines with a shape."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan
from pathlib import Path

import numpy as np
from django.utils.translation import gettext as _

from common.geofiles import layer_of
from components.census.reading.layout import BATCH, Batch, Kind, Layout, clean, headers_of


def layout_of(path: Path, *, encoding: str = "", delimiter: str = "") -> Layout:
    """Find fields, encoding and coordinate system."""
    with layer_of(path) as layer:
        remarks = []
        if not layer.crs:
            remarks.append(
                _("The file does not say its coordinate system (no .prj): choose it below.")
            )
        if layer.is_index_restored:
            remarks.append(_("The index (.shx) was missing and has been rebuilt."))
        return Layout(
            Kind.SHAPES,
            headers_of(layer.fields),
            encoding=encoding or layer.encoding,
            crs=layer.crs,
            has_shapes=True,
            line_count=layer.count,
            remarks=tuple(remarks),
        )


def batches_of(path: Path, layout: Layout, *, skip: int = 0, size: int = BATCH) -> Iterator[Batch]:
    """Stream the features, numbered from 2 as if a header stood above them."""
    with layer_of(path) as layer:
        while skip < layer.count:
            shapes, columns = layer.read(skip=skip, most=size)
            if not len(shapes):
                return
            texts = [_texts(column) for column in columns]
            values = [list(line) for line in zip(*texts, strict=True)] or [[]] * len(shapes)
            first = skip + 2
            yield Batch(list(range(first, first + len(shapes))), values, shapes)
            skip += len(shapes)


def _texts(column: np.ndarray) -> list[str]:
    """Return a column as texts; what is missing is empty."""
    if column.dtype.kind == "f":
        return [
            "" if isnan(value) else str(int(value)) if value.is_integer() else repr(value)
            for value in column.tolist()
        ]
    if column.dtype.kind == "M":
        return ["" if text == "NaT" else text[:10] for text in column.astype(str).tolist()]
    return ["" if value is None else clean(value) for value in column.tolist()]
