"""How many things of which type a made-up register has."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.loading import CATALOGUE
from components.seeding.density import Rule, counts_for, rules_read


def rule(every, family="road"):
    return Rule("C0402", family, (), every, 5, "point", 0, 0, ({},))


def test_shares_follow_the_density_and_the_total_is_exact():
    trees, lamps = rule(10), rule(40)
    assert counts_for(1_000, [trees, lamps], [5_000, 5_000]) == [800, 200]


def test_what_has_no_more_room_leaves_the_rest_to_the_others():
    trees, shelters = rule(10), rule(1, "stop")
    assert counts_for(500, [trees, shelters], [9_000, 100]) == [450, 50]
    assert counts_for(2_000, [trees, shelters], [9_000, 100]) == [1_900, 100]


def test_a_type_with_no_ground_gets_nothing_and_a_rare_one_at_least_one():
    rules = [rule(10), rule(1_000_000), rule(5)]
    assert counts_for(1_000, rules, [50_000, 50_000, 0]) == [999, 1, 0]


def test_fewer_things_than_types_are_still_so_many():
    assert sum(counts_for(3, [rule(10)] * 7, [100] * 7)) == 3


def test_without_any_ground_there_is_nothing():
    assert counts_for(5, [rule(10)], [0]) == [0]


@given(
    st.integers(1, 20_000),
    st.lists(
        st.tuples(st.sampled_from(["road", "stop"]), st.integers(0, 9_999), st.integers(1, 99)),
        min_size=1,
        max_size=8,
    ),
)
def test_the_total_is_always_exact_where_there_is_ground(total, given_rules):
    rules = [rule(every, family) for family, _size, every in given_rules]
    sizes = [size for _family, size, _every in given_rules]
    counts = counts_for(total, rules, sizes)
    assert min(counts) >= 0
    assert sum(counts) == (total if any(sizes) else 0)
    assert not any(count for count, size in zip(counts, sizes, strict=True) if not size)


@pytest.fixture(scope="module")
def catalogue():
    with (CATALOGUE / "types.csv").open(encoding="utf-8", newline="") as file:
        return {row["code"]: row for row in csv.DictReader(file) if row["code"][0] == "C"}


def test_every_type_of_component_has_a_rule(catalogue):
    assert {row.type_code for row in rules_read()} == set(catalogue)


def test_every_rule_draws_what_its_type_allows(catalogue):
    wholes = {"park": "area"}
    for row in rules_read():
        drawn = wholes.get(row.family, "line") if row.shape == "whole" else row.shape
        assert drawn in catalogue[row.type_code]["geometry_kinds"].split(), row
