"""Keeping and dropping one's own phrases; those of a team are edited in the admin."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from cases.models import Phrase
from cases.models.aids import PHRASE_LENGTH
from common.errors import DomainError, Sentence
from common.text import clean_text

MOST_OWN = 100


class PhraseRefused(DomainError):
    """This cannot be kept as a phrase; nothing was changed."""

    def __init__(self, message: Sentence) -> None:
        super().__init__("invalid", message, {"text": [message]}, status=400)


def phrase_keep(*, user: User, text: str, action: str = "") -> Phrase:
    """Keep a text among a person's own phrases, for one action or for all; once, however often.

    Raises:
        PhraseRefused: it is empty, too long, or one more than a person may have.
    """
    words = clean_text(text)
    if not words:
        raise PhraseRefused(_("Write something first; then it can be kept."))
    if len(words) > PHRASE_LENGTH:
        raise PhraseRefused(
            _("A phrase has at most %(limit)s characters.") % {"limit": PHRASE_LENGTH}
        )
    if user.city_id is None:
        raise PhraseRefused(_("You belong to no city."))
    own = Phrase.objects.filter(owner=user)
    if own.count() >= MOST_OWN and not own.filter(text=words, action=action).exists():
        raise PhraseRefused(_("You have %(limit)s phrases: drop one first.") % {"limit": MOST_OWN})
    phrase, _created = Phrase.objects.get_or_create(
        city_id=user.city_id, owner=user, organisation=None, role="", action=action, text=words
    )
    return phrase


def phrase_drop(*, user: User, phrase_id: int) -> None:
    """Drop one of a person's own phrases; what is gone already stays gone."""
    Phrase.objects.filter(pk=phrase_id, owner=user).delete()


def phrases_for(user: User, action: str) -> QuerySet[Phrase]:
    """Return the phrases a person is offered where an action asks for words, own ones first.

    Those made for the action come before those for everything.
    """
    offered = Phrase.objects.offered_to(user).filter(action__in=("", action))
    return offered.order_by("owner", "-action", "position", "pk")
