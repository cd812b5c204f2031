"""CSV and its kin: the encoding and the delimiter are found, whatever wrote the file."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from django.utils.translation import gettext as _

from components.census.reading.layout import (
    BATCH,
    SEPARATOR,
    Batch,
    Kind,
    Layout,
    fitted,
    headers_of,
    refused,
)

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
TRIED = ("utf-8", "gb18030")  # the stricter first: what is UTF-8 is hardly ever anything else
DELIMITERS = ",\t;|"
SAMPLE_LINES = 30
CHUNK = 1024 * 1024
LONGEST_FIELD = 100_000
csv.field_size_limit(LONGEST_FIELD)


def layout_of(path: Path, *, encoding: str = "", delimiter: str = "") -> Layout:
    """Find encoding, delimiter and headers."""
    encoding = _known(encoding) if encoding else encoding_of(path)
    lines: list[str] = []
    try:
        with path.open(encoding=encoding, newline="") as file:
            lines.extend(islice(_lines(file), SAMPLE_LINES))
    except UnicodeError as error:
        raise _written_otherwise(len(lines) + 1, encoding) from error
    sample = "".join(lines)
    if not sample.strip("\ufeff\r\n\t ,;|"):
        raise refused(_("This file is empty."))
    delimiter = delimiter or delimiter_of(sample)
    try:
        first = next(csv.reader(io.StringIO(sample), delimiter=delimiter))
    except csv.Error as error:
        raise _unreadable(1) from error
    remarks: tuple[str, ...] = ()
    if len(first) == 1:
        remarks = (_("Only one column was found: is the delimiter another one?"),)
    return Layout(
        Kind.TEXT, headers_of(first), encoding=encoding, delimiter=delimiter, remarks=remarks
    )


def batches_of(path: Path, layout: Layout, *, skip: int = 0, size: int = BATCH) -> Iterator[Batch]:
    """Stream the lines below the header; a line of another length is kept and said to be so."""
    width = len(layout.headers)
    with path.open(encoding=layout.encoding, newline="") as file:
        reader = csv.reader(_lines(file), delimiter=layout.delimiter)
        lines = enumerate(reader, 1)
        next(lines, None)
        numbered = ((number, texts) for number, texts in lines if any(texts))
        try:
            next(islice(numbered, skip, skip), None)
            while True:
                batch = Batch([], [])
                for number, texts in islice(numbered, size):
                    if len(texts) != width and (len(texts) < width or any(texts[width:])):
                        batch.problems[len(batch.numbers)] = "columns"
                    batch.numbers.append(number)
                    batch.values.append(texts if len(texts) == width else fitted(texts, width))
                if not batch.numbers:
                    return
                yield batch
        except csv.Error as error:
            raise _unreadable(reader.line_num) from error
        except UnicodeError as error:
            raise _written_otherwise(reader.line_num + 1, layout.encoding) from error


def encoding_of(path: Path) -> str:
    """Return the encoding in which the whole file can be read.

    Raise DomainError ``invalid`` for what is no text in any encoding used here.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return encoding
    if zeros := head.count(0):
        even = head[::2].count(0)
        if zeros > len(head) // 4 and min(even, zeros - even) < zeros // 10:
            return "utf-16-be" if even > zeros - even else "utf-16-le"
        raise refused(_("This is not a text file."))
    for encoding in TRIED:
        if _is_readable(path, encoding):
            return encoding
    raise refused(_("This text can be read neither as UTF-8 nor as GB18030: name its encoding."))


def delimiter_of(sample: str) -> str:
    """Return the delimiter that cuts the first lines into the same number of columns."""
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        try:
            rows = [row for row in csv.reader(io.StringIO(sample), delimiter=delimiter) if row]
        except csv.Error:
            continue
        width, times = Counter(len(row) for row in rows).most_common(1)[0]
        score = (times / len(rows) if width > 1 else 0.0, width)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _lines(file: io.TextIOBase) -> Iterator[str]:
    """Return the lines without NUL and separators of our own, which no CSV means."""
    for line in file:
        if "\x00" in line or SEPARATOR in line:
            line = line.replace("\x00", "").replace(SEPARATOR, " ")  # noqa: PLW2901
        yield line


def _is_readable(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        try:
            while chunk := file.read(CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _known(encoding: str) -> str:
    try:
        "".encode(encoding)  # of text: the codecs of bytes to bytes are none
        return codecs.lookup(encoding).name
    except (LookupError, ValueError) as error:
        raise refused(_("There is no encoding “%(name)s”.") % {"name": encoding[:30]}) from error


def _written_otherwise(line: int, encoding: str) -> Exception:
    return refused(
        _("From line %(line)s on this file is not written in %(encoding)s.")
        % {"line": line, "encoding": encoding}
    )


def _unreadable(line: int) -> Exception:
    return refused(
        _("Line %(line)s cannot be read as CSV: is a quotation mark left open?") % {"line": line}
    )
