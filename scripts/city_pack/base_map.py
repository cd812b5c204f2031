"""The offline base map: layers drawn as vector tiles, and the places that word an address."""

from __future__ import annotations

import re

import shapely

from . import frame
from .sources import Source

# Feature classes and the first zoom at which they are drawn.
ROADS = {
    "motorway": 8,
    "trunk": 8,
    "primary": 10,
    "secondary": 11,
    "tertiary": 12,
    "motorway_link": 13,
    "trunk_link": 13,
    "primary_link": 13,
    "secondary_link": 14,
    "tertiary_link": 14,
    "residential": 14,
    "unclassified": 14,
    "living_street": 14,
    "pedestrian": 14,
}
# Smallest area in m² that is drawn from a zoom on.
AREAS = ((9, 2_000_000), (10, 500_000), (11, 150_000), (12, 40_000), (13, 10_000), (14, 0))
LAYERS = ("water", "green", "built", "road", "building", "metro", "station")
PLACE_KINDS = {"junction", "area", "building", "stop"}  # roads come with the base map's lines
# What names no place: numbers of houses, planned land, crossings of half an English road's name.
NAMELESS = re.compile(
    r"[A-Za-z\d-]*(号|号楼|幢|栋|楼)?|规划建设用地.*|.*未知名.*|([A-Za-z-]+与.*|.*与[A-Za-z-]+)交叉口"
)


def layer_rows(source: Source, layer: str) -> list[dict]:
    """Return the rows (kind, name, min_zoom, shape) of one layer, broad features first."""
    makers = {
        "water": lambda: _areas(source, "water"),
        "green": lambda: _areas(source, "green"),
        "built": lambda: _areas(source, "landuse_built"),
        "road": lambda: _roads(source),
        "building": lambda: _fixed(source, "buildings_downtown", 15),
        "metro": lambda: _fixed(source, "metro_lines", 11),
        "station": lambda: _fixed(source, "metro_stations", 13),
    }
    return sorted(makers[layer](), key=lambda row: (row["min_zoom"], row["kind"], row["name"]))


def place_rows(source: Source) -> list[dict]:
    """Return the named places of the gazetteer: crossings, compounds, buildings, stops."""
    return [
        {"name": row["name"], "kind": row["kind"], "lon": row["lon"], "lat": row["lat"]}
        for row in source.rows("basemap/gazetteer")
        if row["kind"] in PLACE_KINDS and not NAMELESS.fullmatch(row["name"])
    ]


def _row(properties: dict, shape, min_zoom: int) -> dict:
    name = properties.get("name") or ""
    return {"kind": properties["class"], "name": name, "min_zoom": min_zoom, "shape": shape}


def _areas(source: Source, name: str):
    for properties, shape in source.features(name):
        area = frame.area_m2(shape)
        min_zoom = next(zoom for zoom, least in AREAS if area >= least)
        yield _row(properties, _only(shape, "Polygon"), min_zoom)


def _roads(source: Source):
    for name in ("roads_main", "roads_minor", "roads_2026_additions"):
        for properties, shape in source.features(name):
            yield _row(properties, shape, ROADS[properties["class"]])


def _fixed(source: Source, name: str, min_zoom: int):
    for properties, shape in source.features(name):
        yield _row(properties, shape, min_zoom)


def _only(shape, kind: str):
    """Return the parts of one kind: repairing may leave a stray line beside an area."""
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == kind]
    return parts[0] if len(parts) == 1 else shapely.multipolygons(parts)
