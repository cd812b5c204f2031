"""The form in which a ranking is frozen: canonical JSON, its hash, and reading it back. Pure.

Canonical: keys sorted, no spaces, UTF-8, fractions as "numerator/denominator". Nothing is rounded.
The hash of an evaluation is the SHA-256 of its header with the hashes of its rankings in order.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from typing import Any

from evaluation.indicators import INDICATORS
from evaluation.measures import MEASURES
from evaluation.scoring import Band, Bands, Card, Grade, Item, Part, Place, Score


@dataclass(frozen=True, slots=True)
class FrozenRow:
    """One object as it was published."""

    key: int
    name: str
    name_en: str
    place: Place[int]
    counts: dict[str, int]
    within: dict[str, int]
    clocks: dict[str, list[int]]


def canonical(value: Any) -> str:
    """Return the one text of a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(text: str) -> str:
    """Return the SHA-256 of a text."""
    return sha256(text.encode()).hexdigest()


def formulas_version() -> str:
    """Return what stands for all definitions: it changes when one of them does."""
    told = [
        [key, each.numerator, each.minus, each.denominator, each.divisor]
        for key, each in sorted(INDICATORS.items())
    ]
    measured = [
        [key, str(each.condition), each.adds, each.open_late]
        for key, each in sorted(MEASURES.items())
    ]
    return digest(canonical([told, measured]))[:12]


def fraction_text(value: Fraction | None) -> str | None:
    """Return a fraction exactly."""
    return None if value is None else f"{value.numerator}/{value.denominator}"


def _fraction(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)


def card_told(card: Card) -> dict[str, Any]:
    """Return a scorecard as it is frozen."""
    return {
        "items": [
            {
                "indicator": item.indicator,
                "weight": fraction_text(item.weight),
                "is_complement": item.is_complement,
                "bands": _bands_told(item.bands),
            }
            for item in card.items
        ],
        "volume": card.volume,
        "minimum_count": card.minimum_count,
        "grades": [[grade.letter, fraction_text(grade.at_least)] for grade in card.grades],
    }


def _bands_told(bands: Mapping[str, Bands] | None) -> dict[str, Any] | None:
    if bands is None:
        return None
    return {
        group: [
            [fraction_text(b.points), fraction_text(b.at_least), fraction_text(b.at_most)]
            for b in steps
        ]
        for group, steps in bands.items()
    }


def card_read(told: Mapping[str, Any]) -> Card:
    """Return the scorecard that was frozen."""
    items = tuple(
        Item(
            each["indicator"],
            Fraction(each["weight"]),
            each["is_complement"],
            _bands(each["bands"]),
        )
        for each in told["items"]
    )
    grades = tuple(Grade(letter, Fraction(points)) for letter, points in told["grades"])
    return Card(items, told["volume"], told["minimum_count"], grades)


def _bands(told: Mapping[str, Any] | None) -> dict[str, Bands] | None:
    if told is None:
        return None
    return {
        group: tuple(
            Band(Fraction(points), _fraction(least), _fraction(most))
            for points, least, most in steps
        )
        for group, steps in told.items()
    }


def row_told(
    place: Place[int],
    names: tuple[str, str],
    counts: Mapping[str, int],
    within: Mapping[str, int],
    clocks: Mapping[str, Iterable[int]],
) -> dict[str, Any]:
    """Return an object as it is frozen."""
    found = place.score
    return {
        "key": place.key,
        "name": names[0],
        "name_en": names[1],
        "group": place.group,
        "rank": place.rank,
        "grade": found.grade,
        "score": fraction_text(found.total),
        "volume": found.volume,
        "is_ranked": found.is_ranked,
        "parts": [[fraction_text(p.value), fraction_text(p.points)] for p in found.parts],
        "counts": {key: value for key, value in counts.items() if value},
        "within": dict(within),
        "clocks": {key: sorted(each) for key, each in clocks.items() if each},
    }


def row_read(told: Mapping[str, Any], card: Card) -> FrozenRow:
    """Return the object that was frozen."""
    parts = tuple(
        Part(item, _fraction(value), _fraction(points))
        for item, (value, points) in zip(card.items, told["parts"], strict=True)
    )
    found = Score(_fraction(told["score"]), told["grade"], told["volume"], told["is_ranked"], parts)
    place = Place(told["key"], told["group"], found, told["rank"])
    return FrozenRow(
        told["key"],
        told["name"],
        told["name_en"],
        place,
        dict(told["counts"]),
        dict(told["within"]),
        {key: list(each) for key, each in told["clocks"].items()},
    )
