"""Which cases a query means: a condition for lists and the API, the newest few for the header.

What may be seen is ``visible_to``'s to say; who called may be searched by those alone who may see
it. Each way to be found reads its own index; see docs/rules/search.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from operator import and_, or_
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BooleanField,
    ExpressionWrapper,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
)
from django.utils import timezone

from accounts.models import User
from accounts.roles import SEE_PERSONAL_DATA, may
from cases.models import Case, CasePerson, CaseWords
from cases.search.reading import Query, is_letters, is_type_code, pairs_of, read_query
from cases.search.sounds import words_sounding
from common.lookups import array_of
from components.models import CaseType, Component

SERIAL_DIGITS = 5  # "137" is the 137th case of a day
SERIAL_DAYS = 7
NUMBER_DIGITS = 4  # a year at least
CODE_DIGITS = 11  # of a component: district, class, type and a digit
LAST_DIGITS = 4  # of a telephone are enough
NAME_LENGTH = range(2, 5)
WINDOW = 20_000  # of the newest cases, which tell how common a word is
COMMON = 25
MOST_OF_A_KEY = 1000  # cases of a caller, of components


class Pairs(Func):
    """The pairs of characters of a document: the index case_words_pairs."""

    function = "cases_pairs"
    output_field = ArrayField(TextField())


class Digits(Func):
    """A telephone number without what is no digit: the index case_person_digits."""

    function = "cases_digits"
    output_field = TextField()


@dataclass(frozen=True, slots=True)
class Search:
    """A query as somebody may ask it on a day."""

    query: Query
    sees_people: bool
    city_id: int | None
    on: date

    @classmethod
    def of(cls, text: str, user: User, now: datetime) -> Search:
        """Read what somebody typed."""
        return cls(
            read_query(text),
            may(user.roles, SEE_PERSONAL_DATA),
            user.city_id,
            timezone.localdate(now),
        )

    def numbers(self) -> Q | None:
        """Cases by their number: its beginning, or its place in one of the last days."""
        digits = self.query.digits
        if not digits:
            return None
        meant = Q(number__startswith=digits) if len(digits) >= NUMBER_DIGITS else Q()
        if len(digits) <= SERIAL_DIGITS:
            days = (self.on - timedelta(days=back) for back in range(SERIAL_DAYS))
            meant |= Q(number__in=[f"{day:%Y%m%d}{int(digits):0{SERIAL_DIGITS}d}" for day in days])
        return meant

    def keyed(self) -> Iterator[QuerySet[Any, Any]]:
        """Yield the ids of cases found by a component's code, a caller's telephone or name."""
        digits, terms = self.query.digits, self.query.terms
        if len(digits) >= CODE_DIGITS:
            codes = Component.objects.filter(code__startswith=digits, city=self.city_id)
            some = codes.order_by("code").values("pk")[:MOST_OF_A_KEY]
            yield Case.objects.filter(component__in=some).order_by().values_list("pk", flat=True)
        if not self.sees_people:
            return
        people = CasePerson.objects.order_by().values_list("case_id", flat=True)
        if len(digits) >= LAST_DIGITS:
            calls = people.alias(said=Digits("phone")).exclude(phone="")
            yield calls.filter(said__contains=digits)
        if len(terms) == 1 and len(terms[0]) in NAME_LENGTH and not terms[0].isascii():
            yield people.filter(name__startswith=terms[0]).exclude(name="")

    def words(self) -> Q | QuerySet[Any, Any] | None:
        """Return the condition that every term stands in a case, or the ids of such cases.

        None where no term can be looked up.

        Words that many of the newest cases hold are looked for from the newest case on; the others
        by the index of pairs. PostgreSQL would guess which it is, and guess wrong for long words.
        """
        if not any(len(term) > 1 for term in self.query.terms):
            return None
        terms = [self._meant(term) for term in self.query.terms]
        standing = reduce(and_, (_any_of(words, _stands) for words in terms))
        if _is_common(standing):
            return _said(standing)
        # Apart from each other: beside LIKE in one OR, the pairs would be cut for each row anew.
        paired = [_any_of(words, _paired) for words in terms if all(map(pairs_of, words))]
        found = CaseWords.objects.alias(pairs=Pairs(F("document"))).filter(*paired, standing)
        return found.order_by().values("case_id")

    def _meant(self, term: str) -> list[str]:
        """Return the words a term may stand for, itself first."""
        if is_letters(term):
            return [term, *words_sounding(term, self.on)]
        if is_type_code(term):
            types = CaseType.objects.valid_on(self.on).filter(code=term.upper())
            return [term, *types.values_list("name", flat=True)]
        return [term]


def _any_of(words: list[str], condition: Callable[[str], Q]) -> Q:
    return reduce(or_, map(condition, words))


def _stands(word: str) -> Q:
    """The document holds a word."""
    return Q(document__contains=word)


def _said(standing: Q) -> Q:
    """The case's document fulfils it, asked case by case: a scalar is never made a join."""
    told = ExpressionWrapper(standing, output_field=BooleanField())
    document = CaseWords.objects.filter(case=OuterRef("pk")).values(told=told)[:1]
    return Q(Subquery(document, output_field=BooleanField()))


def _paired(word: str) -> Q:
    """The document has the pairs of a word, by the index; not yet that it holds the word."""
    return Q(pairs__contains=pairs_of(word))


def _is_common(standing: Q) -> bool:
    """Tell whether enough of the newest cases fulfil a condition to find a page by walking them."""
    newest = CaseWords.objects.order_by("-reported_at", "-case_id")
    oldest = newest.values_list("reported_at", flat=True)[WINDOW : WINDOW + 1].first()
    window = (
        CaseWords.objects.filter(reported_at__gte=oldest) if oldest else CaseWords.objects.all()
    )
    return window.filter(standing)[:COMMON].count() == COMMON


def case_search(*, text: str, user: User, now: datetime) -> Q:
    """Return the condition that a case is meant by ``text``; nothing fits what is too short.

    For lists of cases that ``user`` may see. What a number, a code or a caller leads to is looked
    up first: it is little.
    """
    search = Search.of(text, user, now)
    numbers, words = search.numbers(), search.words()
    known: set[int] = set()
    for rows in search.keyed():
        known.update(rows[:MOST_OF_A_KEY])
    if numbers is not None:
        cases = Case.objects.filter(numbers).order_by("-reported_at", "-pk")
        known.update(cases.values_list("pk", flat=True)[:MOST_OF_A_KEY])
    if isinstance(words, QuerySet):
        words = Q(pk__any_of=array_of(words))
    return Q(pk__in=known) | words if words else Q(pk__in=known)


def cases_found(*, text: str, user: User, now: datetime, limit: int) -> list[Case]:
    """Return the newest cases that ``text`` may mean and ``user`` may see, open ones first."""
    if read_query(text).is_empty:
        return []
    visible = Case.objects.newest_visible_to(user, is_narrowed=True)
    found = visible.filter(case_search(text=text, user=user, now=now))
    newest = found.order_by("-reported_at", "-pk").values("pk")[:limit]
    rows = Case.objects.filter(pk__any_of=array_of(newest)).defer("street__geometry")
    rows = rows.select_related("type", "department", "street").order_by("-reported_at", "-pk")
    return sorted(rows, key=lambda case: (case.number != text.strip(), not case.is_open))
