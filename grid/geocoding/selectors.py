"""From words to places: an address, a name, a crossing, coordinates, the code of a cell.

How the score comes about stands in ``scoring.py`` and docs/rules/geocoding.md. What lies outside
the city's cells is not answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.errors import DomainError, Sentence
from common.geo import distance_m, point_at
from grid.geocoding import lookup, said
from grid.geocoding.lookup import AreaRow, Crossing, Hit, Location, Point, Row
from grid.geocoding.naming import fold, tidy
from grid.geocoding.reading import (
    AREA_ENDINGS,
    MAX_LENGTH,
    SIDES,
    Note,
    Reading,
    Shift,
    coordinates_in,
    readings_of,
    sounds_of,
)
from grid.geocoding.scoring import (
    COMPUTED_FACTOR,
    ELSEWHERE_FACTOR,
    LEAST_SCORE,
    Fit,
    near_factor,
)
from grid.geocoding.words import place_in_words
from grid.models import GridCell
from grid.selectors import AreaRef, check_point

DEFAULT_LIMIT, MAX_LIMIT = 10, 50
SURE = 0.66  # nothing less likely is looked for where something fits this well: a road at least
MOST_LOCATED = 40  # candidates, the likeliest first, that are placed in their cells
ROADS_A_NAME = 4  # that a name of a crossing may mean
LONE_ROAD_WEIGHT = 0.5  # of one road, where the other does not cross it
SAME_PLACE_M = 300  # two posts of a stop, the corners of a crossing
SURE_SHIFT_FACTOR = 0.98
FARTHEST_SHIFT_M = 3_000
CELL_DIGITS = range(14, 17)
KIND_ORDER = ("door", "road", "junction", "area", "building", "stop", "poi")  # among equals


@dataclass(frozen=True, slots=True)
class Found:
    """A place that a text may mean: ``score`` from 0 to 1, ``understood`` for the reader.

    ``kind`` is a kind of ``Place``, or district, street, community, cell, point. ``address`` is
    what to write down: the place's name, or the text itself where it says more (a house number).
    """

    kind: str
    name: str
    name_en: str
    lon: float
    lat: float
    score: float
    understood: str
    address: str
    cell: str
    community: AreaRef
    street: AreaRef
    district: AreaRef

    @property
    def kind_label(self) -> Sentence:
        """What kind of place it is, for the reader."""
        return said.KINDS[self.kind]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A place before it is put into its cell."""

    row: Row
    score: float
    said: Sentence
    notes: tuple[Note, ...] = ()
    shift: Shift | None = None
    areas: tuple[str, ...] = ()


def map_search(
    text: str, *, on: date, near: Point | None = None, limit: int = DEFAULT_LIMIT
) -> list[Found]:
    """Return what the search box of a map may mean within this app: also the code of a cell."""
    code = tidy(text).replace(" ", "")
    if code.isascii() and code.isdigit() and len(code) in CELL_DIGITS:
        return _cell(code, on)
    return address_search(text, on=on, near=near, limit=limit)


def address_search(
    text: str, *, on: date, near: Point | None = None, limit: int = DEFAULT_LIMIT
) -> list[Found]:
    """Return the places of the city that an address may mean on a day, the likeliest first.

    ``near`` (lon, lat) prefers what is near among what fits alike. Hopeless text gives nothing.

    Raises:
        DomainError: ``invalid`` 400 for more than 200 characters, or a ``near`` that is no point.
    """
    if len(text) > MAX_LENGTH:
        message = _("An address has at most %(count)d characters.") % {"count": MAX_LENGTH}
        raise DomainError("invalid", message, {"q": [message]})
    if near is not None:
        check_point(*near)
    if points := coordinates_in(text):
        return _points(points, on)
    written = tidy(text)
    if len(fold(written)) < 2:
        return []
    areas = lookup.areas_in(written, on)
    readings = readings_of(written, [area.name for area in areas])
    candidates = list(_areas(written, areas))
    candidates += _candidates(readings, on, is_sure=any(each.score >= SURE for each in candidates))
    return _ranked(candidates, written, areas, on, near)[: min(limit, MAX_LIMIT)]


# ── candidates ────────────────────────────────────────────────────────────────────────────────


def _candidates(readings: Sequence[Reading], on: date, *, is_sure: bool) -> list[_Candidate]:
    """Return the places that the readings mean; less likely ones where nothing else is sure."""
    names = list(dict.fromkeys(name for reading in readings for name in reading.names))
    if not names:
        return []
    hits = lookup.likely_hits(names)
    found = _of_readings(readings, hits, on)
    if not is_sure and all(each.score < SURE for each in found):
        unsure = [name for name in names if not _is_known(hits.get(fold(name), []))]
        for name, more in lookup.less_likely_hits(unsure).items() if unsure else ():
            known = {hit.place_id for hit in hits.get(name, [])}
            hits.setdefault(name, []).extend(hit for hit in more if hit.place_id not in known)
        found = _of_readings(readings, hits, on)
    return found


def _is_known(hits: Iterable[Hit]) -> bool:
    return any(hit.fit in (Fit.NAME, Fit.ALIAS, Fit.SOUND) for hit in hits)


def _of_readings(
    readings: Iterable[Reading], hits: dict[str, list[Hit]], on: date
) -> list[_Candidate]:
    """Return the places that the readings mean with these hits."""
    rows = lookup.rows_of({hit.place_id for each in hits.values() for hit in each}, on)
    crossings = [reading for reading in readings if len(reading.names) == 2]
    found = [
        _Candidate(
            rows[hit.place_id],
            reading.weight * hit.score,
            said.FITS[hit.fit],
            reading.notes,
            reading.shift,
            reading.areas,
        )
        for reading in readings
        if len(reading.names) == 1
        for hit in hits.get(fold(reading.names[0]), ())
        if hit.place_id in rows and _may_be(rows[hit.place_id], reading)
    ]
    return [*found, *_crossings(crossings, hits, rows, on)] if crossings else found


def _may_be(row: Row, reading: Reading) -> bool:
    """Tell whether a reading means such a place: houses stand on roads, not at stops."""
    return row.kind == "road" or all(note.kind != "door" for note in reading.notes)


def _crossings(
    readings: Sequence[Reading], hits: dict[str, list[Hit]], rows: dict[int, Row], on: date
) -> Iterator[_Candidate]:
    """Yield where the two roads of each reading meet, else the roads."""
    sides = [
        (
            reading,
            _roads(hits.get(fold(reading.names[0]), ()), rows),
            _roads(hits.get(fold(reading.names[1]), ()), rows),
        )
        for reading in readings
    ]
    pairs: dict[tuple[int, int], tuple[float, Reading]] = {}
    for reading, roads, others in sides:
        for road, other in product(roads, others):
            score = reading.weight * min(road.score, other.score)
            if score > pairs.get((road.place_id, other.place_id), (0,))[0]:
                pairs[road.place_id, other.place_id] = score, reading
    met = lookup.crossings_of(list(pairs), on) if pairs else []
    for crossing in met:
        score, reading = pairs[crossing.roads]
        yield _at_crossing(crossing, score, reading)
    for reading, first, second in sides if not met else ():
        for roads, missing in zip((first, second), reversed(reading.names), strict=True):
            for road in roads:
                yield _lone_road(rows[road.place_id], road, reading, Note("road", missing))


def _at_crossing(crossing: Crossing, score: float, reading: Reading) -> _Candidate:
    row = Row(
        crossing.id or 0, "junction", crossing.name, crossing.name_en, crossing.lon, crossing.lat
    )
    words, factor = said.CROSSING, 1.0
    if crossing.id is None:
        words, factor = said.COMPUTED_CROSSING, COMPUTED_FACTOR
    return _Candidate(row, score * factor, words, reading.notes, reading.shift, reading.areas)


def _lone_road(row: Row, road: Hit, reading: Reading, missing: Note) -> _Candidate:
    score = reading.weight * road.score * LONE_ROAD_WEIGHT
    notes = (missing, *reading.notes)
    return _Candidate(row, score, said.FITS[road.fit], notes, None, reading.areas)


def _roads(hits: Iterable[Hit], rows: dict[int, Row]) -> list[Hit]:
    """Return the likeliest roads of the hits."""
    roads = [hit for hit in hits if hit.place_id in rows and rows[hit.place_id].kind == "road"]
    return sorted(roads, key=lambda hit: (-hit.score, hit.place_id))[:ROADS_A_NAME]


def _areas(written: str, areas: Sequence[AreaRow]) -> Iterator[_Candidate]:
    """Yield the areas that the whole text names, the smallest last named first."""
    name, sounds = fold(written), sounds_of(written)
    fits = {
        area.id: score
        for area in areas
        if area.id is not None and (score := _area_fit(area, name, sounds)) is not None
    }
    points = lookup.area_points(list(fits)) if fits else {}
    for area in areas:
        if area.id in points:
            row = Row(area.id, area.level, area.name, area.name_en, *points[area.id])
            yield _Candidate(row, fits[area.id], said.FITS[Fit.NAME])


def _area_fit(area: AreaRow, written: str, sounds: Sequence[str]) -> float | None:
    own = fold(area.name)
    if written == own:
        return 1.0
    if written.endswith(own):  # 西湖区翠苑街道
        rest = written.removesuffix(own)
        return 0.99 if rest.endswith(AREA_ENDINGS) else None
    english = fold(area.name_en)
    if written == english:
        return 0.97
    if own.startswith(written):
        return 0.65 + 0.3 * len(written) / len(own)
    if any(english.startswith(sound) for sound in sounds):
        return 0.75
    return None


# ── ranking ───────────────────────────────────────────────────────────────────────────────────


def _ranked(
    candidates: Iterable[_Candidate],
    written: str,
    areas: Sequence[AreaRow],
    on: date,
    near: Point | None,
) -> list[Found]:
    """Return the candidates that lie in the city, each place once, the likeliest first."""
    best = sorted(
        (each for each in candidates if each.score >= LEAST_SCORE), key=lambda each: -each.score
    )[:MOST_LOCATED]
    named = {area.name: area for area in areas}
    points = _placed(best, named, near)
    locations = lookup.locations_of(points, on) if points else {}
    _bring_roads_inside(best, points, locations, on)
    found = []
    for number, candidate in enumerate(best):
        if number in locations:
            found.append(_found(candidate, written, points[number], locations[number], named, near))
    likely = (place for place in found if place.score >= LEAST_SCORE)
    return _once(sorted(likely, key=lambda place: _order(place, near)))


def _placed(
    candidates: Sequence[_Candidate], named: dict[str, AreaRow], near: Point | None
) -> list[Point]:
    """Return the point of each: a road's in the area written or near what is near."""
    roads = [each for each in candidates if each.row.kind == "road"]
    area = next((named[name] for each in roads for name in _smallest(each.areas, named)), None)
    area_id = area.id if area else None
    moved: dict[int, Point] = {}
    if roads and near is not None:
        moved = lookup.roads_near([each.row.id for each in roads], near)
    if roads and area_id is not None:
        moved |= lookup.roads_in_area([each.row.id for each in roads], area_id)
    points = []
    for each in candidates:
        point = each.row.lon, each.row.lat
        if each.row.kind == "road":
            point = moved.get(each.row.id, point)
        if each.shift and each.shift.metres <= FARTHEST_SHIFT_M:
            point = point_at(point, each.shift.metres, each.shift.side * 360 / len(SIDES))
        points.append(point)
    return points


def _bring_roads_inside(
    candidates: Sequence[_Candidate],
    points: list[Point],
    locations: dict[int, Location],
    on: date,
) -> None:
    """Give the roads whose middle lies outside the city a point inside, if they have one."""
    outside = {
        number: each.row.id
        for number, each in enumerate(candidates)
        if each.row.kind == "road" and number not in locations
    }
    moved = lookup.roads_in_city(list(outside.values()), on) if outside else {}
    numbers = [number for number, road in outside.items() if road in moved]
    for number in numbers:
        points[number] = moved[outside[number]]
    if numbers:
        placed = lookup.locations_of([points[number] for number in numbers], on)
        locations.update({numbers[index]: where for index, where in placed.items()})


def _smallest(areas: Iterable[str], named: dict[str, AreaRow]) -> list[str]:
    known = [name for name in areas if name in named]
    return sorted(known, key=lambda name: -len(named[name].code))[:1]


def _found(
    candidate: _Candidate,
    written: str,
    point: Point,
    place: Location,
    named: dict[str, AreaRow],
    near: Point | None,
) -> Found:
    score, notes = candidate.score, candidate.notes
    for name in _smallest(candidate.areas, named):
        if not place.community.code.startswith(named[name].code):
            score, notes = score * ELSEWHERE_FACTOR, (*notes, Note("elsewhere", name))
    if candidate.shift:
        score *= SURE_SHIFT_FACTOR
    if near is not None:
        score *= near_factor(distance_m(near, point))
    row = candidate.row
    return Found(
        row.kind,
        row.name,
        row.name_en,
        round(point[0], 7),
        round(point[1], 7),
        round(score, 3),
        said.understood(candidate.said, notes, candidate.shift),
        written if candidate.notes or candidate.shift else row.name,
        place.cell,
        place.community,
        place.street,
        place.district,
    )


def _order(place: Found, near: Point | None) -> tuple[float, ...]:
    kind = KIND_ORDER.index(place.kind) if place.kind in KIND_ORDER else -1
    away = distance_m(near, (place.lon, place.lat)) if near else 0
    return -place.score, kind, len(place.name), away, place.lon, place.lat


def _once(places: Iterable[Found]) -> list[Found]:
    """Leave out what repeats a likelier place: the posts of a stop, the corners of a crossing."""
    kept: list[Found] = []
    for place in places:
        is_new = not any(
            other.name == place.name
            and other.kind == place.kind
            and distance_m((other.lon, other.lat), (place.lon, place.lat)) <= SAME_PLACE_M
            for other in kept
        )
        if is_new:
            kept.append(place)
    return kept


# ── coordinates and codes ─────────────────────────────────────────────────────────────────────


def _points(points: Sequence[Point], on: date) -> list[Found]:
    """Return the first of the points that lies in the city."""
    locations = lookup.locations_of(points, on)
    for number, (lon, lat) in enumerate(points):
        if number in locations:
            words = place_in_words(lon, lat, on=on)
            sentence = said.POINT if number == 0 else said.SWAPPED_POINT
            text, text_en = (words.text, words.text_en) if words else ("", "")
            return [_at("point", text, text_en, (lon, lat), sentence, locations[number])]
    return []


def _cell(code: str, on: date) -> list[Found]:
    """Return the middle of the cell that bears the code, if there is one."""
    cell = GridCell.objects.valid_on(on).filter(code=code).first()
    if cell is None:
        return []
    point = cell.geometry.point_on_surface
    locations = lookup.locations_of([(point.x, point.y)], on)
    named = gettext("Cell %(code)s") % {"code": code}
    return [_at("cell", named, named, (point.x, point.y), said.CELL, locations[0])]


def _at(
    kind: str, name: str, name_en: str, point: Point, sentence: Sentence, place: Location
) -> Found:
    areas = place.community, place.street, place.district
    return Found(
        kind, name, name_en, *point, 1.0, said.understood(sentence), name, place.cell, *areas
    )
