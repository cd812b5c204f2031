"""How well a name of the gazetteer fits what was written: the formula of docs/rules/geocoding.md.

score = weight of the reading × fit of the name (of two roads: the worse fit)
        × 0.6 when it lies in none of the areas written
        × (1 - 0.1 × min(distance / 10 km, 1)) when a place to be near to is given
"""

from __future__ import annotations

from enum import StrEnum


class Fit(StrEnum):
    """How a name was found."""

    NAME = "name"
    ALIAS = "alias"
    SOUND = "sound"  # written in Latin letters
    HOMOPHONE = "homophone"  # other characters that sound the same
    BEGINS = "begins"
    HOLDS = "holds"
    SOUND_BEGINS = "sound_begins"
    INITIALS = "initials"
    ALIKE = "alike"
    SOUNDS_ALIKE = "sounds_alike"


ELSEWHERE_FACTOR = 0.6  # the areas written are not where the place is
FAR_M, FAR_LOSS = 10_000, 0.1
COMPUTED_FACTOR = 0.97  # a crossing worked out from the lines of two roads
MISTAKE_LOSS = {Fit.ALIKE: 1, Fit.SOUNDS_ALIKE: 2}  # a letter of pinyin weighs more than it looks
LEAST_SCORE = 0.3  # anything less likely is not told


def fit_of(fit: Fit, written: str, name: str) -> float:
    """Return the fit, 0 to 1, of a name to what was written, both in the form compared.

    >>> fit_of(Fit.NAME, "文三路", "文三路"), fit_of(Fit.BEGINS, "文三", "文三路")
    (1.0, 0.85)
    """
    share = len(written) / max(len(name), 1)
    match fit:
        case Fit.NAME:
            return 1.0
        case Fit.ALIAS:
            return 0.98
        case Fit.SOUND:
            return 0.95
        case Fit.HOMOPHONE:
            return 0.88
        case Fit.BEGINS:
            return round(0.65 + 0.3 * share, 4)
        case Fit.HOLDS | Fit.SOUND_BEGINS:
            return round(0.5 + 0.3 * share, 4)
        case Fit.INITIALS:
            return 0.6
        case Fit.ALIKE | Fit.SOUNDS_ALIKE:
            loss = MISTAKE_LOSS[fit] * edits(written, name) / max(len(written), len(name))
            return round(max(0.85 * (1 - loss), 0), 4)


def near_factor(distance_m: float) -> float:
    """Return the factor of a place so far from where one wants to be near."""
    return 1 - FAR_LOSS * min(distance_m / FAR_M, 1)


def edits(a: str, b: str) -> int:
    """Return how many letters have to be changed, added or dropped to make ``b`` of ``a``.

    >>> edits("教工路", "教公路"), edits("文三路", "文三西路")
    (1, 1)
    """
    row = list(range(len(b) + 1))
    for i, char in enumerate(a, start=1):
        previous, row[0] = row[0], i
        for j, other in enumerate(b, start=1):
            step = min(row[j] + 1, row[j - 1] + 1, previous + (char != other))
            previous, row[j] = row[j], step
    return row[-1]
