"""What a draft would change: the last cases asked twice, by the rules in force and by the draft.

A case is asked as if it came today at the hour it was really given out (or, not yet given out, at
this hour): today's organisations, ground and contracts, its own time of day. What is published
afterwards answers the same cases in the same way, so that the table shows exactly what changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from accounts.models import City, Organisation
from cases.models import Case, SubOrder
from components.models import Component
from dispatch.routing.facts import Here, here
from dispatch.routing.rules import Decision, RuleBook
from dispatch.selectors import NO_RULES, decide_at
from grid.models import Jurisdiction

SIZES = (200, 1000, 5000)
Place = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Who leads by some rules, and by which."""

    organisation: int | None
    rule: str

    @classmethod
    def of(cls, decision: Decision) -> Answer:
        """Return what a decision comes to."""
        return cls(decision.organisation, decision.rule.code if decision.rule else "")


@dataclass(frozen=True, slots=True)
class Change:
    """A case that the draft would give to another: before, after, and who really had it."""

    case: Case
    before: Answer
    after: Answer


@dataclass(frozen=True)
class DryRun:
    """A draft asked about real cases."""

    asked: int
    changes: list[Change]
    used: Counter[str] = field(default_factory=Counter)  # cases by rule of the draft, "" none
    used_before: Counter[str] = field(default_factory=Counter)
    followed: int = 0  # cases that went where the draft would send them
    followed_before: int = 0

    @cached_property
    def moves(self) -> list[tuple[int | None, int | None, int]]:
        """From whom to whom how many cases would go, the most first."""
        pairs = Counter((c.before.organisation, c.after.organisation) for c in self.changes)
        return [(before, after, count) for (before, after), count in pairs.most_common()]

    @cached_property
    def bodies(self) -> dict[int, Organisation]:
        """The organisations that the changes name: one query."""
        ids = {body for move in self.moves for body in move[:2]} | {
            change.case.department_id for change in self.changes
        }
        return Organisation.objects.in_bulk([pk for pk in ids if pk is not None])


def dry_run(
    *, city: City, draft: RuleBook, current: RuleBook | None, count: int, now: datetime
) -> DryRun:
    """Ask a draft and the rules in force about the last ``count`` cases that have a type."""
    today = timezone.localdate(now)
    changes, used, used_before = [], Counter[str](), Counter[str]()
    followed = followed_before = asked = 0
    before_book = current or NO_RULES
    for case, place in placed(recent_cases(city, count), today, draft):
        at = case.given_out_at or now  # type: ignore[attr-defined]
        before = Answer.of(decide_at(before_book, case, place, at=at, on=today))
        after = Answer.of(decide_at(draft, case, place, at=at, on=today))
        asked += 1
        used[after.rule] += 1
        used_before[before.rule] += 1
        if case.department_id is not None:
            followed += after.organisation == case.department_id
            followed_before += before.organisation == case.department_id
        if before.organisation != after.organisation:
            changes.append(Change(case, before, after))
    return DryRun(asked, changes, used, used_before, followed, followed_before)


def recent_cases(city: City, count: int) -> Iterable[Case]:
    """Return the newest cases with a type, with what the rules ask; index case_newest."""
    lead = SubOrder.objects.filter(case=OuterRef("pk"), is_lead=True).order_by("pk")
    return (
        Case.objects.filter(city=city, type__isnull=False)
        .select_related("type", "standard", "district")
        .annotate(given_out_at=Subquery(lead.values("dispatched_at")[:1]))
        .order_by("-reported_at", "-pk")[:count]
    )


def placed(
    cases: Iterable[Case], on: date, book: RuleBook | None = None
) -> Iterator[tuple[Case, Here]]:
    """Yield cases with who answers where they lie, asked once a place, trade and standard."""
    rows = list(cases)
    owned = _components(rows)
    by_cell = Jurisdiction.objects.filter(cells__isnull=False).exists()
    known: dict[Place, Here] = {}
    for case in rows:
        key = (
            case.community_id,
            case.management_area_id,
            case.cell_id if by_cell else None,
            case.type_id,
            case.standard_id,
        )
        if key not in known:
            known[key] = here(case, on, book)
        yield case, replace(known[key], component=owned.get(case.component_id or 0, {}))


def _components(cases: list[Case]) -> dict[int, dict[str, int | None]]:
    """Return the active bodies of the cases' components: one query."""
    rows = Component.objects.filter(
        pk__in={case.component_id for case in cases if case.component_id is not None}
    ).select_related("maintainer", "owner", "competent_body")
    return {
        row.pk: {
            name: body.pk if body is not None and body.is_active else None
            for name, body in (
                ("maintainer", row.maintainer),
                ("owner", row.owner),
                ("competent", row.competent_body),
            )
        }
        for row in rows
    }
