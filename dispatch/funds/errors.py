"""Refusals of the funds; those they share with the door come from ``cases.errors``."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from cases.errors import ActionRefused
from common.errors import DomainError
from common.money import money_text


class FundNotFound(DomainError):
    """The fund, work or entry does not exist for this person."""

    def __init__(self) -> None:
        super().__init__("not_found", _("There is no such fund or work."), status=404)


def not_enough_money(wanted_fen: int, free_fen: int) -> ActionRefused:
    """409: the account would fall below zero."""
    message = _("The fund has not enough money: %(wanted)s needed, %(free)s there.")
    said = {"wanted": money_text(wanted_fen), "free": money_text(free_fen)}
    return ActionRefused("not_enough_money", message % said, status=409)


def year_closed(year: int) -> ActionRefused:
    """409: the book is closed, or was never opened."""
    message = _("The fund's book of %(year)s is closed: nothing can be booked there.")
    return ActionRefused("year_closed", message % {"year": year}, status=409)


def no_book(year: int) -> ActionRefused:
    """409: nobody has entered a budget for the year."""
    message = _("The fund has no book for %(year)s yet: a leader enters its budget first.")
    return ActionRefused("no_book", message % {"year": year}, status=409)
