"""What an address may mean: its readings, each with a weight and what was left out.

Pure: no queries. "杭州市西湖区文三路259号" is read as the door 文三路259号, and with less weight
as the road 文三路; "文二路学院路口" as a place of this name and as the crossing of two roads. The
gazetteer decides which of them exist.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice, product
from typing import NamedTuple

from grid.geocoding.naming import fold, tidy

MAX_LENGTH = 200  # characters of an address
MOST_READINGS = 16
SIDES = ("北", "东北", "东", "东南", "南", "西南", "西", "西北")  # 45 degrees each, clockwise
SIDES_EN = (
    "north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest",
)  # fmt: skip


class Note(NamedTuple):
    """What a reading left out or took for granted: a kind and the words it is about."""

    kind: str
    words: str = ""


class Shift(NamedTuple):
    """So far from the place, in this direction (an index of ``SIDES``)."""

    metres: float
    side: int


@dataclass(frozen=True, slots=True)
class Reading:
    """One meaning: the name of a place, or of the two roads that cross, as written."""

    names: tuple[str, ...]
    weight: float = 1.0
    notes: tuple[Note, ...] = ()
    shift: Shift | None = None
    areas: tuple[str, ...] = field(default=(), compare=False)


# ── coordinates ───────────────────────────────────────────────────────────────────────────────

_NUMBER = r"[-+]?\d{1,3}(?:\.\d+)?"
_PLAIN = re.compile(rf"\(?({_NUMBER})°?\s*[,;\s/]\s*({_NUMBER})°?\)?")
_AXIS = r"(?P<axis>[NSEW]|东经|北纬|西经|南纬|经度|纬度|lon|lat)?[:=\s]*"
_DEGREES = (
    r"(?P<degrees>\d{1,3}(?:\.\d+)?)\s*(?:[°度]\s*"
    r"(?:(?P<minutes>\d{1,2}(?:\.\d+)?)\s*['′’分]\s*)?"
    r"(?:(?P<seconds>\d{1,2}(?:\.\d+)?)\s*(?:[\"”秒]|''|′′)\s*)?)?"
)
# The letter of the axis stands before the degrees or after them.
_ANGLES = (
    re.compile(rf"{_AXIS}{_DEGREES}[,;\s]*", re.IGNORECASE),
    re.compile(rf"{_DEGREES}{_AXIS}[,;\s]*", re.IGNORECASE),
)
_EASTWARDS = {"e": 1, "东经": 1, "经度": 1, "lon": 1, "w": -1, "西经": -1}
_NORTHWARDS = {"n": 1, "北纬": 1, "纬度": 1, "lat": 1, "s": -1, "南纬": -1}


def coordinates_in(text: str) -> list[tuple[float, float]]:
    """Return the points (lon, lat) that a text may mean, the likelier first, none for words.

    Two bare numbers are longitude and latitude, or the other way round.
    """
    text = tidy(text)
    if plain := _PLAIN.fullmatch(text):
        return _either_way(float(plain[1]), float(plain[2]))
    for pattern in _ANGLES:
        angles = _angles(text, pattern)
        if len(angles) != 2:
            continue
        by_axis = {axis: degrees for degrees, axis in angles}
        if by_axis.keys() == {"lon", "lat"}:
            return [each for each in [(by_axis["lon"], by_axis["lat"])] if _is_on_earth(each)]
        if by_axis.keys() == {""}:
            return _either_way(angles[0][0], angles[1][0])
    return []


def _either_way(first: float, second: float) -> list[tuple[float, float]]:
    return [each for each in ((first, second), (second, first)) if _is_on_earth(each)]


def _angles(text: str, pattern: re.Pattern[str]) -> list[tuple[float, str]]:
    """Return the angles that make up the whole text, in degrees, and which axis they are of."""
    angles, at = [], 0
    while at < len(text):
        found = pattern.match(text, at)
        if found is None:
            return []
        degrees = float(found["degrees"])
        degrees += float(found["minutes"] or 0) / 60 + float(found["seconds"] or 0) / 3600
        letter = (found["axis"] or "").lower()
        axis = "lon" if letter in _EASTWARDS else "lat" if letter in _NORTHWARDS else ""
        angles.append((degrees * {**_EASTWARDS, **_NORTHWARDS}.get(letter, 1), axis))
        at = found.end()
    return angles


def _is_on_earth(point: tuple[float, float]) -> bool:
    return abs(point[0]) <= 180 and abs(point[1]) <= 90


# ── sounds ────────────────────────────────────────────────────────────────────────────────────

# English words of places, and how the Chinese word sounds.
_ENGLISH = {
    "road": ("lu",), "rd": ("lu",), "street": ("jie", "dajie"), "st": ("jie",),
    "avenue": ("dadao", "dajie"), "ave": ("dadao", "dajie"), "lane": ("xiang",),
    "alley": ("nong",), "bridge": ("qiao", "daqiao"), "tunnel": ("suidao",),
    "expressway": ("gaosu", "kuaisulu"), "causeway": ("di",), "elevated": ("gaojia",),
    "park": ("gongyuan",), "plaza": ("guangchang",), "square": ("guangchang",),
    "tower": ("dasha",), "building": ("dasha", "dalou"), "mansion": ("dasha",),
    "hospital": ("yiyuan",), "university": ("daxue",), "hotel": ("jiudian", "binguan"),
    "museum": ("bowuguan",), "library": ("tushuguan",), "market": ("shichang",),
    "gardens": ("huayuan",), "garden": ("huayuan",), "apartments": ("gongyu",),
    "centre": ("zhongxin",), "center": ("zhongxin",), "community": ("shequ", "xiaoqu"),
    "station": ("zhan",), "gymnasium": ("tiyuguan",), "west": ("xi",), "east": ("dong",),
    "north": ("bei",), "south": ("nan",), "middle": ("zhong",), "no": ("",),
}  # fmt: skip
_ROAD_WORDS = frozenset(
    ("lu", "jie", "xiang", "nong", "dadao", "dajie", "road", "rd", "street", "st", "avenue", "ave",
     "lane", "alley")
)  # fmt: skip
_SIDES_OF_ROADS = frozenset(("west", "east", "north", "south", "middle"))
MOST_SOUNDS = 4


def sounds_of(text: str) -> list[str]:
    """Return how a name in Latin letters sounds in Chinese, none for one in characters.

    >>> sounds_of("West Wensan Road"), sounds_of("wensan xi lu"), sounds_of("文三西路")
    (['wensanxilu'], ['wensanxilu'], [])
    """
    if not text.isascii() or not any(char.isalpha() for char in text):
        return []
    words = re.findall(r"[a-z]+|\d+", text.lower().replace("'", ""))
    if len(words) > 2 and words[0] in _SIDES_OF_ROADS and words[-1] in _ROAD_WORDS:
        words = [*words[1:-1], words[0], words[-1]]  # West Wensan Road is 文三西路
    ways = product(*(_ENGLISH.get(word, (word,)) for word in words))
    return list(dict.fromkeys("".join(way) for way in islice(ways, MOST_SOUNDS)))


# ── what stands after a name ──────────────────────────────────────────────────────────────────

_SIDE = r"东南|东北|西南|西北|东|南|西|北"
_SIDE_EN = r"north-?east|south-?east|north-?west|south-?west|north|south|east|west"
_HAN_NUMBER = r"[一二两三四五六七八九十百]+"
_UNIT = r"米|公里|千米|km|m(?:et(?:er|re)s?)?"
_SHIFTED = re.compile(
    rf"(?P<rest>.+?)[\s,]*[的以往向偏朝]?(?P<side>{_SIDE})[侧面边方向首部]{{0,2}}\s*(?:大?约|大概)?"
    rf"\s*(?P<metres>\d+(?:\.\d+)?|{_HAN_NUMBER})\s*(?P<unit>{_UNIT})(?:左右|的地方|处|远)*",
    re.IGNORECASE,
)
_SHIFTED_EN = re.compile(
    rf"(?:about |around |some |approximately )?(?P<metres>\d+(?:\.\d+)?) ?(?P<unit>{_UNIT}) "
    rf"(?:to the )?(?P<side>{_SIDE_EN}) (?:of|from) (?P<rest>.+)",
    re.IGNORECASE,
)
# What can follow or lead a name without being part of it, and what is noted of it.
_TAILS = (
    ("opposite", re.compile(r"(?P<rest>.+?)的?斜?对(?:面|过)")),
    ("beside", re.compile(rf"(?P<rest>.+?)[的以]?(?:{_SIDE})(?:侧|面|边|头)")),
    ("gate", re.compile(rf"(?P<rest>.+?)(?:{_SIDE}|[正大后前侧边])?门(?:口|前|外|旁)?")),
    (
        "beside",
        re.compile(
            r"(?P<rest>.+?)的?(?:附近|旁边|边上|隔壁|周边|一带|前面|后面|里面|外面|楼下|沿线|[旁内里上处前后])"
        ),
    ),
    ("beside", re.compile(r"(?:near|next to|close to|beside|by|at|in) (?P<rest>.+)", re.I)),
    ("opposite", re.compile(r"(?:opposite|across from) (?P<rest>.+)", re.I)),
)
TAIL_WEIGHT = 0.95
_HAN_DIGITS = {char: value for value, char in enumerate("一二三四五六七八九", start=1)} | {"两": 2}


def han_number(text: str) -> int:
    """Return the number that Chinese numerals below a thousand write, 0 for what is none.

    >>> han_number("五十"), han_number("一百二十"), han_number("十五")
    (50, 120, 15)
    """
    total = digit = 0
    for char in text:
        if (scale := {"十": 10, "百": 100}.get(char)) is None:
            digit = _HAN_DIGITS.get(char, 0)
        else:
            total, digit = total + (digit or 1) * scale, 0
    return total + digit


def _shifted(text: str) -> tuple[str, Shift | None]:
    """Return the text without a distance and direction, and these."""
    found = _SHIFTED.fullmatch(text) or _SHIFTED_EN.fullmatch(text)
    if found is None:
        return text, None
    side = found["side"].lower().replace("-", "")
    number = found["metres"]
    metres = float(number) if number[0].isdigit() else float(han_number(number))
    if found["unit"].lower() in ("公里", "千米", "km"):
        metres *= 1000
    index = SIDES.index(side) if side in SIDES else SIDES_EN.index(side)
    return found["rest"], Shift(metres, index)


def _without_tails(text: str) -> Iterator[tuple[str, float, tuple[Note, ...]]]:
    """Yield the text as it stands, then with what follows its name taken off."""
    yield text, 1.0, ()
    for kind, pattern in _TAILS:
        found = pattern.fullmatch(text)
        if found and len(fold(found["rest"])) > 1:
            words = text.replace(found["rest"], "", 1).strip()
            yield found["rest"], TAIL_WEIGHT, (Note(kind, words),)
            return


# ── areas around a name ───────────────────────────────────────────────────────────────────────

ROAD_ENDINGS = "路街巷弄道桥堤线"
_SEPARATORS = " ,;:·-—>/|"
_ANY_AREA = re.compile(
    r"(?:中国)?(?:[\u4e00-\u9fff]{2,3}省)?(?:[\u4e00-\u9fff]{2,3}市)?(?:[\u4e00-\u9fff]{2}[区县])?"
    r"(?:[\u4e00-\u9fff]{2,4}(?:街道|镇|乡))?(?:[\u4e00-\u9fff]{2,6}社区)?"
)
UNKNOWN_AREA_WEIGHT = 0.9
AREA_IN_NAME_WEIGHT = 0.97
AREA_ENDINGS = ("街道", "社区", "区", "镇", "乡", "村", "市")


def _without_areas(text: str, areas: Collection[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the text without the areas named before and after its name, and these, step by step.

    An area may stand without the word for its kind where something separates it; the first of
    ``areas`` with that name is meant.
    """
    whole = [(word, area, False) for area in sorted(areas, key=len, reverse=True)
             for word in (area, f"({area})")]  # fmt: skip
    short = [(stem, area, True) for area in areas for stem in _stems(area)]
    steps: list[tuple[str, tuple[str, ...]]] = [(text, ())]
    is_found = True
    while is_found:
        is_found = False
        text, named = steps[-1]
        for word, area, needs_gap in (*whole, *short):
            if rest := _cut(text, word, needs_gap=needs_gap):
                steps.append((rest, (*named, area)))
                is_found = True
                break
    return steps


def _stems(area: str) -> Iterator[str]:
    for ending in AREA_ENDINGS:
        if area.endswith(ending) and len(area) > len(ending) + 1:
            stem = area.removesuffix(ending)
            if stem[-1] not in ROAD_ENDINGS:  # 余杭塘路社区: the road is meant
                yield stem
            return


def _cut(text: str, word: str, *, needs_gap: bool) -> str | None:
    """Return the text without ``word`` at its beginning or end, None where it is not there."""
    for rest, gap in ((text.removeprefix(word), text[len(word) : len(word) + 1]),
                      (text.removesuffix(word), text[: -len(word)][-1:])):  # fmt: skip
        if rest != text and (not needs_gap or (gap and gap in _SEPARATORS)):
            return rest.strip(_SEPARATORS)
    return None


# ── what a name may be ────────────────────────────────────────────────────────────────────────

_CROSSING_WORDS = (
    "交叉路口", "十字路口", "丁字路口", "三岔路口", "交叉口", "交汇处", "交会处", "交界处",
    "交叉处", "相交处", "交汇口", "交口", "交叉", "交汇", "路口", "转角", "口", "处",
)  # fmt: skip
_CROSSING_EN = re.compile(
    r"(?:the )?(?:crossing|intersection|junction|corner)(?: of)? (.+)"
    r"|(.+) (?:crossing|intersection|junction|corner)",
    re.I,
)
_BETWEEN = re.compile(r"\s*(?:\band\b|\bx\b|[与和跟及、/\\&@+×~,;\-—–到至])\s*", re.I)
_JOINTS = "与跟及"  # no name of a road begins with these
_IN_BRACKETS = re.compile(
    r"(?P<road>[^(]+)\((?:靠?近|邻近?|near )?\s*(?P<other>[^)]+?)(?:方向|段)?\)(?P<rest>.*)",
    re.I,
)
_CLOSE_TO = re.compile(r"(?P<road>.+?)\s*(?:靠近|临近|近| near )\s*(?P<other>.+)", re.I)
_DOOR = re.compile(
    r"(?P<road>.*?[^\d\W](?:路|街|巷|弄|道|里|坊|村|苑|区|园|桥|堤|线|庄|埠|road|rd|street|avenue|lane|lu|jie))"
    r"\s*(?:no\.? ?)?(?P<number>\d+(?:[-/]\d+)*\s*(?:号楼|号院|弄|号|#|幢|栋|单元|室|座)?"
    r"(?:\s*\d+\s*(?:号楼|号院|号|幢|栋|单元|室|座))*)(?P<rest>.*)",
    re.I,
)
_DOOR_EN = re.compile(r"(?:no\.? ?)?(?P<number>\d+),? (?P<road>[a-z][a-z' ]+)", re.I)
_PART = re.compile(
    r"(?P<rest>.+?)(?:(?:(?<![A-Za-z])[A-Za-z])?\d+|(?<![A-Za-z])[A-Za-z]|[一二三四五六七八九十]+)"
    r"(?:幢|栋|号|单元|座|期|区|组团|室|层|楼).*"
)
DOOR_WEIGHT = 0.7  # of the road, for a house that the gazetteer does not have
PART_WEIGHT = 0.9  # of a compound, for one of its buildings
_STOP = re.compile(r"(?P<rest>.+?)(?:公交车站|公交站|汽车站|站台|车站|站牌|站)")
_METRO = re.compile(r"(?P<name>.+?)地铁站?(?P<exit>.*)")


def _meanings(core: str) -> Iterator[Reading]:
    """Yield what a name without areas may be, the likelier first."""
    yield Reading((core,))
    yield from _crossings(core)
    doors = list(_doors(core))
    yield from doors
    if stop := _STOP.fullmatch(core):
        yield Reading((stop["rest"],), 0.97)
    if metro := _METRO.fullmatch(core):
        yield Reading((f"地铁{metro['name']}站{metro['exit']}",), 0.97)
    if not doors and (part := _PART.fullmatch(core)):
        note = Note("part", core.removeprefix(part["rest"]).strip())
        yield Reading((part["rest"],), PART_WEIGHT - 0.05, (note,))
    words = [word for word in re.split(r"[ ,;]+", core) if len(word) > 1 and not word.isdigit()]
    if 1 < len(words) <= 6 and not doors and not core.isascii():
        yield Reading((words[-1],), 0.85, (Note("word", words[-1]),))
        yield Reading((words[0],), 0.8, (Note("word", words[0]),))


def _crossings(core: str) -> Iterator[Reading]:
    """Yield the pairs of roads that a name may join."""
    if bracket := _IN_BRACKETS.fullmatch(core):
        other, *more = _BETWEEN.split(bracket["other"])
        yield Reading((bracket["road"], _without_crossing_word(bracket["other"])), 0.97)
        if more:  # 文三路（教工路至学院路）
            yield Reading((bracket["road"], other), 0.9)
        yield Reading((bracket["road"] + bracket["rest"],), 0.9)
    elif close := _CLOSE_TO.fullmatch(core):
        yield Reading((close["road"], _without_crossing_word(close["other"])), 0.97)
    stem = _without_crossing_word(core)
    weight = 1.0 if stem != core else 0.95
    between = list(_BETWEEN.finditer(stem))[:4]
    for found in between:
        yield Reading((stem[: found.start()], stem[found.end() :]), weight)
    yield from _side_by_side(stem, weight, has_word=stem != core)
    words = stem.split()
    for at in range(1, 0 if between else len(words)):
        if words[at - 1].lower() in _ROAD_WORDS or len(words) == 2:
            yield Reading((" ".join(words[:at]), " ".join(words[at:])), weight - 0.02)


def _side_by_side(stem: str, weight: float, *, has_word: bool) -> Iterator[Reading]:
    """Yield the pairs of roads written without anything between them: 文二路学院路(口)."""
    for at in range(2, len(stem) - 1):
        if stem[at] in _JOINTS or stem.isascii():
            continue
        if stem[at - 1] in ROAD_ENDINGS and (stem[-1] in ROAD_ENDINGS or has_word):
            yield Reading((stem[:at], stem[at:]), weight - 0.02)
        elif has_word and stem[-1] in ROAD_ENDINGS:
            yield Reading((stem[:at], stem[at:]), weight - 0.07)
        elif stem[at - 1] in ROAD_ENDINGS:  # still being typed: 文二路学院
            yield Reading((stem[:at], stem[at:]), weight - 0.1)


def _without_crossing_word(text: str) -> str:
    """Return the text without the word for a crossing: 文二路学院路口 → 文二路学院路."""
    if english := _CROSSING_EN.fullmatch(text):
        return english[1] or english[2]
    stems = [text.removesuffix(word) for word in _CROSSING_WORDS if text.endswith(word)]
    on_roads = [
        stem.removesuffix("的") for stem in stems if stem and stem[-1] in ROAD_ENDINGS + "的"
    ]
    return (on_roads or stems or [text])[0] or text


def _doors(core: str) -> Iterator[Reading]:
    """Yield the house, and the road for want of it."""
    if english := _DOOR_EN.fullmatch(core):
        yield Reading((english["road"],), DOOR_WEIGHT, (Note("door", english["number"]),))
        return
    door = _DOOR.fullmatch(core)
    if door is None:
        return
    road, number, rest = (door[group].strip(_SEPARATORS) for group in ("road", "number", "rest"))
    yield Reading((road + number.replace("#", "号"),), 0.98)
    if len(fold(rest)) > 1:
        yield Reading((rest,), 0.95, (Note("word", rest),))
    lane = re.match(r"\d+\s*弄", number)
    if lane and lane[0] != number:
        yield Reading((road + lane[0],), 0.85, (Note("door", number[lane.end() :].strip()),))
    if road[-1] in ROAD_ENDINGS or road.isascii():
        yield Reading((road,), DOOR_WEIGHT, (Note("door", number),))
    else:
        yield Reading((road,), PART_WEIGHT, (Note("part", number),))


# ── the readings of an address ────────────────────────────────────────────────────────────────


def readings_of(text: str, areas: Collection[str] = ()) -> list[Reading]:
    """Return the readings of an address, the likelier first; none of an empty one.

    ``areas`` are the names of areas that occur in the text.
    """
    body, shift = _shifted(tidy(text).strip(_SEPARATORS + "。.!?"))
    found: dict[tuple[str, ...], Reading] = {}
    for meaning in _all_meanings(body, areas):
        names = tuple(fold(name) for name in meaning.names)
        if all(len(name) > 1 for name in names):
            known = found.get(names)
            if known is None or known.weight < meaning.weight:
                found[names] = replace(meaning, shift=shift)
    return sorted(found.values(), key=lambda each: -each.weight)[:MOST_READINGS]


def _all_meanings(body: str, areas: Collection[str]) -> Iterator[Reading]:
    """Yield the meanings of a name with and without what stands around it."""
    for text, weight, notes in _without_tails(body):
        *steps, (core, named) = _without_areas(text, areas)
        for meaning in _meanings(core):
            yield _weighed(meaning, weight, notes, named)
        for longer, fewer in steps:  # 西湖区政府: the name begins with an area
            yield Reading((longer,), AREA_IN_NAME_WEIGHT, areas=fewer)
        unknown = _ANY_AREA.match(core)
        if unknown and unknown[0] and len(core) - unknown.end() > 1:
            noted = (*notes, Note("area", unknown[0]))
            for meaning in _meanings(core[unknown.end() :].strip(_SEPARATORS)):
                yield _weighed(meaning, weight * UNKNOWN_AREA_WEIGHT, noted, named)


def _weighed(
    meaning: Reading, weight: float, notes: tuple[Note, ...], areas: tuple[str, ...]
) -> Reading:
    notes = (*meaning.notes, *notes)
    return replace(meaning, weight=meaning.weight * weight, notes=notes, areas=areas)
