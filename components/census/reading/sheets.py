"""Excel of any age, and OpenDocument: the first sheet that holds anything; formulas as values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from common.geofiles import check_archive
from common.spreadsheets import as_it_was
from components.census.reading.layout import (
    BATCH,
    Batch,
    Kind,
    Layout,
    clean,
    fitted,
    headers_of,
    refused,
)

MOST_BYTES = 100 * 1024**2  # a sheet is read whole: beyond a million rows it must be CSV


def layout_of(path: Path, *, encoding: str = "", delimiter: str = "") -> Layout:
    """Find the sheet and its headers."""
    with _opened(path) as book:
        sheet = _sheet(book)
        rows = iter(sheet.iter_rows())
        headers = headers_of(_text(cell) for cell in next(rows, []))
        others = [name for name in book.sheet_names if name != sheet.name]
    remarks: tuple[str, ...] = ()
    if others:
        remarks = (
            _("Only the sheet “%(name)s” is read; there are others: %(others)s.")
            % {"name": sheet.name, "others": ", ".join(others[:5])},
        )
    return Layout(Kind.SHEET, headers, line_count=max(sheet.total_height - 1, 0), remarks=remarks)


def batches_of(path: Path, layout: Layout, *, skip: int = 0, size: int = BATCH) -> Iterator[Batch]:
    """Stream the rows below the header."""
    width = len(layout.headers)
    with _opened(path) as book:
        sheet = _sheet(book)
        first = (sheet.start or (0, 0))[0] + 1
        rows = enumerate(sheet.iter_rows(), first)
        next(rows, None)
        texts = ((number, [_text(cell) for cell in row]) for number, row in rows)
        numbered = ((number, row) for number, row in texts if any(row))
        next(islice(numbered, skip, skip), None)
        while part := list(islice(numbered, size)):
            batch = Batch([number for number, _row in part], [])
            for position, (_number, row) in enumerate(part):
                if any(row[width:]):
                    batch.problems[position] = "columns"
                batch.values.append(fitted(row, width))
            yield batch


def _opened(path: Path) -> CalamineWorkbook:
    if path.stat().st_size > MOST_BYTES:
        raise refused(_("A workbook may have at most 100 MB; save it as CSV."))
    if path.suffix.lower() != ".xls":
        try:
            check_archive(path)
        except Exception as error:
            raise _unreadable(path) from error
    try:
        return CalamineWorkbook.from_path(path)
    except (CalamineError, OSError, ValueError) as error:
        raise _unreadable(path) from error


def _sheet(book: CalamineWorkbook) -> CalamineSheet:
    for number in range(len(book.sheet_names)):
        try:
            sheet = book.get_sheet_by_index(number)
        except (CalamineError, ValueError):  # a chart, or damaged
            continue
        if sheet.total_height:
            return sheet
    raise refused(_("There is nothing in this workbook."))


def _text(cell: Any) -> str:
    """Return a cell as people read it: whole numbers without a point, days as 2026-03-01."""
    match cell:
        case str():
            return as_it_was(clean(cell))
        case bool():
            return "1" if cell else "0"
        case float():
            return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
        case datetime():
            is_day = cell.time() == time()
            return cell.date().isoformat() if is_day else cell.isoformat(sep=" ")
        case date() | time() | timedelta():
            return str(cell)
    return clean(cell)


def _unreadable(path: Path) -> Exception:
    return refused(
        _("“%(name)s” cannot be read as a workbook: it is damaged, has a password, or is none.")
        % {"name": path.name}
    )
