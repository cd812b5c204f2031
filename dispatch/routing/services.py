"""Publishing routing rules: the draft becomes a numbered version that suggestions follow."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import City, User
from common.errors import DomainError
from common.text import clean_text
from dispatch.models import PublishedRules
from dispatch.routing.analysis import unusable
from dispatch.routing.draft import digest_of, draft_data, draft_replace
from dispatch.routing.facts import organisations_of, rules_in_force, trades_of
from dispatch.routing.rules import RuleBook
from dispatch.routing.world import world_on


class RulesUnusable(DomainError):
    """The draft names what is not there: it cannot be published (409)."""

    def __init__(self, sentences: list[str]) -> None:
        message = _("These rules cannot be published like this.")
        super().__init__("rules_unusable", message, {"rules": sentences}, status=409)


class DraftChanged(DomainError):
    """Somebody edited or published meanwhile: what was looked at is not what there is (409)."""

    def __init__(self) -> None:
        message = _(
            "The rules were edited or published meanwhile. Look at them again before publishing."
        )
        super().__init__("stale_version", message, status=409)


@transaction.atomic
def rules_publish(
    *,
    city: City,
    actor: User | None,
    now: datetime,
    note: str = "",
    digest: str | None = None,
    number: int | None = None,
) -> PublishedRules:
    """Publish the draft and return its version; the version in force when nothing changed.

    ``digest`` and ``number`` are of the draft and the version that the actor looked at; None
    (commands, set-up) takes both as they are.

    Raises:
        DraftChanged: either is another by now.
        RulesUnusable: a rule names a body that cannot handle cases, or there are no rules.
    """
    City.objects.select_for_update().get(pk=city.pk)
    data = draft_data(city)
    current = rules_in_force(city.pk)
    found = digest_of(data)
    if digest not in (None, found) or number not in (None, current.number if current else 0):
        raise DraftChanged
    if current is not None and current.digest == found:
        return current
    book = RuleBook.from_data(data, 0)
    if sentences := unusable(book, world_on(city, now)):
        raise RulesUnusable(sentences)
    return PublishedRules.objects.create(
        city=city,
        number=current.number + 1 if current else 1,
        data=data,
        digest=found,
        trades=trades_of(book),
        organisations=sorted(organisations_of(book)),
        published_at=now,
        published_by=actor,
        note=clean_text(note)[:200],
    )


def draft_take_back(*, city: City, number: int) -> PublishedRules:
    """Make the draft what a version was; raises DomainError ``not_found`` where there is none."""
    rules = PublishedRules.objects.filter(city=city, number=number).first()
    if rules is None:
        raise DomainError("not_found", _("There is no such version."), status=404)
    draft_replace(city=city, data=_stored(rules))
    return rules


def _stored(rules: PublishedRules) -> dict[str, Any]:
    return {"rules": rules.data["rules"], "automatic_types": rules.data["automatic_types"]}
