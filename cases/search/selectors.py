"""Which cases a query means: a condition for lists and the API, the newest few for the header.

What may be seen is ``visible_to``'s to say; who called may be searched by those alone who may see
it. Each way to be found reads its own index; see docs/rules/search.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, Q, QuerySet, TextField
from django.utils import timezone

from accounts.models import User
from accounts.roles import SEE_PERSONAL_DATA, may
from cases.models import Case, CasePerson, CaseWords
from cases.search.reading import Query, is_letters, is_type_code, pairs_of, read_query
from cases.search.sounds import words_sounding
from components.models import CaseType, Component

SERIAL_DIGITS = 5  # "137" is the 137th case of a day
SERIAL_DAYS = 7
NUMBER_DIGITS = 4  # a year at least
CODE_DIGITS = 11  # of a component: district, class, type and a digit
LAST_DIGITS = 4  # of a telephone are enough
NAME_LENGTH = range(2, 5)
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

    def keys(self) -> Iterator[QuerySet[Any, Any]]:
        """Yield the ids of cases found by a component's code, a caller's telephone or name."""
        digits, terms = self.query.digits, self.query.terms
        if len(digits) >= CODE_DIGITS:
            codes = Component.objects.filter(code__startswith=digits, city=self.city_id)
            some = codes.order_by("code").values("pk")[:MOST_OF_A_KEY]
            yield Case.objects.filter(component__in=some).order_by().values("pk")
        if not self.sees_people:
            return
        people = CasePerson.objects.order_by().values("case_id")
        if len(digits) >= LAST_DIGITS:
            calls = people.alias(said=Digits("phone")).exclude(phone="")
            yield calls.filter(said__contains=digits)
        if len(terms) == 1 and len(terms[0]) in NAME_LENGTH and not terms[0].isascii():
            yield people.filter(name__startswith=terms[0]).exclude(name="")

    def words(self) -> QuerySet[CaseWords] | None:
        """Return the documents in which every term stands; None where no term can be looked up."""
        if not any(len(term) > 1 for term in self.query.terms):
            return None
        found = CaseWords.objects.alias(pairs=Pairs(F("document"))).order_by()
        for term in self.query.terms:
            found = found.filter(self._term(term))
        return found

    def _term(self, term: str) -> Q:
        meant = [term]
        if is_letters(term):
            meant += words_sounding(term, self.on)
        elif is_type_code(term):
            types = CaseType.objects.valid_on(self.on).filter(code=term.upper())
            meant += types.values_list("name", flat=True)
        condition = Q()
        for word in meant:
            condition |= _stands(word)
        return condition


def _stands(word: str) -> Q:
    """The document holds a word: its pairs by the index, then the word itself."""
    pairs = pairs_of(word)
    holds = Q(document__contains=word)
    return Q(pairs__contains=pairs) & holds if pairs else holds


def case_search(*, text: str, user: User, now: datetime) -> Q:
    """Return the condition that a case is meant by ``text``; nothing fits what is too short.

    For lists of cases that ``user`` may see. Every part stands alone in a union, so that PostgreSQL
    reads the index of each.
    """
    search = Search.of(text, user, now)
    parts = list(search.keys())
    numbers, words = search.numbers(), search.words()
    if numbers is not None:
        parts.append(Case.objects.filter(numbers).order_by().values("pk"))
    if words is not None:
        parts.append(words.values("case_id"))
    if not parts:
        return Q(pk__in=[])
    return Q(pk__in=parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0])


def cases_found(*, text: str, user: User, now: datetime, limit: int) -> list[Case]:
    """Return the newest cases that ``text`` may mean and ``user`` may see, open ones first."""
    if read_query(text).is_empty:
        return []
    found = Case.objects.visible_to(user).filter(case_search(text=text, user=user, now=now))
    rows = found.select_related("type", "department", "street").order_by("-reported_at", "-pk")
    return sorted(rows[:limit], key=lambda case: (case.number != text.strip(), not case.is_open))
