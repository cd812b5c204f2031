"""What the hotline knows of whoever calls: their name and their last reports, by the number."""

from __future__ import annotations

import re
from dataclasses import dataclass

from accounts.models import User
from accounts.roles import SEE_PERSONAL_DATA, may
from cases.models import Case, CasePerson
from cases.search.selectors import Digits

LEAST_DIGITS = 7  # shorter ones are many people's
MOST = 5


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller known by their number: the last name they gave, the last cases, how many in all."""

    name: str
    cases: list[Case]
    count: int


def caller_of(*, phone: str, user: User) -> Caller | None:
    """Return who called from a number before; None for nobody, and for those who may not know.

    However the number is written, by the index case_person_digits.
    """
    digits = re.sub(r"\D", "", phone)
    if len(digits) < LEAST_DIGITS or not may(user.roles, SEE_PERSONAL_DATA):
        return None
    calls = CasePerson.objects.alias(said=Digits("phone")).exclude(phone="")
    known = calls.filter(said__contains=digits, said=digits)
    cases = Case.objects.visible_to(user, from_case=True).filter(pk__in=known.values("case_id"))
    newest = list(
        cases.select_related("type", "department", "person").order_by("-reported_at")[:MOST]
    )
    if not newest:
        return None
    name = next((case.person.name for case in newest if case.person.name), "")
    return Caller(name, newest, cases.count())
