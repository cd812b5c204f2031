"""What a routing rule is, when it applies and whom it leads to. Pure: no queries, no clock.

Rules stand in an order. The first that applies and leads to a body that is there decides; a rule
whose body is gone is passed over. A rule may say that nobody answers: then none after it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from dispatch.routing.terms import Bodies, DayKind, LeadBy, Level

LEVELS: tuple[str, ...] = tuple(Level.values)  # the smallest ground first
RELATIONS = (LeadBy.MAINTAINER.value, LeadBy.OWNER.value, LeadBy.COMPETENT.value)


@dataclass(frozen=True, slots=True)
class Cooperation:
    """A body asked to help, whether the case waits for it, and what it does."""

    organisation: int
    is_mandatory: bool = True
    task: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; an empty condition is none. Minutes are of the day, dates half-open.

    ``types`` are codes (C0103); ``classes``, ``areas`` and ``management_areas`` are ids.
    """

    code: str
    name: str = ""
    name_en: str = ""
    kind: str = ""
    types: frozenset[str] = frozenset()
    classes: frozenset[int] = frozenset()
    bodies: str = ""
    zone_grades: frozenset[str] = frozenset()
    areas: frozenset[int] = frozenset()
    management_areas: frozenset[int] = frozenset()
    sources: frozenset[str] = frozenset()
    day_kind: str = ""
    from_minute: int | None = None
    to_minute: int | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    contract: str = ""
    lead_by: str = LeadBy.TERRITORY.value
    lead_organisation: int | None = None
    lead_level: str = ""
    lead_trade: str = ""
    cooperating: tuple[Cooperation, ...] = ()
    is_automatic: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules ask about a case: what, where, from whom, when.

    ``maintainer``, ``owner`` and ``competent`` are ids of bodies that are active and handle cases.
    ``minute`` and
    ``is_working_day`` are of the moment the case is given out, ``on`` is the day of the question.
    """

    type: str
    type_class: int | None
    kind: str
    trade: str
    zone_grade: str
    areas: frozenset[int]
    management_area: int | None
    source: str
    on: date
    minute: int = 0
    is_working_day: bool = True
    maintainer: int | None = None
    owner: int | None = None
    competent: int | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """Who answers here: the first body of a trade at a level, and which named bodies are active."""

    bodies: Mapping[tuple[str, str], int] = field(default_factory=dict)
    active: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rules say: the rule that decided and the body it leads to.

    Without a rule none applied; with a rule and no body that rule says that nobody answers.
    ``passed_over`` are rules that applied before it and name a body that is gone.
    """

    rule: Rule | None = None
    organisation: int | None = None
    level: str = ""
    passed_over: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class RuleBook:
    """An ordered set of rules with the number it was published under (0: a draft).

    ``labels`` hold the names of what the rules refer to, as they were: kind, key, [name, English].
    """

    number: int
    rules: tuple[Rule, ...]
    automatic_types: frozenset[str] = frozenset()
    labels: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)

    @cached_property
    def by_code(self) -> Mapping[str, Rule]:
        """The rules by their code."""
        return {rule.code: rule for rule in self.rules}

    @cached_property
    def needs_days(self) -> bool:
        """Whether some rule asks what kind of day it is."""
        return any(rule.day_kind for rule in self.rules)

    def is_automatic(self, decision: Decision, type_code: str) -> bool:
        """Tell whether the system gives the case out by itself."""
        if decision.rule is None or decision.organisation is None:
            return False
        return decision.rule.is_automatic or type_code in self.automatic_types

    @classmethod
    def from_data(cls, data: Mapping[str, Any], number: int) -> RuleBook:
        """Read the stored form."""
        return cls(
            number,
            tuple(rule_from_data(row) for row in data["rules"]),
            frozenset(data["automatic_types"]),
            data.get("labels", {}),
        )


# ── deciding ──────────────────────────────────────────────────────────────────────────────────


def decide(rules: Iterable[Rule], facts: Facts, ground: Ground) -> Decision:
    """Return what the rules say of a case with these facts, on this ground."""
    passed_over: list[Rule] = []
    for rule in rules:
        if not applies(rule, facts):
            continue
        if rule.lead_by == LeadBy.NOBODY:
            return Decision(rule, passed_over=tuple(passed_over))
        organisation, level = lead_of(rule, facts, ground)
        if organisation is not None:
            return Decision(rule, organisation, level, tuple(passed_over))
        if rule.lead_by == LeadBy.ORGANISATION:
            passed_over.append(rule)
    return Decision(passed_over=tuple(passed_over))


def applies(rule: Rule, facts: Facts) -> bool:
    """Tell whether every condition of a rule holds."""
    return all(condition(rule, facts) for condition in CONDITIONS)


def lead_of(rule: Rule, facts: Facts, ground: Ground) -> tuple[int | None, str]:
    """Return the body a rule leads to (None: it is not there) and the level it answers at."""
    if rule.lead_by == LeadBy.ORGANISATION:
        named = rule.lead_organisation
        return (named if named in ground.active else None), ""
    if rule.lead_by in RELATIONS:
        return getattr(facts, rule.lead_by), ""
    trade = rule.lead_trade or facts.trade
    for level in (rule.lead_level,) if rule.lead_level else LEVELS:
        found = ground.bodies.get((trade, level))
        if found is not None:
            return found, level
    return None, ""


def cooperating(decision: Decision, ground: Ground) -> list[Cooperation]:
    """Return who helps: the active ones among those the rule names, without the lead."""
    if decision.rule is None or decision.organisation is None:
        return []
    return [
        part
        for part in decision.rule.cooperating
        if part.organisation in ground.active and part.organisation != decision.organisation
    ]


# ── conditions ────────────────────────────────────────────────────────────────────────────────


def is_of_kind(rule: Rule, facts: Facts) -> bool:
    return not rule.kind or rule.kind == facts.kind


def is_of_type(rule: Rule, facts: Facts) -> bool:
    if not rule.types and not rule.classes:
        return True
    return facts.type in rule.types or facts.type_class in rule.classes


def has_bodies(rule: Rule, facts: Facts) -> bool:
    if rule.bodies == Bodies.MAINTAINER:
        return facts.maintainer is not None
    if rule.bodies == Bodies.OWNER:
        return facts.owner is not None
    return not rule.bodies or (facts.maintainer is None and facts.owner is None)


def is_in_zone(rule: Rule, facts: Facts) -> bool:
    return not rule.zone_grades or facts.zone_grade in rule.zone_grades


def is_in_area(rule: Rule, facts: Facts) -> bool:
    return not rule.areas or not rule.areas.isdisjoint(facts.areas)


def is_in_management_area(rule: Rule, facts: Facts) -> bool:
    return not rule.management_areas or facts.management_area in rule.management_areas


def is_from_source(rule: Rule, facts: Facts) -> bool:
    return not rule.sources or facts.source in rule.sources


def is_on_day(rule: Rule, facts: Facts) -> bool:
    return not rule.day_kind or facts.is_working_day == (rule.day_kind == DayKind.WORKING)


def is_in_window(rule: Rule, facts: Facts) -> bool:
    if rule.from_minute is None or rule.to_minute is None:
        return True
    if rule.from_minute < rule.to_minute:
        return rule.from_minute <= facts.minute < rule.to_minute
    return facts.minute >= rule.from_minute or facts.minute < rule.to_minute


def is_under_contract(rule: Rule, facts: Facts) -> bool:
    has_begun = rule.valid_from is None or rule.valid_from <= facts.on
    return has_begun and (rule.valid_to is None or facts.on < rule.valid_to)


CONDITIONS: tuple[Callable[[Rule, Facts], bool], ...] = (
    is_of_kind,
    is_of_type,
    has_bodies,
    is_in_zone,
    is_in_area,
    is_in_management_area,
    is_from_source,
    is_on_day,
    is_in_window,
    is_under_contract,
)


# ── the stored form ───────────────────────────────────────────────────────────────────────────

EMPTY: tuple[object, ...] = ("", (), frozenset())
SETS = ("types", "classes", "zone_grades", "areas", "management_areas", "sources")
DATES = ("valid_from", "valid_to")


def rule_to_data(rule: Rule) -> dict[str, Any]:
    """Return a rule as it is stored: what is empty is left out, sets are sorted."""
    data: dict[str, Any] = {}
    for name in Rule.__slots__:
        value = getattr(rule, name)
        if value is None or value is False or value in EMPTY:
            continue
        if name in SETS:
            data[name] = sorted(value)
        elif name in DATES:
            data[name] = value.isoformat()
        elif name == "cooperating":
            data[name] = [[part.organisation, part.is_mandatory, part.task] for part in value]
        else:
            data[name] = value
    return data


def rule_from_data(data: Mapping[str, Any]) -> Rule:
    """Read a rule from its stored form."""
    values = dict(data)
    for name in SETS:
        values[name] = frozenset(values.get(name, ()))
    for name in DATES:
        values[name] = date.fromisoformat(values[name]) if name in values else None
    values["cooperating"] = tuple(Cooperation(*part) for part in values.get("cooperating", ()))
    return Rule(**values)
