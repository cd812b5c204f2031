"""From letters to the words they may mean: pinyin, initials, English names, with a mistake or two.

The words are those the city knows: names of types with their aliases, of areas, of places. Part of
a name is enough: ``laji`` is the 垃圾 of 暴露垃圾. What people merely wrote into a description is
found by its characters, not by its sound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from django.contrib.postgres.search import TrigramWordSimilarity
from django.db.models import Q

from common.pinyin import syllables
from components.models import CaseType
from grid.models import Area, Place

MOST_WORDS = 6
MOST_ALIKE = 30  # names of places looked at, the likest first
LONG_ENOUGH = 4  # letters in which a mistake is forgiven
# What people who speak as in the south write for each other; also the slips of a finger.
_SAME = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ng", "n"), ("l", "n"), ("hu", "fu"))


@dataclass(frozen=True, slots=True)
class Word:
    """A word that letters may mean: smaller ``fit`` is likelier."""

    text: str
    fit: int


def words_sounding(letters: str, on: date) -> list[str]:
    """Return the words that letters may mean, the likeliest first: 4 queries, 5 with a mistake."""
    names = list(_names(letters, on))
    found = _likeliest(names, letters, most=0)
    found |= {name: 1 for name in _english(letters, on) if name not in found}
    if not found and _mistakes_in(letters):
        found = _likeliest([*names, *_places_alike(letters, on)], letters, most=2)
    return sorted(found, key=lambda text: (found[text], len(text), text))[:MOST_WORDS]


def _likeliest(names: Iterable[str], letters: str, most: int) -> dict[str, int]:
    """Return the words in these names that fit best, with how well."""
    allowed = min(most, _mistakes_in(letters))
    found: dict[str, int] = {}
    for name in names:
        for word in words_in(name, letters, allowed):
            found[word.text] = min(found.get(word.text, word.fit), word.fit)
    return found


def _names(letters: str, on: date) -> Iterator[str]:
    """Yield every name of the catalogue and the areas, and the places that sound alike."""
    for case_type in CaseType.objects.valid_on(on).prefetch_related("aliases"):
        yield case_type.name
        yield from (alias.name for alias in case_type.aliases.all())
    yield from Area.objects.filter(valid_to__isnull=True).values_list("name", flat=True)
    yield from _places(letters, on)


def _places(letters: str, on: date) -> Iterable[str]:
    """Return names of places that sound so; indexes place_pinyin and place_initials."""
    sounds = Q(pinyin__startswith=letters) | Q(initials__startswith=letters)
    places = Place.objects.valid_on(on).filter(sounds).order_by("pinyin", "pk")
    return places.values_list("name", flat=True)[:MOST_ALIKE]


def _places_alike(letters: str, on: date) -> Iterable[str]:
    """Return names of places that nearly sound so; index place_like_pinyin."""
    return (
        Place.objects.valid_on(on)
        .filter(pinyin__trigram_word_similar=letters)
        .annotate(likeness=TrigramWordSimilarity(letters, "pinyin"))
        .order_by("-likeness", "pinyin", "pk")
        .values_list("name", flat=True)[:MOST_ALIKE]
    )


def _english(letters: str, on: date) -> list[str]:
    if len(letters) < LONG_ENOUGH:
        return []
    types = CaseType.objects.valid_on(on).filter(name_en__icontains=letters)
    return list(types.values_list("name", flat=True)[:MOST_WORDS])


# ── pure ──────────────────────────────────────────────────────────────────────────────────────


def words_in(name: str, letters: str, allowed: int = 0) -> Iterator[Word]:
    """Yield the parts of a name, two characters at least, that sound as the letters say.

    Fits: 0 the sound, 1 the initials; with ``allowed`` mistakes 2 for what is spoken alike, 3 and
    more for letters missing, added, changed or swapped.

    >>> [word.text for word in words_in("暴露垃圾", "laji")]
    ['垃圾']
    """
    sounds = _sounds_of(name)
    longest = len(letters) + allowed
    for first in range(len(sounds) - 1):
        sound = sounds[first]
        for last in range(first + 1, len(sounds)):
            sound += sounds[last]
            count = last - first + 1
            if count > len(letters) and len(sound) > longest:
                break
            fit = _fit(
                sound, "".join(each[:1] for each in sounds[first : last + 1]), letters, allowed
            )
            if fit is not None:
                yield Word(name[first : last + 1], fit)


def _fit(sound: str, initials: str, letters: str, allowed: int) -> int | None:
    if sound == letters:
        return 0
    if initials == letters:
        return 1
    if not allowed or abs(len(sound) - len(letters)) > allowed:
        return None
    spoken, meant = _loosened(sound), _loosened(letters)
    if spoken[:1] != meant[:1]:  # hardly anybody mistakes how a word begins
        return None
    if spoken == meant:
        return 2
    away = distance(sound, letters, allowed)
    return 2 + away if away <= allowed else None


def _mistakes_in(letters: str) -> int:
    if len(letters) < LONG_ENOUGH:
        return 0
    return 1 if len(letters) < 2 * LONG_ENOUGH else 2


@lru_cache(maxsize=50_000)
def _loosened(sound: str) -> str:
    for said, written in _SAME:
        sound = sound.replace(said, written)
    return sound


@lru_cache(maxsize=20_000)
def _sounds_of(name: str) -> tuple[str, ...]:
    """Return how each character sounds; that never changes, so it may be kept."""
    return tuple(syllables(name))


def distance(one: str, other: str, most: int) -> int:
    """Return how many letters to add, drop, change or swap; ``most`` + 1 stands for more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        before, above, row = row, before, [i]
        for j, right in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]
