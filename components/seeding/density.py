"""How many things of which type stand where: the rules of fixtures/register/, and their scale.

A rule lays things of a type along or inside *sites*: pieces of road, shores, the insides of
compounds and parks, stops, crossings. ``every`` is how much of a site one thing takes: metres of a
line, square metres of an area, sites where a site is a point or a thing by itself. Pure.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

RULES = settings.BASE_DIR / "fixtures" / "register"

# Sites that are one thing, or have place for a few: their number does not grow with the register.
BOUNDED = frozenset({"stop", "junction", "park", "bridge", "viaduct"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of density.csv; ``long_m`` and ``wide_m`` are the sizes of lines and areas."""

    type_code: str
    family: str
    kinds: tuple[str, ...]
    every: float
    beside_m: float
    shape: str
    long_m: float
    wide_m: float
    attributes: tuple[Mapping[str, Any], ...]

    @property
    def is_bounded(self) -> bool:
        """Whether there are only so many places for it."""
        return self.family in BOUNDED


def rules_read(directory: Path = RULES) -> list[Rule]:
    """Return the rules of a directory with density.csv and attributes.json."""
    examples = json.loads((directory / "attributes.json").read_text(encoding="utf-8"))
    with (directory / "density.csv").open(encoding="utf-8", newline="") as file:
        return [
            Rule(
                type_code=row["type"],
                family=row["family"],
                kinds=tuple(row["kinds"].split()),
                every=float(row["every"]),
                beside_m=float(row["beside_m"]),
                shape=row["shape"],
                long_m=float(row["long_m"] or 0),
                wide_m=float(row["wide_m"] or 0),
                attributes=tuple(examples[row["attributes"]]) if row["attributes"] else ({},),
            )
            for row in csv.DictReader(file)
        ]


def counts_for(total: int, rules: Sequence[Rule], sizes: Sequence[float]) -> list[int]:
    """Return how many things each rule places so that there are ``total`` altogether.

    ``sizes`` says how much of its sites each rule has (m, m², sites). The shares between types are
    those of the rules; where there is no room for more stops and bridges, the others take the
    rest. A rule that has sites at all places at least one thing, if the total allows.

    With room for 900 trees and 100 shelters, 500 things are 450 and 50, 2,000 are 1,900 and 100.
    """
    natural = [size / rule.every for rule, size in zip(rules, sizes, strict=True)]
    bounded = sum(n for n, rule in zip(natural, rules, strict=True) if rule.is_bounded)
    free = sum(natural) - bounded
    scale = total / (free + bounded) if free + bounded else 0
    if scale > 1 and free:
        scale = (total - bounded) / free
    wanted = [
        n * (min(scale, 1) if rule.is_bounded else scale)
        for n, rule in zip(natural, rules, strict=True)
    ]
    counts = [max(int(n), 1) if n else 0 for n in wanted]
    open_ended = [i for i, rule in enumerate(rules) if natural[i] and not rule.is_bounded]
    while left := (total - sum(counts) if any(natural) else 0):
        adjustable = open_ended if left > 0 and open_ended else range(len(rules))
        largest = max(adjustable, key=lambda i: counts[i])
        counts[largest] += 1 if left > 0 else -1
    return counts
