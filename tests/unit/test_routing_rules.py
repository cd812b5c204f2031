"""Routing rules: the first that leads somewhere decides; what can never decide is found."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from cases.models import Source
from components.models import TypeKind
from dispatch.routing.analysis import Kind, analyse, unusable
from dispatch.routing.boxes import meet, remainder, without
from dispatch.routing.rules import (
    LEVELS,
    Cooperation,
    Decision,
    Facts,
    Ground,
    Rule,
    RuleBook,
    applies,
    cooperating,
    decide,
    rule_from_data,
    rule_to_data,
)
from dispatch.routing.world import TypeInForce, World
from grid.models import Zone

DAY = date(2026, 3, 16)  # a Monday
FACTS = Facts(
    type="C0103",
    type_class=1,
    kind="component",
    trade="drainage",
    zone_grade="key",
    areas=frozenset({1, 11, 111}),
    management_area=None,
    source="hotline",
    on=DAY,
    minute=10 * 60,
)
A, B, C = 101, 102, 103


def to(code: str, body: int, **conditions) -> Rule:
    return Rule(code, lead_by="organisation", lead_organisation=body, **conditions)


CONDITIONS = [  # condition, facts on the one side, facts on the other
    ({"kind": "component"}, {}, {"kind": "event"}),
    ({"types": frozenset({"C0103"})}, {}, {"type": "C0104"}),
    ({"classes": frozenset({1})}, {}, {"type_class": 2}),
    ({"bodies": "maintainer"}, {"maintainer": A}, {"owner": A}),
    ({"bodies": "owner"}, {"owner": A}, {"maintainer": A}),
    ({"bodies": "neither"}, {}, {"owner": A}),
    ({"zone_grades": frozenset({"key"})}, {}, {"zone_grade": "ordinary"}),
    ({"areas": frozenset({11, 12})}, {}, {"areas": frozenset({1, 13, 131})}),
    ({"management_areas": frozenset({5})}, {"management_area": 5}, {}),
    ({"sources": frozenset({"hotline"})}, {}, {"source": "sensor"}),
    ({"day_kind": "rest"}, {"is_working_day": False}, {}),
    ({"day_kind": "working"}, {}, {"is_working_day": False}),
    ({"from_minute": 480, "to_minute": 601}, {}, {"minute": 601}),
    ({"from_minute": 600, "to_minute": 660}, {}, {"minute": 599}),
    ({"from_minute": 1320, "to_minute": 360}, {"minute": 0}, {"minute": 360}),  # a night
    ({"valid_from": DAY}, {}, {"on": DAY - timedelta(days=1)}),
    ({"valid_to": DAY}, {"on": DAY - timedelta(days=1)}, {}),  # half-open
]


@pytest.mark.parametrize(("condition", "fits", "fails"), CONDITIONS)
def test_each_condition_has_two_sides(condition, fits, fails):
    rule = to("r", A, **condition)
    assert applies(rule, replace(FACTS, **fits))
    assert not applies(rule, replace(FACTS, **fails))


def test_a_rule_of_types_and_classes_takes_either():
    rule = to("r", A, types=frozenset({"E0101"}), classes=frozenset({1}))
    assert applies(rule, FACTS)
    assert applies(rule, replace(FACTS, type="E0101", type_class=9))


def test_the_first_that_applies_and_leads_somewhere_decides():
    rules = [to("far", A, areas=frozenset({99})), to("gone", B), to("here", C), to("late", A)]
    decision = decide(rules, FACTS, Ground(active=frozenset({A, C})))
    assert (decision.rule.code, decision.organisation) == ("here", C)
    assert [rule.code for rule in decision.passed_over] == ["gone"]


def test_a_rule_may_say_that_nobody_answers_and_none_after_it_is_asked():
    rules = [Rule("unclear", lead_by="nobody"), to("late", A)]
    decision = decide(rules, FACTS, Ground(active=frozenset({A})))
    assert (decision.rule.code, decision.organisation) == ("unclear", None)
    assert decide([], FACTS, Ground()) == Decision()


@pytest.mark.parametrize("relation", ["maintainer", "owner", "competent"])
def test_a_relation_leads_to_the_components_body(relation):
    rule = Rule("r", lead_by=relation)
    assert decide([rule], replace(FACTS, **{relation: B}), Ground()).organisation == B
    assert decide([rule], FACTS, Ground()).rule is None


def test_the_nearest_body_of_the_trade_has_the_smallest_ground():
    ground = {("drainage", level): place for place, level in enumerate(LEVELS, 1)}
    for place, level in enumerate(LEVELS, 1):
        decision = decide([Rule("r")], FACTS, Ground(dict(ground)))
        assert (decision.organisation, decision.level) == (place, level)
        assert decide([Rule("r", lead_level="city")], FACTS, Ground(ground)).organisation == 6
        del ground["drainage", level]
    assert decide([Rule("r")], FACTS, Ground({("gardens", "city"): A})).organisation is None
    other = Rule("r", lead_trade="gardens")
    assert decide([other], FACTS, Ground({("gardens", "city"): A})).organisation == A


def test_who_helps_is_active_and_does_not_lead():
    parts = (Cooperation(A), Cooperation(B, is_mandatory=False, task="清"), Cooperation(C))
    decision = decide([to("r", A, cooperating=parts)], FACTS, Ground(active=frozenset({A, B})))
    assert cooperating(decision, Ground(active=frozenset({A, B}))) == [parts[1]]


def test_the_rules_that_ship_are_the_rule_of_thumb_of_the_field():
    path = settings.BASE_DIR / "fixtures" / "dispatch" / "routing.json"
    book = RuleBook.from_data(json.loads(path.read_text(encoding="utf-8")), 1)
    ground = Ground({("drainage", level): place for place, level in enumerate(LEVELS, 1)})
    both = replace(FACTS, maintainer=A, owner=B)
    assert decide(book.rules, both, ground).organisation == A
    assert decide(book.rules, replace(FACTS, owner=B), ground).organisation == B
    assert decide(book.rules, FACTS, ground).organisation == 1
    assert decide(book.rules, FACTS, Ground()).rule is None
    world = World(DAY, types={"C0103": TypeInForce("C0103", 1, "component", "drainage")})
    assert analyse(book, world) == []


# ── the algebra of boxes ──────────────────────────────────────────────────────────────────────

SIDES = [st.frozensets(st.integers(0, 3)) for _each in range(3)]
BOXES = st.tuples(*SIDES)


def inside(box) -> set[tuple[int, int, int]]:
    return {(x, y, z) for x in box[0] for y in box[1] for z in box[2]}


@given(BOXES, BOXES)
def test_what_is_left_of_a_box_is_exactly_the_rest(box, taken):
    pieces = list(without(box, taken))
    assert set().union(*map(inside, pieces), set()) == inside(box) - inside(taken)
    assert sum(len(inside(piece)) for piece in pieces) == len(inside(box) - inside(taken))
    assert inside(meet(box, taken)) == inside(box) & inside(taken)


@given(BOXES, st.lists(BOXES, max_size=5))
def test_nothing_is_left_exactly_where_the_others_cover_it(box, others):
    covered = inside(box) <= set().union(*map(inside, others), set())
    assert (remainder([box], others) == []) == covered


# ── the analysis, held against asking the rules about every case ──────────────────────────────

WORLD = World(
    DAY,
    types={
        "C0103": TypeInForce("C0103", 1, "component", "drainage"),
        "C0201": TypeInForce("C0201", 2, "component", "gardens"),
        "E0101": TypeInForce("E0101", 3, "event", "sanitation"),
    },
    communities={1: frozenset({111, 121}), 11: frozenset({111}), 111: frozenset({111}),
                 12: frozenset({121}), 121: frozenset({121})},
    handling=frozenset({A, B, C}),
    active=frozenset({A, B, C}),
    trades=frozenset({"drainage", "gardens", "sanitation"}),
)  # fmt: skip
ABOVE = {111: frozenset({1, 11, 111}), 121: frozenset({1, 12, 121})}


def every_case() -> list[Facts]:
    bodies = [{}, {"maintainer": 7}, {"owner": 8}, {"maintainer": 7, "owner": 8}]
    return [
        Facts(t.code, t.type_class, t.kind, t.trade, grade, areas, None, source, DAY, minute,
              is_working, **has)
        for t in WORLD.types.values()
        for has in (bodies if t.kind == TypeKind.COMPONENT else bodies[:1])
        for grade in Zone.Grade.values
        for areas in ABOVE.values()
        for source in ("hotline", "sensor")
        for minute in (0, 400, 1000, 1400)
        for is_working in (True, False)
    ]  # fmt: skip


CASES = every_case()
OTHER_SOURCES = frozenset(Source.values) - {"hotline"}
RULES = st.builds(
    lambda number, body, **given: Rule(
        f"r{number}", lead_by="organisation", lead_organisation=body, **given
    ),
    number=st.integers(0, 9),
    body=st.sampled_from([A, B, C]),
    kind=st.sampled_from(["", "", "component", "event"]),
    types=st.sampled_from([frozenset(), frozenset({"C0103"}), frozenset({"C0103", "E0101"})]),
    classes=st.sampled_from([frozenset(), frozenset({2})]),
    bodies=st.sampled_from(["", "", "maintainer", "neither"]),
    areas=st.sampled_from([frozenset(), frozenset({1}), frozenset({11}), frozenset({12})]),
    sources=st.sampled_from([frozenset(), frozenset({"hotline"}), OTHER_SOURCES]),
    from_minute=st.sampled_from([None, 400]),
    to_minute=st.just(1000),
)


@given(st.lists(RULES, min_size=1, max_size=4))
def test_a_rule_is_shadowed_exactly_when_no_case_reaches_it(rules):
    rules = [replace(rule, code=f"r{place}") for place, rule in enumerate(rules)]
    ground = Ground(active=frozenset({A, B, C}))
    reached = {decide(rules, facts, ground).rule for facts in CASES} - {None}
    found = analyse(RuleBook(0, tuple(rules)), WORLD)
    never = {row.rule for row in found if row.kind in (Kind.SHADOWED, Kind.DEAD)}
    assert never == {rule.code for rule in rules if rule not in reached}


def findings(*rules: Rule, world: World = WORLD) -> list[tuple[str, str, str]]:
    return [(row.kind, row.rule, row.other) for row in analyse(RuleBook(0, rules), world)]


def test_an_exception_before_its_rule_is_no_conflict_and_after_it_is_never_reached():
    special, general = to("special", A, types=frozenset({"C0103"})), to("general", B)
    assert findings(special, general) == []
    assert findings(general, special) == [("shadowed", "special", "general")]


def test_two_rules_that_cross_conflict_where_they_name_different_bodies():
    one, other = to("one", A, types=frozenset({"C0103"})), to("other", B, areas=frozenset({11}))
    assert findings(one, other) == [("conflicting", "other", "one")]
    assert findings(one, replace(other, lead_organisation=A)) == []
    assert findings(one, replace(other, types=frozenset({"E0101"}))) == []


def test_rules_that_together_take_everything_leave_nothing():
    parts = [
        to("hotline", A, sources=frozenset({"hotline"})),
        to("others", A, sources=OTHER_SOURCES),
        to("rest", A),
    ]
    assert findings(*parts) == [("shadowed", "rest", "")]


def test_a_territory_is_no_shadow_unless_the_later_asks_for_less():
    nearest, named = Rule("nearest"), to("named", A)
    assert findings(nearest, named) == []
    assert findings(nearest, Rule("street", lead_level="street")) == [
        ("shadowed", "street", "nearest")
    ]


DEAD = [
    {"valid_to": DAY},
    {"types": frozenset({"C0999"})},
    {"areas": frozenset({99})},
    {"management_areas": frozenset({99})},
    {"kind": "event", "bodies": "maintainer"},
]


@pytest.mark.parametrize("condition", DEAD)
def test_a_rule_that_asks_for_what_has_ended_is_dead(condition):
    assert findings(to("r", A, **condition)) == [("dead", "r", "")]


def test_a_contract_that_begins_later_is_not_dead():
    assert findings(to("r", A, valid_from=DAY + timedelta(days=9))) == []


def test_a_trade_that_nobody_does_is_dead():
    assert findings(Rule("r", lead_trade="post")) == [("dead", "r", "")]


def test_what_partly_ended_is_said():
    assert findings(to("r", A, types=frozenset({"C0103", "C0999"}))) == [("partly", "r", "")]


def test_a_body_that_is_gone_cannot_be_published():
    gone, eyes = to("gone", 999), to("eyes", A, cooperating=(Cooperation(B),))
    world = replace(WORLD, handling=frozenset({A}))
    assert [row[:2] for row in findings(gone, world=world)] == [("unusable", "gone")]
    assert len(unusable(RuleBook(0, (gone, eyes)), world)) == 2  # B is active, and handles nothing
    assert unusable(RuleBook(0, ()), WORLD)
    assert unusable(RuleBook(0, (eyes,)), WORLD) == []


@given(RULES)
def test_a_rule_reads_as_it_was_stored(rule):
    assert rule_from_data(json.loads(json.dumps(rule_to_data(rule)))) == rule
