"""One writer a format: each takes rows as they come and keeps nothing but a chunk of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from openpyxl import Workbook
from pyogrio.raw import write as write_vector

from common.spreadsheets import defused
from components.register.exports.rows import CHUNK, KEYS
from components.register.models import Export

Rows = Iterable[tuple[Any, ...]]
SHEET_ROWS = 1_000_000  # of 1,048,576 that a sheet can have
NUMBERS = ("longitude", "latitude")


def write_csv(path: Path, rows: Rows, header: Sequence[str]) -> None:
    """Write UTF-8 with a mark, which spreadsheets need to see Chinese; formulas are defused."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for row in rows:
            writer.writerow([defused(cell) for cell in row])


def write_excel(path: Path, rows: Rows, header: Sequence[str]) -> None:
    """Write a workbook, a sheet for each million rows; codes stay text, formulas are defused."""
    book = Workbook(write_only=True)
    rest = iter(rows)
    number = 0
    while True:
        first = next(rest, None)
        if first is None and number:
            break
        number += 1
        sheet = book.create_sheet(str(number))
        sheet.freeze_panes = "A2"
        sheet.append(header)
        if first is None:
            break
        sheet.append([defused(cell) for cell in first])
        for row in islice(rest, SHEET_ROWS - 1):
            sheet.append([defused(cell) for cell in row])
    book.save(path)


def write_geojson(path: Path, rows: Rows, _header: Sequence[str]) -> None:
    """Write one FeatureCollection (RFC 7946), a feature a line; keys are in English."""
    with path.open("wb") as file:
        file.write(b'{"type":"FeatureCollection","features":[\n')
        for number, row in enumerate(rows):
            properties = dict(zip(KEYS, row, strict=False))
            properties["attributes"] = orjson.loads(properties["attributes"] or "{}")
            file.write(b",\n" if number else b"")
            file.write(b'{"type":"Feature","geometry":')
            file.write(row[-1].encode())
            file.write(b',"properties":' + orjson.dumps(properties) + b"}")
        file.write(b"\n]}\n")


def write_geopackage(path: Path, rows: Rows, _header: Sequence[str]) -> None:
    """Write one layer of all shapes in WGS-84, chunk by chunk."""
    is_begun = False
    for chunk in _chunks(rows):
        columns = list(zip(*chunk, strict=True))
        _append(path, list(columns[-1]), columns[:-1], is_begun)
        is_begun = True
    if not is_begun:
        _append(path, [], [()] * len(KEYS), is_begun)


def _chunks(rows: Rows) -> Iterator[list[tuple[Any, ...]]]:
    rest = iter(rows)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def _append(path: Path, shapes: list[Any], columns: list[Any], is_begun: bool) -> None:
    geometry = np.empty(len(shapes), dtype=object)
    geometry[:] = [bytes(shape) for shape in shapes]
    data = [
        np.array(values, dtype=float if key in NUMBERS else object)
        for key, values in zip(KEYS, columns, strict=True)
    ]
    write_vector(
        str(path),
        geometry=geometry,
        field_data=data,
        fields=list(KEYS),
        layer="components",
        driver="GPKG",
        geometry_type="Unknown",
        crs="EPSG:4326",
        append=is_begun,
    )


# Format: writer, how it wants the geometry.
WRITERS = {
    Export.Format.CSV: (write_csv, ""),
    Export.Format.EXCEL: (write_excel, ""),
    Export.Format.GEOJSON: (write_geojson, "json"),
    Export.Format.GEOPACKAGE: (write_geopackage, "wkb"),
}
