"""Reading what a dispatcher needs to decide: the suggestion with its reason, what was before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.functional import cached_property

from accounts.models import Organisation
from cases.models import Case
from cases.publish import Routing
from dispatch.routing.facts import Here, book_of, facts_of, here
from dispatch.routing.rules import Decision, Ground, RuleBook, cooperating, decide
from dispatch.routing.words import Words


@dataclass(frozen=True)
class Suggestion:
    """What the rules in force say of a case; a person confirms.

    ``organisation`` None: nobody answers, and ``reason`` says why.
    """

    book: RuleBook
    decision: Decision
    ground: Ground
    organisation: Organisation | None
    helpers: tuple[tuple[Organisation, bool, str], ...] = ()
    is_automatic: bool = False

    @property
    def reason(self) -> str:
        """Why, in the reader's language."""
        return Words(self.book).reason(self.decision)

    @property
    def passed_over(self) -> list[str]:
        """Rules that would have decided, had their body not gone, in words."""
        return Words(self.book).passed_over(self.decision)

    @cached_property
    def rule_name(self) -> str:
        """The name of the rule that decided, in the reader's language."""
        return Words(self.book).name(self.decision.rule) if self.decision.rule else ""

    @property
    def cooperating(self) -> list[dict[str, Any]]:
        """Who helps, as the door takes it."""
        return [
            {"organisation": body.code, "mandatory": is_mandatory, "task": task}
            for body, is_mandatory, task in self.helpers
        ]


NO_RULES = RuleBook(0, ())


def route(case: Case, now: datetime) -> tuple[RuleBook, Decision, Ground]:
    """Ask the rules in force about a case given out now: one query."""
    place = here(case, timezone.localdate(now))
    book = book_of(place.rules_id) if place.rules_id is not None else NO_RULES
    return book, decide_at(book, case, place, at=now), place.ground


def decide_at(
    book: RuleBook, case: Case, place: Here, *, at: datetime, on: date | None = None
) -> Decision:
    """Ask some rules about a case given out at a moment, by the contracts of a day (its own)."""
    day = on or timezone.localdate(at)
    facts = facts_of(case, place, at=at, on=day, needs_day=book.needs_days)
    return decide(book.rules, facts, place.ground)


def routing_of_case(*, case: Case, now: datetime, **_rest: Any) -> Routing | None:
    """Answer the door: what the rules in force say of a case. One query."""
    book, decision, _ground = route(case, now)
    if not book.number:
        return None
    return Routing(
        version=book.number,
        rule=decision.rule.code if decision.rule else "",
        organisation=decision.organisation,
        is_automatic=book.is_automatic(decision, case.type.code if case.type else ""),
    )


def suggest_department(case: Case, now: datetime) -> Suggestion:
    """Return what the rules in force say of a case given out now: at most two queries."""
    book, decision, ground = route(case, now)
    parts = cooperating(decision, ground)
    ids = {part.organisation for part in parts} | {decision.organisation} - {None}
    found = bodies(ids)
    return Suggestion(
        book,
        decision,
        ground,
        found.get(decision.organisation) if decision.organisation else None,
        tuple((found[part.organisation], part.is_mandatory, part.task) for part in parts),
        book.is_automatic(decision, case.type.code if case.type else ""),
    )


def bodies(ids: Iterable[int | None]) -> dict[int, Organisation]:
    """Return organisations by id, with what a chip shows: one query, none for none."""
    wanted = [pk for pk in ids if pk is not None]
    return Organisation.objects.in_bulk(wanted) if wanted else {}
