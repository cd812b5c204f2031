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

from django.db import transaction
from django.db.models import Case as Choose
from django.db.models import F, OuterRef, Prefetch, Subquery, When, prefetch_related_objects
from django.utils import timezone

from accounts.models import City, Organisation
from cases.fields import HANDLING_KINDS
from cases.models import Case, SubOrder
from components.department_kinds import DepartmentKind
from dispatch.routing.facts import Here, facts_of, here
from dispatch.routing.rules import Decision, RuleBook, decide
from grid.models import Area, Jurisdiction

SIZES = (1000, 10_000, 100_000)
LISTED = 1000  # of the changes, case by case on a page
AT_ONCE = 1000
ASKED = (
    *("number", "type", "standard", "zone_grade", "source", "department"),
    *("city", "district", "street", "community", "management_area", "cell", "component"),
)
RELATIONS = {"maintainer": "maintainer", "owner": "owner", "competent": "competent_body"}
Key = tuple[int | None, ...]


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
    def listed(self) -> list[Change]:
        """The newest changes, as a page lists them: one query."""
        newest = self.changes[:LISTED]
        names = Area.objects.only("name", "name_en")  # without their borders
        prefetch_related_objects([row.case for row in newest], Prefetch("district", names))
        return newest

    @cached_property
    def bodies(self) -> dict[int, Organisation]:
        """The organisations that the changes name: one query."""
        ids = {body for move in self.moves for body in move[:2]} | {
            change.case.department_id for change in self.changes
        }
        return Organisation.objects.in_bulk([pk for pk in ids if pk is not None])


@transaction.atomic  # the cases are read through a cursor
def dry_run(
    *, city: City, draft: RuleBook, current: RuleBook | None, count: int, now: datetime
) -> DryRun:
    """Ask a draft and the rules in force about the last ``count`` cases that have a type."""
    today = timezone.localdate(now)
    changes, used, used_before = [], Counter[str](), Counter[str]()
    followed = followed_before = asked = 0
    rules_before = current.rules if current else ()
    needs_day = draft.needs_days or bool(current and current.needs_days)
    for case, place in placed(recent_cases(city, count), today, draft):
        at = case.given_out_at or now  # type: ignore[attr-defined]
        facts = facts_of(case, place, at=at, on=today, needs_day=needs_day)
        before = Answer.of(decide(rules_before, facts, place.ground))
        after = Answer.of(decide(draft.rules, facts, place.ground))
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
    """Yield the newest cases with a type, with what the rules ask; index case_newest."""
    lead = SubOrder.objects.filter(case=OuterRef("pk"), is_lead=True).order_by("pk")
    newest = Case.objects.filter(city=city, type__isnull=False).order_by("-reported_at", "-pk")
    asked = newest.annotate(
        given_out_at=Subquery(lead.values("dispatched_at")[:1]),
        **{name: _if_handling(f"component__{link}") for name, link in RELATIONS.items()},
    )
    return asked.only(*ASKED).prefetch_related("type")[:count].iterator(chunk_size=AT_ONCE)


def _if_handling(body: str) -> Choose:
    handles = {f"{body}__is_active": True, f"{body}__kind__in": HANDLING_KINDS}
    return Choose(When(**handles, then=F(body)))


def placed(
    cases: Iterable[Case], on: date, book: RuleBook | None = None
) -> Iterator[tuple[Case, Here]]:
    """Yield cases with who answers where they lie, asked once a place, for all trades."""
    cells_apart = set(Jurisdiction.cells.through.objects.values_list("gridcell_id", flat=True))
    known: dict[Key, Here] = {}
    trades: dict[Key, str] = {}
    for case in cases:
        cell = case.cell_id if case.cell_id in cells_apart else None
        spot = (case.community_id, case.management_area_id, cell)
        what = (case.type_id, case.standard_id)
        if spot not in known or what not in trades:
            known[spot] = here(case, on, book, DepartmentKind.values)
            trades[what] = known[spot].trade
        component = {name: getattr(case, name) for name in RELATIONS}
        yield case, replace(known[spot], trade=trades[what], component=component)
