"""Text that leaves for a spreadsheet: what a cell begins with must not make it a formula.

Excel, LibreOffice and their like run whatever begins with ``=``, ``+``, ``-``, ``@``, a tab or a
carriage return, from CSV as well as from workbooks. An apostrophe in front makes it text again
(OWASP, "CSV injection"). Numbers stay numbers: ``-123.07`` is no formula.
"""

from __future__ import annotations

import re
from typing import TypeVar

T = TypeVar("T")

STARTERS = ("=", "+", "-", "@", "\t", "\r")
MARK = "'"
# A workbook refuses these altogether (XML 1.0); nothing readable is lost with them.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def defused(value: T) -> T | str:
    """Return a cell's value as no spreadsheet runs it; only text is ever changed."""
    if not isinstance(value, str):
        return value
    text = _UNPRINTABLE.sub("", value)
    if text.startswith(STARTERS) and not _NUMBER.fullmatch(text):
        return MARK + text
    return text


def as_it_was(text: str) -> str:
    """Return text that comes back from a spreadsheet without the mark ``defused`` put there."""
    return text[1:] if text.startswith(MARK) and text[1:].startswith(STARTERS) else text
