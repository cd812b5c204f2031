"""Reading what a dispatcher needs to decide: the suggestion with its reason, what was before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Case as Choose
from django.db.models import Exists, OuterRef, Q, When
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from cases.models import Case, CaseClock, SubOrder
from cases.publish import Routing
from cases.queues import Queue, desk_cases
from cases.workflow import State
from common.lookups import array_of
from dispatch.models import CaseRouting
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
        rule_name=Words(book).name(decision.rule) if decision.rule else "",
    )


def suggest_department(case: Case, now: datetime, known: Iterable[Organisation] = ()) -> Suggestion:
    """Return what the rules in force say of a case given out now: at most two queries.

    One where they name nobody but bodies ``known`` already.
    """
    book, decision, ground = route(case, now)
    parts = cooperating(decision, ground)
    ids = {part.organisation for part in parts} | {decision.organisation} - {None}
    found = bodies(ids, known)
    return Suggestion(
        book,
        decision,
        ground,
        found.get(decision.organisation) if decision.organisation else None,
        tuple((found[part.organisation], part.is_mandatory, part.task) for part in parts),
        book.is_automatic(decision, case.type.code if case.type else ""),
    )


def bodies(
    ids: Iterable[int | None], known: Iterable[Organisation] = ()
) -> dict[int, Organisation]:
    """Return organisations by id, with what a chip shows: one query for those not known."""
    found = {body.pk: body for body in known}
    wanted = [pk for pk in ids if pk is not None and pk not in found]
    return found | (Organisation.objects.in_bulk(wanted) if wanted else {})


# ── what was before ───────────────────────────────────────────────────────────────────────────

LIKE = 10
LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Earlier:
    """Where the last cases like one went: a department, how many, how many it returned."""

    organisation: Organisation
    count: int
    returned_count: int
    cases: tuple[Case, ...]


def last_ten_like(case: Case, user: User) -> list[Earlier]:
    """Return where the last ten cases of the type went, the nearest of the newest first: one query.

    Of the newest of the type that the reader may see, those of the same street come before those
    of the same district and the others. Index case_type.
    """
    if case.type_id is None:
        return []
    lead = SubOrder.objects.filter(case=OuterRef("pk"), is_lead=True)
    newest = (
        Case.objects.visible_to(user)
        .filter(Exists(lead), type=case.type_id)
        .exclude(pk=case.pk)
        .order_by("-reported_at")
        .values("pk")[:LOOKED_AT]
    )
    nearest = Case.objects.filter(pk__in=newest).order_by(_nearness(case), "-reported_at")
    chosen = array_of(nearest.values("pk")[:LIKE])
    orders = SubOrder.objects.filter(case__pk__any_of=chosen, is_lead=True)
    rows = orders.select_related("organisation", "case").order_by(
        _nearness(case, "case__"), "-case__reported_at", "pk"
    )
    return _gathered(rows)


def _nearness(case: Case, prefix: str = "") -> Choose:
    """Return 0 for a case of the same street, 1 of the same district, 2 of another."""
    return Choose(
        When(**{f"{prefix}street": case.street_id}, then=0),
        When(**{f"{prefix}district": case.district_id}, then=1),
        default=2,
    )


def _gathered(orders: Iterable[SubOrder]) -> list[Earlier]:
    """Gather the cases of orders by the department they were first given to."""
    first: dict[int, SubOrder] = {}
    for order in orders:
        first.setdefault(order.case_id, order)
    by_body: dict[int, list[SubOrder]] = {}
    for order in first.values():
        by_body.setdefault(order.organisation_id, []).append(order)
    found = [
        Earlier(
            given[0].organisation,
            len(given),
            sum(order.outcome == SubOrder.Outcome.RETURNED for order in given),
            tuple(order.case for order in given),
        )
        for given in by_body.values()
    ]
    return sorted(found, key=lambda earlier: -earlier.count)


def returned_by(case: Case) -> list[SubOrder]:
    """Return the orders of this run whose department said it was not theirs: one query."""
    orders = SubOrder.objects.filter(case=case, run=case.run, outcome=SubOrder.Outcome.RETURNED)
    return list(orders.select_related("organisation").order_by("-ended_at"))


def nobody_queue() -> Queue:
    """Return the queue of what nobody is known to answer for, at the reader's desk."""
    unanswered = CaseRouting.objects.filter(case=OuterRef("pk"), organisation__isnull=True)
    condition = Q(state=State.FILED) & Q(Exists(unanswered))  # asked of the few that are filed
    return Queue("nobody", _("Nobody answers"), condition, "yellow", cases=desk_cases)


def part_clocks(user: User, cases: Sequence[Case]) -> dict[int, CaseClock]:
    """Return the running clock of the reader's own part in each of these cases: one query."""
    path = user.organisation.path if user.organisation else "-"
    clocks = CaseClock.objects.filter(
        case__in=cases, stopped_at__isnull=True, sub_order__organisation__path__startswith=path
    )
    return {clock.case_id: clock for clock in clocks.order_by("-pk")}
