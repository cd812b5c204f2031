"""Writes the pack: plain CSV for what people read, gzipped CSV for what carries geometry."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

from . import twkb

LARGEST_FILE = 2_000_000  # bytes; a file of the repository may not be larger


def write_rows(path: Path, rows: list[dict]) -> None:
    """Write rows as CSV, a ``shape`` as the column ``twkb``; the same rows give the same bytes."""
    text = io.StringIO()
    plain = [
        {**{key: value for key, value in row.items() if key != "shape"}, **_geometry(row)}
        for row in rows
    ]
    writer = csv.DictWriter(text, fieldnames=list(plain[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(plain)
    data = text.getvalue().encode("utf-8")
    if path.suffix == ".gz":
        data = gzip.compress(data, compresslevel=9, mtime=0)
    if len(data) > LARGEST_FILE:
        raise ValueError(f"{path.name} has {len(data):,} bytes")
    path.write_bytes(data)


def _geometry(row: dict) -> dict:
    return {"twkb": twkb.encode(row["shape"])} if "shape" in row else {}
