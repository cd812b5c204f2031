"""Money as whole fen: read from what people write, shown as they read it.

Amounts are integers in the database, in Python and in sums. A ``numeric(14,2)`` column would round
a figure with three decimals without a word; an integer cannot, so that whoever writes 12.345 is
told, and what is stored is what was written.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from fractions import Fraction

from django.utils.translation import gettext_lazy as _

from common.errors import Sentence

FEN = 100  # of one yuan
MOST_FEN = 10**13  # a hundred billion yuan: more is a slip of the hand

_YUAN = re.compile(r"(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.(\d*))?")


class NotMoney(ValueError):
    """What was written is no amount; ``sentence`` says why."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


def fen_of(raw: object) -> int:
    """Return the fen of an amount in yuan such as "1,234.50"; full-width digits and ¥ are read.

    Raises:
        NotMoney: no text, no number, negative, more than two decimals, or beyond all measure.
    """
    if isinstance(raw, bool) or not isinstance(raw, str | int):
        raise NotMoney(_("Write an amount in yuan, such as 1234.50."))
    text = unicodedata.normalize("NFKC", str(raw)).strip().removeprefix("¥").strip()
    if text.startswith(("-", "−")):
        raise NotMoney(_("An amount cannot be negative."))
    found = _YUAN.fullmatch(text) if len(text) <= 30 and text.isascii() else None
    if found is None:
        raise NotMoney(_("Write an amount in yuan, such as 1234.50."))
    decimals = found[1] or ""
    if len(decimals) > 2:
        raise NotMoney(_("An amount has at most two decimals: whole fen."))
    whole = text.split(".", maxsplit=1)[0].replace(",", "")
    fen = int(whole) * FEN + int(decimals.ljust(2, "0") or 0)
    if fen > MOST_FEN:
        raise NotMoney(_("This amount is too large."))
    return fen


def whole_fen(exact: Fraction | Decimal | int) -> int:
    """Return an exact amount of fen as whole fen, halves up: the one rule of rounding money.

    12.5 → 13, 12.49 → 12. Amounts that are taken off are rounded before they get their sign.
    """
    return int((Fraction(exact) + Fraction(1, 2)) // 1)


def yuan_of(fen: int) -> str:
    """Return the plain figure in yuan, for forms and files: 123450 → "1234.50"."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // FEN}.{abs(fen) % FEN:02d}"


def money_text(fen: int) -> str:
    """Return the figure as people read it: 123450 → "1,234.50"."""
    sign = "−" if fen < 0 else ""
    return f"{sign}{abs(fen) // FEN:,}.{abs(fen) % FEN:02d}"
