"""What somebody typed into the search box, taken apart. Pure: no queries.

Words are compared folded, as the database folds what it keeps (``cases_folded``): full width as
half width, small letters, punctuation as a space.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MAX_LENGTH = 100
MAX_TERMS = 8
PAIR = 2  # the database keeps pairs of characters
_BETWEEN = re.compile(r"[\s,.;:!?()'\"，。；：！？（）、“”‘’《》【】·~_/-]+")
# Chinese, letters and figures are terms of their own: 古墩路88号 is also written 古墩路 88 号.
_TERM = re.compile(r"[ce]\d{4}(?!\d)|[a-z]+|\d+|[^a-z\d\s]+")
_LETTERS = re.compile(r"[a-z]+")
_TYPE_CODE = re.compile(r"[ce]\d{4}")
# A number that is dialled: blanks, dashes and brackets between its digits are no words' ends.
_PHONE = re.compile(r"^\+?\d[\d ()-]{5,24}\d$")


@dataclass(frozen=True, slots=True)
class Query:
    """The terms of a query: all of them must fit.

    ``digits`` is what a query of digits alone is as one number; such a query may mean a case, a
    component or a caller.
    """

    terms: tuple[str, ...]
    digits: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to look for: no term of two characters at least."""
        return not self.digits and not any(len(term) >= PAIR for term in self.terms)


def folded(text: str) -> str:
    """Return a text as the database folds it."""
    return _BETWEEN.sub(" ", unicodedata.normalize("NFKC", text).lower()).strip()


def read_query(text: str) -> Query:
    """Take a query apart.

    >>> read_query("文三路 jinggai")
    Query(terms=('文三路', 'jinggai'), digits='')
    >>> read_query("138-0000 1234").digits
    '13800001234'
    """
    text = unicodedata.normalize("NFKC", text.replace("\0", " "))[:MAX_LENGTH].strip()
    terms = tuple(dict.fromkeys(_TERM.findall(folded(text))))[:MAX_TERMS]
    if len(terms) == 1 and terms[0].isdecimal():
        return Query(terms, terms[0])
    if _PHONE.match(text):
        return Query(terms, re.sub(r"\D", "", text))
    return Query(terms)


def is_letters(term: str) -> bool:
    """Tell whether a term may be how a word sounds."""
    return _LETTERS.fullmatch(term) is not None


def is_type_code(term: str) -> bool:
    """Tell whether a term is written as the code of a type."""
    return _TYPE_CODE.fullmatch(term) is not None


def pairs_of(term: str) -> list[str]:
    """Return the pairs of characters of a term, as the database cuts them.

    >>> pairs_of("文三路")
    ['文三', '三路']
    """
    return list(dict.fromkeys(term[at : at + PAIR] for at in range(len(term) - 1)))
