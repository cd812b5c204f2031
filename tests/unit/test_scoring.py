"""Scores against hand-worked numbers: weights, bands, values that are missing, grades, ranks."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from evaluation.indicators import INDICATORS, Unit
from evaluation.loading import DIRECTORY
from evaluation.models.scorecards import ObjectKind, check_bands
from evaluation.periods import PeriodKind
from evaluation.scoring import Band, Card, Grade, Item, Score, grade_of, ranked, score

DEFAULTS = json.loads((DIRECTORY / "scorecards.json").read_text(encoding="utf-8"))
GRADES = tuple(Grade(letter, Fraction(points)) for letter, points in DEFAULTS["grades"].items())
MONTH = PeriodKind.MONTH


def card(kind: str) -> Card:
    """The default scorecard of a kind."""
    row = DEFAULTS["scorecards"][kind]
    items = tuple(
        Item(
            line["indicator"],
            Fraction(line["weight"]),
            line.get("is_complement", False),
            {
                group: tuple(Band.read(step) for step in steps)
                for group, steps in line["bands"].items()
            }
            if "bands" in line
            else None,
        )
        for line in row["items"]
    )
    return Card(items, row["volume"], row["minimum_count"], GRADES)


@pytest.mark.parametrize("kind", ObjectKind.values)
def test_default_weights_add_to_one_and_name_indicators(kind):
    items = card(kind).items
    assert sum(item.weight for item in items) == 1
    for item in items:
        assert (item.bands is None) == (INDICATORS[item.indicator].unit is Unit.RATIO)
        for line in DEFAULTS["scorecards"][kind]["items"]:
            for steps in line.get("bands", {}).values():
                check_bands(steps)


# kind, measures, score worked out by hand, grade
WORKED = [
    # 0.1×75 (at most 200) + 0.3×96 + 0.3×90 + 0.3×96.875
    ("department",
     {"handled": 192, "handled_in_time": 180, "handling_open_late": 8, "reworked": 6},
     "92.3625", "A"),
    # 0.4×90 + 0.2×90 + 0.2×95 + 0.2×75
    ("collector",
     {"found": 50, "effective": 45, "missed": 5, "confirm_due": 20, "confirmed_in_time": 19,
      "check_due": 40, "checked_in_time": 30}, "88", "B"),
    # 0.25×75 (501 to 1200) + 0.4×90 + 0.35×80
    ("acceptor",
     {"accepted": 500, "refused": 20, "sent_to_confirm": 10, "sent_to_confirm_in_time": 9,
      "sent_to_check": 5, "sent_to_check_in_time": 4}, "82.75", "B"),
    # 0.25×97 + 0.4×98 + 0.35×75
    ("shift_supervisor",
     {"filing_due": 100, "filed_in_time": 97, "filed": 50, "voided": 1, "closing_due": 60,
      "closed_in_time": 45}, "89.7", "B"),
    # 0.2×40 (101 to 300) + 0.4×99 + 0.4×96
    ("dispatcher",
     {"dispatched": 200, "dispatch_due": 200, "dispatched_in_time": 198, "redispatched": 8},
     "86", "B"),
    # 0.1×75 + 0.2×90 (at most 4,000) + 0.3×95 + 0.4×90
    ("district",
     {"filed": 2000, "filed_public": 500, "finished": 76, "finished_in_time": 72, "open_late": 4},
     "90", "A"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "counts", "points", "grade"), WORKED, ids=lambda v: str(v)[:16])
def test_a_score_is_the_hand_worked_one(kind, counts, points, grade):
    found = score(card(kind), counts, kind=MONTH)
    assert found.total == Fraction(points)
    assert found.grade == grade


@pytest.mark.parametrize(
    ("group", "cases", "points"),
    [("grade-1", 0, 100), ("grade-1", 1, 90), ("grade-1", 2, 90), ("grade-1", 3, 75),
     ("grade-1", 8, 40), ("grade-1", 9, 0), ("grade-2", 3, 90), ("grade-2", 9, 40),
     ("grade-2", 10, 0)],
)  # fmt: skip
def test_cells_of_a_key_zone_are_judged_more_strictly(group, cases, points):
    banded = score(card("cell"), {"filed": cases}, kind=MONTH, group=group).parts[1]
    assert banded.points == points


@pytest.mark.parametrize(
    ("kind", "cases", "points"),
    [(PeriodKind.MONTH, 51, 90), (PeriodKind.QUARTER, 150, 100), (PeriodKind.QUARTER, 151, 90),
     (PeriodKind.YEAR, 600, 100), (PeriodKind.YEAR, 601, 90), (PeriodKind.DAY, 1, 100),
     (PeriodKind.DAY, 2, 90)],
)  # fmt: skip
def test_bands_are_set_for_a_month_and_measure_other_periods_by_it(kind, cases, points):
    assert score(card("department"), {"handled": cases}, kind=kind).parts[0].points == points


def test_what_has_no_value_leaves_its_weight_to_the_others():
    counts = {"found": 50, "effective": 45}  # nobody was sent anywhere
    found = score(card("collector"), counts, kind=MONTH)
    assert [part.points for part in found.parts] == [90, 100, None, None]
    assert found.total == Fraction(4 * 90 + 2 * 100, 6)


def test_without_any_value_there_is_neither_score_nor_grade():
    found = score(card("shift_supervisor"), {}, kind=MONTH)
    assert (found.total, found.grade, found.is_ranked) == (None, "", False)


def test_a_rate_beyond_its_bounds_counts_as_the_bound():
    counts = {"filing_due": 10, "filed": 1, "voided": 3}
    assert score(card("shift_supervisor"), counts, kind=MONTH).parts[1].points == 0


@pytest.mark.parametrize(
    ("points", "letter"),
    [("100", "A"), ("90", "A"), ("89.9999", "B"), ("75", "B"), ("60", "C"), ("40", "D"),
     ("39.9", "E"), ("0", "E")],
)  # fmt: skip
def test_grades_begin_at_their_points_without_rounding(points, letter):
    assert grade_of(GRADES, Fraction(points)) == letter


def scored(points: str | None, *, is_ranked: bool = True) -> Score:
    total = None if points is None else Fraction(points)
    return Score(total, "", 1, is_ranked and total is not None, ())


def test_equal_scores_share_a_rank_and_too_few_cases_have_none():
    places = ranked(
        [
            ("a", "", scored("80")),
            ("few", "", scored("99", is_ranked=False)),
            ("b", "", scored("90")),
            ("none", "", scored(None)),
            ("c", "", scored("80")),
            ("d", "", scored("70")),
        ]
    )
    assert [(place.key, place.rank) for place in places] == [
        ("b", 1), ("a", 2), ("c", 2), ("d", 4), ("few", None), ("none", None),
    ]  # fmt: skip


def test_ranks_count_among_those_that_can_be_compared():
    places = ranked(
        [("a", "big", scored("80")), ("b", "small", scored("70")), ("c", "small", scored("90"))]
    )
    assert {place.key: place.rank for place in places} == {"a": 1, "b": 2, "c": 1}


def test_fewer_cases_than_the_minimum_give_no_rank():
    counts = {"handled": 4, "handled_in_time": 4}
    assert not score(card("department"), counts, kind=MONTH).is_ranked
    assert score(card("department"), {**counts, "handled": 5}, kind=MONTH).is_ranked
