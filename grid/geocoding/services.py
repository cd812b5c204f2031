"""Writing the gazetteer: one place at a time, or a file of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date

from django.contrib.gis.db.models import Extent
from django.contrib.gis.geos import Point
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from common.errors import DomainError
from grid.geocoding.files import PlaceLine
from grid.geocoding.naming import search_forms
from grid.models import SRID, Area, Place, PlaceAlias, SearchableName

_UPDATED = (
    "kind", "name", "name_en", "folded", "pinyin", "initials", "point", "geometry", "valid_from",
    "valid_to", "source",
)  # fmt: skip
BATCH = 2_000
FAR_DEGREES = 0.5  # outside the city's districts: half a degree is some 50 km


def place_save(*, place: Place) -> Place:
    """Save a place that was edited here: the pack will not overwrite it; a new one gets a key."""
    _name(place, place.kind)
    place.name_en = place.name_en or search_forms(place.name, place.kind)["name_en"]
    place.source = Place.Source.CITY
    place.key = place.key or _free_key(place, ())
    place.save()
    return place


def alias_save(*, alias: PlaceAlias) -> PlaceAlias:
    """Save another name of a place."""
    _name(alias)
    alias.save()
    return alias


def _name(row: SearchableName, kind: str = "") -> None:
    forms = search_forms(row.name, kind)
    row.folded, row.pinyin, row.initials = forms["folded"], forms["pinyin"], forms["initials"]


def _free_key(place: Place, taken: Collection[str]) -> str:
    """Return a key for a new place: what it is, its name and where it stands, numbered if need be.

    Kept apart from the keys of packs, so that a pack loaded later does not take it over.
    """
    first = f"{place.kind}:{place.name}@{place.point.x:.5f},{place.point.y:.5f}"[:150]
    key, number = first, 1
    while key in taken or Place.objects.filter(key=key).exists():
        number += 1
        key = f"{first}~{number}"
    return key


# ── files ─────────────────────────────────────────────────────────────────────────────────────


def gazetteer_lines() -> Iterator[PlaceLine]:
    """Yield every place, also those that have ended, by key."""
    for place in Place.objects.order_by("key").prefetch_related("aliases").iterator(BATCH):
        yield _line_of(place)


@transaction.atomic
def gazetteer_import(*, lines: Sequence[PlaceLine], on: date) -> tuple[int, int, int]:
    """Take a file's places into the gazetteer; those that say nothing new stay as they are.

    A known key changes its place, another or none makes one. Returns how many were added, changed
    and left. Raise DomainError ``invalid`` naming what lies far outside the city.
    """
    _refuse_far(lines)
    keys = [line.key for line in lines if line.key]
    known = {place.key: place for place in _by_key(keys).prefetch_related("aliases")}
    changed = [line for line in lines if line.key not in known or _differs(line, known[line.key])]
    taken = set(keys)
    rows = []
    for line in changed:
        rows.append(_place_of(line, known.get(line.key), on, taken))
        taken.add(rows[-1].key)
    Place.objects.bulk_create(
        rows,
        BATCH,
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=_UPDATED,
    )
    _replace_aliases({row.key: line.aliases for row, line in zip(rows, changed, strict=True)})
    added = sum(row.key not in known for row in rows)
    return added, len(rows) - added, len(lines) - len(rows)


def _by_key(keys: Collection[str]) -> QuerySet[Place]:
    return Place.objects.filter(key__in=keys)


def _line_of(place: Place) -> PlaceLine:
    return PlaceLine(
        place.key,
        place.kind,
        place.name,
        place.name_en,
        tuple(sorted(alias.name for alias in place.aliases.all())),
        round(place.point.x, 7),
        round(place.point.y, 7),
        place.geometry,
        place.valid_from,
        place.valid_to,
    )


def _differs(line: PlaceLine, place: Place) -> bool:
    own = _line_of(place)
    return (
        (line.kind, line.name, line.name_en or own.name_en, sorted(line.aliases))
        != (own.kind, own.name, own.name_en, sorted(own.aliases))
        or (round(line.lon, 7), round(line.lat, 7)) != (own.lon, own.lat)
        or (line.valid_from or own.valid_from, line.valid_to) != (own.valid_from, own.valid_to)
        or not _is_same(line.outline, own.outline)
    )


def _is_same(outline: object, own: object) -> bool:
    if outline is None or own is None:
        return outline is own
    return getattr(outline, "wkt", "") == getattr(own, "wkt", None)


def _place_of(line: PlaceLine, known: Place | None, on: date, taken: Collection[str]) -> Place:
    """Return the place that a line describes, to be written."""
    forms = search_forms(line.name, line.kind)
    place = Place(
        key=line.key,
        kind=line.kind,
        point=Point(line.lon, line.lat, srid=SRID),
        geometry=line.outline,
        valid_from=line.valid_from or (known.valid_from if known else on),
        valid_to=line.valid_to,
        source=Place.Source.CITY,
        **{**forms, "name": line.name, "name_en": line.name_en or forms["name_en"]},
    )
    place.key = place.key or _free_key(place, taken)
    return place


def _replace_aliases(aliases: dict[str, tuple[str, ...]]) -> None:
    places = dict(_by_key(aliases).values_list("key", "pk"))
    PlaceAlias.objects.filter(place__in=places.values()).delete()
    rows = [
        PlaceAlias(place_id=places[key], name=name)
        for key, names in aliases.items()
        for name in names
    ]
    for row in rows:
        _name(row)
    PlaceAlias.objects.bulk_create(rows, BATCH)


def _refuse_far(lines: Sequence[PlaceLine]) -> None:
    """Refuse points that cannot be meant: swapped axes, another province, 0/0."""
    bounds = Area.objects.aggregate(bounds=Extent("geometry"))["bounds"]
    if bounds is None:
        return
    west, south, east, north = bounds
    far = [
        line.name
        for line in lines
        if not (west - FAR_DEGREES <= line.lon <= east + FAR_DEGREES
                and south - FAR_DEGREES <= line.lat <= north + FAR_DEGREES)
    ]  # fmt: skip
    if far:
        message = _(
            "These lie far outside the city: %(names)s. Are longitude and latitude swapped?"
        )
        named = ", ".join(far[:5]) + (f" … ({len(far)})" if len(far) > 5 else "")
        message %= {"names": named}
        raise DomainError("invalid", message, {"file": [message]})
