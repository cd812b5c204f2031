"""The code on a plate: ten random characters, and two that tell mistyped from unknown ones.

The alphabet is Crockford's base 32, which leaves out I, L, O and U. Ten characters are 50 bits: of
1,000,000 plates one guess in 1,100,000,000 hits one. The two check characters are those of a
Reed-Solomon code over 32 symbols, whose words differ in three places at least: any one or two wrong
characters and any two that changed places are found, of other nonsense 1,023 in 1,024. They need no
key, so a plate stays good for as long as its steel does.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from common.errors import DomainError

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_LENGTH, CHECK_LENGTH, GROUP = 10, 2, 4
CODE_LENGTH = RANDOM_LENGTH + CHECK_LENGTH
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
_POLYNOMIAL = 0b100101  # x⁵ + x² + 1, by which the 32 symbols are a field


class PlateMistyped(DomainError):
    """The text cannot be the code of any plate."""

    def __init__(self) -> None:
        message = _("This is not the code of a plate: a character was mistyped or left out.")
        super().__init__("mistyped", message, {"code": [message]}, status=400)


def code_new() -> str:
    """Return a random code with its check."""
    symbols = [secrets.randbelow(len(ALPHABET)) for _each in range(RANDOM_LENGTH)]
    return "".join(ALPHABET[symbol] for symbol in (*symbols, *_check_of(symbols)))


def code_read(text: str) -> str:
    """Return the code somebody typed or scanned: any case, with or without hyphens, O for 0.

    Raise PlateMistyped for what cannot be a code.
    """
    plain = unicodedata.normalize("NFKC", text).upper().translate(_READ_AS)
    symbols = [ALPHABET.find(character) for character in plain]
    if len(symbols) != CODE_LENGTH or min(symbols) < 0:
        raise PlateMistyped
    if symbols[RANDOM_LENGTH:] != _check_of(symbols[:RANDOM_LENGTH]):
        raise PlateMistyped
    return plain


def code_in_groups(code: str) -> str:
    """Return the code as it is printed and read out: ``7K3M-Q9XD-4WTR``."""
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


def _check_of(symbols: Sequence[int]) -> list[int]:
    """Return what remains of the symbols, as a polynomial, divided by (x - α)(x - α²)."""
    high = low = 0
    for symbol in symbols:
        feedback = symbol ^ high
        high, low = low ^ _times(feedback, _MIDDLE), _times(feedback, _LAST)
    return [high, low]


def _times(left: int, right: int) -> int:
    product = 0
    while right:
        if right & 1:
            product ^= left
        left <<= 1
        if left & len(ALPHABET):
            left ^= _POLYNOMIAL
        right >>= 1
    return product


_ALPHA = 2
_SQUARE = _times(_ALPHA, _ALPHA)
_MIDDLE, _LAST = _ALPHA ^ _SQUARE, _times(_ALPHA, _SQUARE)
