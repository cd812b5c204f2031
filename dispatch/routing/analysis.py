"""Rules that can never decide, contradict each other, or lead to what is gone. Pure.

Every rule is a few boxes of cases (``boxes``) over what cases can differ in: type, whose the
component is, zone, community, management area, source, time of day, day of the contract. The sets
of a box come from the rules' own conditions, asked for one value after the other, so that the
analysis cannot mean something else than the suggestion.

*Shadowed*: nothing is left of the rule once the boxes of the rules before it are taken away that
surely decide. *Conflicting*: two rules name different bodies for some of the same cases and neither
is the exception of the other, so that only their order decides. *Dead*: it leads to nobody, its
contract is over, or everything it asks for has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cached_property
from itertools import product

from django.utils.translation import gettext as _

from cases.models import Source
from components.models import TypeKind
from dispatch.routing import rules as conditions
from dispatch.routing.boxes import Box, TooManyPieces, is_empty, meet, remainder
from dispatch.routing.rules import Facts, Rule, RuleBook
from dispatch.routing.terms import LeadBy
from dispatch.routing.words import Words
from dispatch.routing.world import World
from grid.models import Zone

NOTHING = ""  # no management area
SOMEBODY = 1  # stands for the body of a component
NEITHER, MAINTAINED, OWNED, BOTH = "neither", "maintained", "owned", "both"
HAS = {
    NEITHER: {},
    MAINTAINED: {"maintainer": SOMEBODY},
    OWNED: {"owner": SOMEBODY},
    BOTH: {"maintainer": SOMEBODY, "owner": SOMEBODY},
}
# Where a relation leads to somebody for sure.
RELATED = {
    LeadBy.MAINTAINER.value: frozenset({MAINTAINED, BOTH}),
    LeadBy.OWNER.value: frozenset({OWNED, BOTH}),
}
BODIES_AT = 1  # the place of that dimension in a box


class Kind(StrEnum):
    """What may be wrong with a rule."""

    UNUSABLE = "unusable"
    DEAD = "dead"
    SHADOWED = "shadowed"
    CONFLICTING = "conflicting"
    PARTLY = "partly"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a rule, in words; ``other`` is the rule it has to do with."""

    kind: Kind
    rule: str
    sentence: str
    other: str = ""


def analyse(book: RuleBook, world: World) -> list[Finding]:
    """Return everything that is wrong with these rules in this world, in their order."""
    analysis = Analysis(book, world)
    return [finding for place in range(len(book.rules)) for finding in analysis.of(place)]


def unusable(book: RuleBook, world: World) -> list[str]:
    """Return why rules cannot be published at all."""
    if not book.rules:
        return [_("There is no rule.")]
    return [found.sentence for found in analyse(book, world) if found.kind is Kind.UNUSABLE]


class Analysis:
    """The rules of a book as boxes, and the questions about them."""

    def __init__(self, book: RuleBook, world: World) -> None:
        self.book, self.world = book, world
        self.words = Words(book)
        self.boxes = [self._boxes(rule) for rule in book.rules]

    def of(self, place: int) -> Iterator[Finding]:
        """Yield what is wrong with the rule at a place."""
        rule = self.book.rules[place]
        yield from (Finding(Kind.UNUSABLE, rule.code, text) for text in self._unusable(rule))
        if reason := self._dead(place):
            yield Finding(Kind.DEAD, rule.code, reason)
            return
        yield from (Finding(Kind.PARTLY, rule.code, text) for text in self._partly(rule))
        shadow = self._shadow(place)
        if shadow is not None:
            yield shadow
        yield from self._conflicts(place, is_shadowed=shadow is not None)

    # ── bodies that are gone, conditions that cannot hold ─────────────────────────────────────

    def _unusable(self, rule: Rule) -> Iterator[str]:
        name = self.words.name(rule)
        named = [rule.lead_organisation] if rule.lead_organisation is not None else []
        for body in [*named, *(part.organisation for part in rule.cooperating)]:
            said = {"rule": name, "body": self.words.label("organisations", body)}
            if body not in self.world.active:
                yield _("“%(rule)s”: %(body)s is no longer active.") % said
            elif body not in self.world.handling:
                yield _("“%(rule)s”: %(body)s does not handle cases.") % said

    def _dead(self, place: int) -> str:
        rule, said = self.book.rules[place], {"rule": self.words.name(self.book.rules[place])}
        if rule.valid_to is not None and rule.valid_to <= self.world.on:
            return _("“%(rule)s”: its contract ended on %(day)s.") % {
                **said,
                "day": rule.valid_to,
            }
        if (rule.types or rule.classes) and not self._types_left(rule):
            return _("“%(rule)s”: none of its types is in force any more.") % said
        if rule.areas and not any(area in self.world.communities for area in rule.areas):
            return _("“%(rule)s”: none of its areas is in force any more.") % said
        if rule.management_areas and not rule.management_areas & self.world.management_areas:
            return _("“%(rule)s”: none of its areas is in force any more.") % said
        if rule.lead_trade and rule.lead_trade not in self.world.trades:
            return _("“%(rule)s”: no active organisation does this trade.") % said
        if not self.boxes[place]:
            return _("“%(rule)s”: no case can fulfil its conditions.") % said
        return ""

    def _types_left(self, rule: Rule) -> bool:
        return any(
            found.code in rule.types or found.type_class in rule.classes
            for found in self.world.types.values()
        )

    def _partly(self, rule: Rule) -> Iterator[str]:
        gone = [
            *(self.words.label("types", c) for c in sorted(rule.types - set(self.world.types))),
            *(
                self.words.label("areas", area)
                for area in sorted(rule.areas - set(self.world.communities))
            ),
            *(
                self.words.label("management_areas", area)
                for area in sorted(rule.management_areas - self.world.management_areas)
            ),
        ]
        if gone:
            yield _("“%(rule)s”: no longer in force: %(gone)s.") % {
                "rule": self.words.name(rule),
                "gone": ", ".join(gone),
            }

    # ── shadows and conflicts ─────────────────────────────────────────────────────────────────

    def _shadow(self, place: int) -> Finding | None:
        rule, boxes = self.book.rules[place], self.boxes[place]
        earlier = [
            (before, self._sure(number, rule))
            for number, before in enumerate(self.book.rules[:place])
        ]
        said = {"rule": self.words.name(rule)}
        for before, sure in earlier:
            if sure and self._is_covered(boxes, sure):
                said["other"] = self.words.name(before)
                text = _("“%(rule)s” is never reached: “%(other)s” before it takes all its cases.")
                return Finding(Kind.SHADOWED, rule.code, text % said, before.code)
        if self._is_covered(boxes, [box for _before, sure in earlier for box in sure]):
            text = _(
                "“%(rule)s” is never reached: the rules before it together take all its cases."
            )
            return Finding(Kind.SHADOWED, rule.code, text % said)
        return None

    def _sure(self, number: int, rule: Rule) -> list[Box]:
        """Return the cases that an earlier rule surely decides, or surely keeps from ``rule``."""
        before = self.book.rules[number]
        if before.lead_by == LeadBy.NOBODY or before.lead_by in RELATED:
            return self.boxes[number]
        if before.lead_by == LeadBy.ORGANISATION:
            return self.boxes[number] if before.lead_organisation in self.world.handling else []
        return self.boxes[number] if _finds_whatever(before, rule) else []

    @staticmethod
    def _is_covered(boxes: Sequence[Box], taken: Sequence[Box]) -> bool:
        try:
            return not remainder(boxes, taken)
        except TooManyPieces:
            return False  # nobody can say: it may be reached

    def _conflicts(self, place: int, *, is_shadowed: bool) -> Iterator[Finding]:
        rule = self.book.rules[place]
        if rule.lead_by not in NAMED:
            return
        for number, before in enumerate(self.book.rules[:place]):
            if before.lead_by not in NAMED or _lead(before) == _lead(rule):
                continue
            shared = self._shared(number, place)
            if shared is None:
                continue
            inside = self._is_covered(self.boxes[number], self.boxes[place])
            around = self._is_covered(self.boxes[place], self.boxes[number])
            if inside != around or (is_shadowed and not inside):
                continue  # the one is the exception of the other
            yield Finding(
                Kind.CONFLICTING,
                rule.code,
                _(
                    "“%(rule)s” and “%(other)s” name different bodies for the same cases"
                    " (such as %(example)s): the earlier decides."
                )
                % {
                    "rule": self.words.name(rule),
                    "other": self.words.name(before),
                    "example": min(map(str, shared[0])),
                },
                before.code,
            )

    def _shared(self, one: int, other: int) -> Box | None:
        for a, b in product(self.boxes[one], self.boxes[other]):
            if not is_empty(shared := meet(a, b)):
                return shared
        return None

    # ── a rule as boxes ───────────────────────────────────────────────────────────────────────

    def _boxes(self, rule: Rule) -> list[Box]:
        """Return the cases a rule can decide: those of components and those of events apart."""
        sides = [
            frozenset(value for value, facts in values if all(c(rule, facts) for c in asked))
            for asked, values in self.dimensions
        ]
        if rule.lead_by in RELATED:
            sides[BODIES_AT] &= RELATED[rule.lead_by]
        boxes = []
        for kind, bodies in ((TypeKind.EVENT, {NEITHER}), (TypeKind.COMPONENT, set(HAS))):
            codes = {code for code, found in self.world.types.items() if found.kind == kind}
            box = (sides[0] & codes, sides[BODIES_AT] & bodies, *sides[2:])
            if not is_empty(box):
                boxes.append(box)
        return boxes

    @cached_property
    def dimensions(self) -> list[tuple[tuple[Condition, ...], list[tuple[Hashable, Facts]]]]:
        """What cases differ in: the conditions that look at it, and facts for each value."""
        world = self.world
        above: dict[int, set[int]] = {}
        for area, leaves in world.communities.items():
            for leaf in leaves:
                above.setdefault(leaf, set()).add(area)
        managed: list[int | None] = [*sorted(world.management_areas), None]
        return [
            (
                (conditions.is_of_kind, conditions.is_of_type),
                [
                    (t.code, self._blank(type=t.code, type_class=t.type_class, kind=t.kind))
                    for t in world.types.values()
                ],
            ),
            ((conditions.has_bodies,), [(name, self._blank(**has)) for name, has in HAS.items()]),
            (
                (conditions.is_in_zone,),
                [(grade, self._blank(zone_grade=grade)) for grade in Zone.Grade.values],
            ),
            (
                (conditions.is_in_area,),
                [(leaf, self._blank(areas=frozenset(ids))) for leaf, ids in above.items()]
                or [(NOTHING, self._blank())],
            ),
            (
                (conditions.is_in_management_area,),
                [(pk or NOTHING, self._blank(management_area=pk)) for pk in managed],
            ),
            (
                (conditions.is_from_source,),
                [(source, self._blank(source=source)) for source in Source.values],
            ),
            (
                (conditions.is_on_day, conditions.is_in_window),
                [
                    ((is_working, minute), self._blank(is_working_day=is_working, minute=minute))
                    for is_working in (True, False)
                    for minute in self._minutes()
                ],
            ),
            ((conditions.is_under_contract,), [(day, self._blank(on=day)) for day in self._days()]),
        ]

    def _blank(self, **values: object) -> Facts:
        blank = Facts("", None, "", "", "", frozenset(), None, "", self.world.on)
        return replace(blank, **values)  # type: ignore[arg-type]

    def _minutes(self) -> list[int]:
        """Return the minutes at which something changes for some rule; between them nothing."""
        edges = {0}
        for rule in self.book.rules:
            edges |= {minute for minute in (rule.from_minute, rule.to_minute) if minute is not None}
        return sorted(edges)

    def _days(self) -> list[date]:
        """Return today and the days to come on which a contract begins or ends."""
        edges = {self.world.on}
        for rule in self.book.rules:
            edges |= {
                day for day in (rule.valid_from, rule.valid_to) if day and day > self.world.on
            }
        return sorted(edges)


Condition = Callable[[Rule, Facts], bool]
NAMED = (LeadBy.ORGANISATION.value, LeadBy.NOBODY.value)


def _lead(rule: Rule) -> tuple[str, int | None]:
    return rule.lead_by, rule.lead_organisation


def _finds_whatever(before: Rule, rule: Rule) -> bool:
    """Tell whether an earlier rule by territory or competence finds a body where ``rule`` does."""
    if before.lead_by != rule.lead_by or before.lead_trade != rule.lead_trade:
        return False
    return before.lead_level in ("", rule.lead_level)
