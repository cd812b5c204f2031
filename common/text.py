"""Text as people send it, made fit to store and show."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

from django.utils.translation import pgettext

_KEPT = {"\n", "\t"}
# Zero-width joiner and variation selectors belong to emoji and to some scripts' words.
_JOINERS = {"\u200d", "\u200c"}


def clean_text(raw: str) -> str:
    """Return ``raw`` in NFC without control, format and unpaired surrogate characters, trimmed.

    Bidirectional overrides go too: they make a text read otherwise than it is.
    """
    text = raw.replace("\r\n", "\n").replace("\r", "\n")
    kept = (
        char
        for char in text
        if char in _KEPT or char in _JOINERS or unicodedata.category(char) not in ("Cc", "Cf", "Cs")
    )
    return unicodedata.normalize("NFC", "".join(kept)).strip()


def whole_number(text: str, digits: int = 18) -> int | None:
    """Return the number that a text of plain digits is, None for any other.

    More digits than a bigint surely holds, 18, are none either; ``digits`` allows fewer.
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None


def clean_json(value: Any) -> Any:
    """Return plain JSON with every text, names too, as ``clean_text`` leaves it."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(name): clean_json(each) for name, each in value.items()}
    return [clean_json(each) for each in value] if isinstance(value, list) else value


def list_words(items: Iterable[str]) -> str:
    """Return items in one line, as the reader's language separates them."""
    return pgettext("between the items of a list", ", ").join(items)
