"""From road blocks to cells, communities and streets, each an exact partition of the next."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np
import shapely

from . import faces, frame, names, partition
from .hangzhou import DISTRICTS, LAKE
from .sources import Source

SIDE_M = 100  # a unit grid cell has about 10,000 m²
WIDE_SIDE_M = 160  # thinly built blocks
WILD_SIDE_M = 300  # hills, water and open country: three digits must number a community's cells
WIDE_BLOCK_M2, WILD_BLOCK_M2 = 200_000, 1_000_000
STRAY_M2 = 500_000  # a detached piece of a street below this goes to the street around it
ISLAND_M2 = 50_000  # a piece of ground without neighbours below this is left out
SEED_DISTANCE_M = 120  # two communities' landmarks nearer than this cannot both be seeds


@dataclass
class Cell:
    """A cell of the first gridding, in micro-degrees; its code follows from its community."""

    polygon: shapely.Polygon
    street: str
    kind: str
    block: int
    is_fine: bool
    community: str = ""
    code: str = ""


@dataclass
class Cover:
    """What covers the ground: water and woods."""

    water: shapely.Geometry
    woods: shapely.Geometry

    @classmethod
    def of(cls, source: Source) -> Cover:
        woods = {"forest", "scrub", "nature_reserve", "park"}
        return cls(
            source.union("water"),
            source.union("green", lambda properties: properties["class"] in woods),
        )

    def kinds(self, polygons: np.ndarray) -> np.ndarray:
        """Return water, hill or built for each polygon: what covers more than half of it."""
        area = shapely.area(polygons)
        kinds = np.full(len(polygons), "built", dtype=object)
        for kind, cover in (("hill", self.woods), ("water", self.water)):
            kinds[_covered_area(polygons, cover) > area / 2] = kind
        return kinds


def _covered_area(polygons: np.ndarray, cover) -> np.ndarray:
    """Return how much of each polygon is under the cover, through an index of the cover's parts."""
    parts = shapely.get_parts(cover)
    at, part = shapely.STRtree(parts).query(polygons, predicate="intersects")[:2]
    pieces = shapely.area(shapely.intersection(polygons[at], parts[part]))
    return np.bincount(at, weights=pieces, minlength=len(polygons))


def make_cells(source: Source) -> list[Cell]:
    """Return the cells of the city, streets cleaned of stray pieces, communities not yet known."""
    cover = Cover.of(source)
    blocks = _blocks(source, cover)
    shapes, owner = faces.divide(blocks)
    cells = []
    for group in faces.merge_small(shapes, owner, blocks):
        block = blocks[owner[group[0]]]
        polygon = shapely.normalize(shapely.coverage_union_all(shapes[group]))
        cells.append(Cell(polygon, block.street, "", int(owner[group[0]]), block.side_m == SIDE_M))
    for cell, kind in zip(cells, cover.kinds(_polygons(cells)), strict=True):
        cell.kind = kind
    return _without_strays(cells)


def make_communities(source: Source, cells: list[Cell]) -> None:
    """Give every cell its community: each street is divided among the communities of the list."""
    landmarks = source.places_by_street()
    near = faces.neighbours_of(faces.edges_of(_polygons(cells)))
    of_street = defaultdict(list)
    for index, cell in enumerate(cells):
        of_street[cell.street].append(index)
    for street, rows in source.communities_by_street(DISTRICTS).items():
        members = of_street[street]
        places = landmarks.get(rows[0]["street"], [])
        for index, code in zip(
            members, _communities_of(cells, members, rows, places, near), strict=True
        ):
            cells[index].community = code


def number_cells(cells: list[Cell]) -> None:
    """Number the cells of each community, in bands from north to south, west to east in a band."""
    of_community = defaultdict(list)
    for cell in cells:
        of_community[cell.community].append(cell)
    for community, members in of_community.items():
        centres = frame.centres_m(_polygons(members))
        band = np.sqrt(np.mean(frame.area_m2(_polygons(members))))
        rows = np.floor((centres[:, 1].max() - centres[:, 1]) / band)
        for number, index in enumerate(np.lexsort((centres[:, 0], rows)), start=1):
            members[index].code = f"{community}{number:03d}"
        if len(members) > 999:
            raise ValueError(f"{community} has {len(members)} cells; three digits number 999")
    cells.sort(key=lambda cell: cell.code)


def _polygons(cells) -> np.ndarray:
    return np.array([cell.polygon for cell in cells])


def _blocks(source: Source, cover: Cover) -> list[faces.Block]:
    """Return the road blocks of the city and the lakes between them."""
    found = [
        (properties["street_code"], shape)
        for properties, shape in source.features("unit_blocks_core")
        if properties["district_code"] in DISTRICTS
    ]
    found += _lakes(source, found)
    polygons = np.array([shape for _, shape in found])
    kinds, areas = cover.kinds(polygons), frame.area_m2(polygons)
    return [
        faces.Block(street, polygon, _side_m(kind, area))
        for (street, polygon), kind, area in zip(found, kinds, areas, strict=True)
    ]


def _side_m(kind: str, area: float) -> float:
    if area >= WILD_BLOCK_M2 or (kind != "built" and area >= WIDE_BLOCK_M2):
        return WILD_SIDE_M
    return WIDE_SIDE_M if area >= WIDE_BLOCK_M2 or kind != "built" else SIDE_M


def _lakes(source: Source, found) -> list[tuple[str, shapely.Polygon]]:
    """Return the large holes between the blocks, each with the street that has most shore."""
    polygons = np.array([shape for _, shape in found])
    ground = shapely.get_parts(shapely.union_all(polygons, grid_size=1))
    holes = shapely.polygons([ring for part in ground for ring in part.interiors])
    return [
        (_shore_street(source, hole, found), hole)
        for hole in holes[frame.area_m2(holes) >= ISLAND_M2]
    ]


def _shore_street(source: Source, hole, found) -> str:
    middle = shapely.point_on_surface(hole)
    lake = source.union("water", lambda properties: properties.get("name") == LAKE["name"])
    if middle.intersects(lake):
        return LAKE["street"]
    shore: dict[str, float] = defaultdict(float)
    near = hole.buffer(1)
    for street, polygon in found:
        if polygon.intersects(near):
            shore[street] += polygon.intersection(near).area
    return max(sorted(shore), key=shore.__getitem__)


def _without_strays(cells: list[Cell]) -> list[Cell]:
    """Give small detached pieces of a street to the street around them; drop small islands."""
    near = faces.neighbours_of(faces.edges_of(_polygons(cells)))
    areas = frame.area_m2(_polygons(cells))
    streets = sorted({cell.street for cell in cells})
    group = np.array([streets.index(cell.street) for cell in cells])
    whole = partition.make_whole(group, near, areas, below=STRAY_M2)
    for cell, index in zip(cells, whole, strict=True):
        cell.street = streets[index]
    grounds = partition.pieces_of(np.zeros(len(cells), dtype=int), near, areas)[0]
    kept = [index for ground in grounds if areas[ground].sum() >= ISLAND_M2 for index in ground]
    return [cells[index] for index in sorted(kept)]


def _communities_of(cells, members, rows, places, near) -> list[str]:
    """Return the community's code of each member cell of one street.

    A landmark at the edge of its street can squeeze its community: then that one gets a free seed.
    """
    named = _landmark_seeds(rows, places)
    while True:
        codes = _divide_street(cells, members, rows, named, near)
        count = Counter(codes)
        squeezed = {code for code in named if count[code] < len(members) / len(rows) / 2}
        if not squeezed:
            return codes
        named = {code: seed for code, seed in named.items() if code not in squeezed}


def _divide_street(cells, members, rows, named, near) -> list[str]:
    units = _units(cells, members, len(rows))
    polygons = _polygons(cells)
    load = np.array([len(unit) for unit in units], dtype=float)
    centres = np.array([frame.centres_m(polygons[unit]).mean(axis=0) for unit in units])
    seeds, is_fixed = partition.spread_seeds(centres, load, len(rows), list(named.values()))
    free = [row["community_code"] for row in rows if row["community_code"] not in named]
    codes = [*named, *free]
    group = partition.balanced_groups(centres, load, seeds, is_fixed)
    of_cell = {index: group[number] for number, unit in enumerate(units) for index in unit}
    mine = np.array([of_cell[index] for index in members])
    street_near = partition.neighbours_among(members, near)
    whole = partition.make_whole(mine, street_near, frame.area_m2(polygons[members]))
    return [codes[index] for index in whole]


def _units(cells, members, count: int) -> list[list[int]]:
    """Return what is grouped: small blocks whole (borders follow roads), else their cells."""
    of_block = defaultdict(list)
    for index in members:
        of_block[cells[index].block].append(index)
    most = len(members) / count / 4
    units = []
    for block in sorted(of_block):
        inside = of_block[block]
        units += [inside] if len(inside) <= most else [[index] for index in inside]
    return units


def _landmark_seeds(rows, places) -> dict[str, np.ndarray]:
    """Return a place for each community whose name is borne by a place of its street."""
    order = {"compound": 0, "area": 0, "building": 1, "stop": 2, "road": 3, "road_in_street": 4}
    seeds: dict[str, np.ndarray] = {}
    for row in rows:
        stem = names.stem(row["community"])
        bearing = sorted(
            (order.get(kind, 2), len(name), name, tuple(place))
            for name, kind, place in places
            if name.startswith(stem) and kind != "junction"
        )
        for *_, place in bearing:
            if all(np.hypot(*(seed - place)) > SEED_DISTANCE_M for seed in seeds.values()):
                seeds[row["community_code"]] = np.array(place)
                break
    return seeds
