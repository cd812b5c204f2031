"""Erasing personal data: words and names go, the chain stays whole.

Events hold only salted digests of what people wrote. Deleting text and salt together leaves a
digest that can no longer be tried against guesses.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cases.models import Case, CasePerson, EventText


@transaction.atomic
def case_erase_words(*, case: Case, now: datetime) -> int:
    """Erase who reported and everything people wrote in a case; returns how many texts went.

    The case's own description and address go too. A second call changes nothing.
    """
    CasePerson.objects.filter(case=case, erased_at__isnull=True).update(
        name="", phone="", erased_at=now
    )
    Case.objects.filter(pk=case.pk).update(description="", address="")
    return EventText.objects.filter(event__case=case, erased_at__isnull=True).update(
        salt="", content=None, erased_at=now
    )
