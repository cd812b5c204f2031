"""Finding a street or a community by its name, sound or code, within its district if one is named.

There are some thousand of them: they are read whole, without their outlines, and judged here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from common.pinyin import search_keys
from common.templatetags.ui import is_english
from grid.models import Area

# How well a word fits an area, the better the lower; None: not at all.
EXACT, BEGINS, WITHIN, OF_PARENT = range(4)


@dataclass(frozen=True, slots=True)
class FoundArea:
    """A street or community with the names of what it lies in."""

    code: str
    name: str
    name_en: str
    is_street: bool
    street: tuple[str, str]  # name, English name; of a community
    district: tuple[str, str]

    @property
    def within(self) -> str:
        """What it lies in, in the reader's language."""
        return " · ".join(_in_words(*names) for names in reversed(_parents(self)))

    @property
    def label(self) -> str:
        """Its name with what it lies in: several communities bear one name."""
        return f"{self.within} · {_in_words(self.name, self.name_en)}"


def areas_search(
    text: str, *, city_id: int | None, on: date, district: str = ""
) -> list[FoundArea]:
    """Return the city's streets and communities that fit every word of a text, the best first.

    A word may also name the street or the district that an area lies in. Without a text these are
    the streets of the district (its code), none without a district either.
    """
    words = text.casefold().split()
    areas = _areas(city_id, on, district)
    if not words:
        return [area for area in areas if area.is_street] if district else []
    ranked = []
    for area in areas:
        fits = [_fit(word, area) for word in words]
        if None not in fits:
            best = min(fit for fit in fits if fit is not None)
            if best < OF_PARENT or len(words) == 1:
                ranked.append((best, not area.is_street, area.code, area))
    ranked.sort(key=lambda row: row[:3])
    return [area for *_rank, area in ranked]


def districts_on(day: date, city_id: int | None) -> list[Area]:
    """Return the city's districts of a day, without their outlines."""
    return list(
        Area.objects.valid_on(day)
        .filter(city=city_id, level=Area.Level.DISTRICT)
        .defer("geometry")
        .order_by("code")
    )


def area_chosen(code: str, day: date, city_id: int | None) -> Area | None:
    """Return the city's street or community with a code and what it lies in; outlines on demand."""
    if not code or "\x00" in code:
        return None
    rows = Area.objects.valid_on(day).filter(
        city=city_id, level__in=(Area.Level.STREET, Area.Level.COMMUNITY), code=code
    )
    return (
        rows.select_related("parent__parent")
        .defer("geometry", "parent__geometry", "parent__parent__geometry")
        .first()
    )


def _areas(city_id: int | None, on: date, district: str) -> list[FoundArea]:
    rows = Area.objects.valid_on(on).filter(city=city_id).order_by("code")
    streets = rows.filter(level=Area.Level.STREET)
    communities = rows.filter(level=Area.Level.COMMUNITY)
    if district:
        streets = streets.filter(parent__code=district)
        communities = communities.filter(parent__parent__code=district)
    found = [
        FoundArea(code, name, name_en, True, ("", ""), (parent, parent_en))
        for code, name, name_en, parent, parent_en in streets.values_list(
            "code", "name", "name_en", "parent__name", "parent__name_en"
        )
    ]
    found += [
        FoundArea(code, name, name_en, False, (street, street_en), (parent, parent_en))
        for code, name, name_en, street, street_en, parent, parent_en in communities.values_list(
            "code", "name", "name_en", "parent__name", "parent__name_en",
            "parent__parent__name", "parent__parent__name_en",
        )
    ]  # fmt: skip
    return found


def _fit(word: str, area: FoundArea) -> int | None:
    """Tell how well a word fits an area, or what it lies in."""
    name_en = area.name_en.casefold()
    own = (area.name, name_en, area.code, *_sounds_for(word, area.name))
    if word in own:
        return EXACT
    if any(form.startswith(word) for form in own):
        return BEGINS
    if word in area.name or word in name_en:
        return WITHIN
    parents = area.district[0] + area.street[0]
    if word in parents + area.name:  # written together: 西湖区古荡
        return OF_PARENT if word in parents else WITHIN
    return OF_PARENT if any(_is_parent(word, *each) for each in _parents(area)) else None


def _in_words(name: str, name_en: str) -> str:
    return name_en if name_en and is_english() else name


def _parents(area: FoundArea) -> list[tuple[str, str]]:
    return [names for names in (area.street, area.district) if names[0]]


def _is_parent(word: str, name: str, name_en: str) -> bool:
    return any(form.startswith(word) for form in (name_en.casefold(), *_sounds_for(word, name)))


def _sounds_for(word: str, name: str) -> tuple[str, ...]:
    """Return how a name sounds, where a word may be a sound."""
    return _sounds(name) if word.isascii() and word.isalpha() else ()


@lru_cache(maxsize=8192)  # of a name alone: it is the same whenever it is asked
def _sounds(name: str) -> tuple[str, str]:
    return search_keys(name)
