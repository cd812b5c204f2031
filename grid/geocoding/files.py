"""The gazetteer as a CSV file: what an export writes and an import reads, row by row.

Columns: key, kind, name, name_en, aliases (separated by ;), lon, lat (WGS-84), outline (WKT),
valid_from, valid_to. More columns are passed over. A row without a key is a new place.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.gis.gdal import GDALException
from django.contrib.gis.geos import GEOSException, GEOSGeometry
from django.utils.translation import gettext as _

from common.errors import DomainError
from common.text import clean_text
from grid.models import SRID, Place
from grid.selectors import check_point

COLUMNS = (
    "key", "kind", "name", "name_en", "aliases", "lon", "lat", "outline", "valid_from", "valid_to",
)  # fmt: skip
NEEDED = ("kind", "name", "lon", "lat")
ALIAS_SEPARATOR = ";"
LARGEST_FILE = 200_000_000  # bytes
ENCODINGS = ("utf-8-sig", "gb18030")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run


@dataclass(frozen=True, slots=True)
class PlaceLine:
    """One row of the file, read."""

    key: str
    kind: str
    name: str
    name_en: str
    aliases: tuple[str, ...]
    lon: float
    lat: float
    outline: GEOSGeometry | None
    valid_from: date | None
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class BadLine:
    """Why a line of the file cannot be used; lines are counted from 1, the header's."""

    line: int
    reason: str


def safe_cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula; ``_plain`` takes the mark off again."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _plain(text: str | None) -> str:
    text = clean_text(text or "")
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def write_lines(stream: Any, lines: Iterable[PlaceLine]) -> int:
    """Write the header and the lines; return how many."""
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    count = 0
    for line in lines:
        count += 1
        words = (line.key, line.kind, line.name, line.name_en, ALIAS_SEPARATOR.join(line.aliases))
        writer.writerow([
            *map(safe_cell, words), f"{line.lon:.7f}", f"{line.lat:.7f}",
            line.outline.wkt if line.outline else "", line.valid_from or "", line.valid_to or "",
        ])  # fmt: skip
    return count


def read_lines(data: bytes) -> tuple[list[PlaceLine], list[BadLine]]:
    """Return the lines of a file that can be used, and why the others cannot.

    Raise DomainError ``invalid`` for a file that cannot be read at all.
    """
    if len(data) > LARGEST_FILE:
        raise _invalid(_("This file is too large."))
    reader = csv.DictReader(io.StringIO(_decoded(data), newline=""), restkey="")
    missing = [column for column in NEEDED if column not in (reader.fieldnames or ())]
    if missing:
        raise _invalid(
            _("The file lacks these columns: %(names)s.") % {"names": ", ".join(missing)}
        )
    lines, bad, keys = [], [], set()
    for row in _rows(reader):
        try:
            line = _line(row)
            if line.key and line.key in keys:
                raise ValueError(_("the key stands in the file twice"))
            keys.add(line.key)
            lines.append(line)
        except ValueError as error:
            bad.append(BadLine(reader.line_num, str(error)))
    return lines, bad


def _decoded(data: bytes) -> str:
    for encoding in ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _invalid(_("The file is neither UTF-8 nor GB18030 text."))


def _rows(reader: csv.DictReader[str]) -> Iterator[dict[str, Any]]:
    usual = csv.field_size_limit(LARGEST_FILE)  # of the whole process, in which others read too
    try:
        yield from reader
    except csv.Error as error:
        raise _invalid(_("The file is no CSV: %(reason)s.") % {"reason": error}) from error
    finally:
        csv.field_size_limit(usual)


def _line(row: dict[str, Any]) -> PlaceLine:
    """Read one row; raise ValueError with a sentence for what cannot be used."""
    if "" in row or None in row.values():
        raise ValueError(_("it has another number of columns than the header"))
    text = {column: _plain(row.get(column)) for column in COLUMNS}
    if text["kind"] not in Place.Kind.values:
        raise ValueError(_("there is no kind “%(kind)s”") % {"kind": text["kind"][:30]})
    aliases = [each.strip() for each in text["aliases"].split(ALIAS_SEPARATOR)]
    names = [text["name"], *filter(None, aliases)]
    if not text["name"] or max(map(len, names)) > 120 or len(text["name_en"]) > 240:
        raise ValueError(_("the name is empty, or a name is too long"))
    if len(text["key"]) > 160:
        raise ValueError(_("the key is too long"))
    lon, lat = _degrees(text["lon"], text["lat"])
    valid_from, valid_to = (_day(text[name]) for name in ("valid_from", "valid_to"))
    if valid_to and valid_from and valid_to <= valid_from:
        raise ValueError(_("it would end before it begins"))
    return PlaceLine(
        text["key"],
        text["kind"],
        text["name"],
        text["name_en"],
        tuple(dict.fromkeys(names[1:])),
        lon,
        lat,
        _outline(text["outline"]),
        valid_from,
        valid_to,
    )


def _degrees(lon: str, lat: str) -> tuple[float, float]:
    try:
        point = float(lon), float(lat)
        check_point(*point)
    except (ValueError, DomainError) as error:
        raise ValueError(
            _("lon and lat are no degrees: %(lon)s, %(lat)s") % {"lon": lon[:30], "lat": lat[:30]}
        ) from error
    return point


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise ValueError(_("“%(text)s” is no date") % {"text": text[:30]}) from error


def _outline(text: str) -> GEOSGeometry | None:
    if not text:
        return None
    try:
        shape = GEOSGeometry(text, srid=SRID)
    except (ValueError, GEOSException, GDALException) as error:
        raise ValueError(_("the outline is no WKT")) from error
    if shape.empty or not shape.valid or shape.hasz:
        raise ValueError(_("the outline is empty, not valid, or has heights"))
    return shape


def _invalid(sentence: str) -> DomainError:
    return DomainError("invalid", sentence, {"file": [sentence]})
