"""Refusals of the door. Their order stands in docs/rules/door.md and is kept by ``case_act``."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from common.errors import DomainError

Sentence = str | Promise
NO_CASE = _("There is no such case.")
ROLE_REFUSED = _("Your role may not do this here.")


class CaseNotFound(DomainError):
    """The case does not exist for this person, or there is no such action."""

    def __init__(self, message: Sentence = NO_CASE) -> None:
        super().__init__("not_found", message, status=404)


class ActionRefused(DomainError):
    """The door says no; nothing was changed."""


def role_refused(message: Sentence = ROLE_REFUSED) -> ActionRefused:
    """403: nobody in this person's post may do it."""
    return ActionRefused("role_refused", message, status=403)


def stale_version() -> ActionRefused:
    """409: somebody acted in between."""
    return ActionRefused(
        "stale_version",
        _("Somebody has changed this case in the meantime. Here is the case as it is now."),
        status=409,
    )


def not_possible(message: Sentence) -> ActionRefused:
    """409: the case is not in a state in which this can be done."""
    return ActionRefused("not_possible", message, status=409)


def same_person(message: Sentence) -> ActionRefused:
    """403: two acts that must not be done by the same person or organisation."""
    return ActionRefused("same_person", message, status=403)


def missing_field(*names: str) -> ActionRefused:
    """400: required fields were not sent."""
    fields = {name: [_("This is required.")] for name in names}
    return ActionRefused("missing_field", _("Something required is missing."), fields, status=400)


def invalid(name: str, message: Sentence) -> ActionRefused:
    """400: one field cannot be used as sent."""
    fields: Mapping[str, list[Sentence]] = {name: [message]}
    return ActionRefused("invalid", message, dict(fields), status=400)
