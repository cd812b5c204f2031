"""Unit grid cells out of community polygons, after CJ/T 213.

Rules: the cells of a community partition it exactly, without gap or overlap and never across its
border. Natural edges (roads, shores) are kept as borders of cells. Built-up ground is cut into
cells of about 10,000 m², water and hills into large ones. What is too small joins the neighbour
with the longest shared edge. Sequences run in bands from north to south, in a band from west to
east.

Pure: no database. Coordinates are metres of one plane, kept on a lattice of a tenth of a
millimetre; all borders and cuts are put into one arrangement of lines, whose faces share their
corners. What it does not cover: versions and codes of cells in the register.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

LATTICE_M = 0.0001
SPECK_M2 = 0.5  # a part of a community so small is an error of its outline, not ground
BUILT, WATER, HILL = "built", "water", "hill"


@dataclass(frozen=True, slots=True)
class Rules:
    """Sizes a city may choose; the defaults are the standard's."""

    side_m: float = 100.0  # of a built-up cell
    wide_side_m: float = 300.0  # of water and hills
    small_m2: float = 2_000.0  # below joins a neighbour; reported where it cannot
    large_m2: float = 50_000.0  # above is reported; water and hills may be larger

    def side_of(self, kind: str) -> float:
        """Return the side of a cell of this kind."""
        return self.side_m if kind == BUILT else self.wide_side_m


@dataclass(frozen=True, slots=True)
class Ground:
    """A community to be gridded."""

    code: str
    shape: BaseGeometry


@dataclass(slots=True)
class Cell:
    """A cell of a community; ``sequence`` counts from 1 in the order of the standard."""

    community: str
    shape: shapely.Polygon
    kind: str
    sequence: int = 0
    code: str = ""  # of a cell made elsewhere; else it follows from community and sequence

    @property
    def area_m2(self) -> float:
        """The area."""
        return float(self.shape.area)


@dataclass(slots=True)
class Check:
    """How well cells partition their communities; areas in m² by community."""

    counts: dict[str, int] = field(default_factory=dict)
    uncovered_m2: dict[str, float] = field(default_factory=dict)
    overlap_m2: dict[str, float] = field(default_factory=dict)
    outside_m2: dict[str, float] = field(default_factory=dict)
    too_small: list[Cell] = field(default_factory=list)
    too_large: list[Cell] = field(default_factory=list)

    @property
    def is_partition(self) -> bool:
        """Whether no community has a gap, overlap or overhang of a square metre."""
        measured = (self.uncovered_m2, self.overlap_m2, self.outside_m2)
        return all(area < 1 for areas in measured for area in areas.values())


# ── gridding ──────────────────────────────────────────────────────────────────────────────────


def make_cells(
    grounds: Sequence[Ground],
    *,
    edges: Iterable[BaseGeometry] = (),
    water: Iterable[BaseGeometry] = (),
    hills: Iterable[BaseGeometry] = (),
    rules: Rules | None = None,
) -> list[Cell]:
    """Return the cells of these communities, by community and sequence.

    ``edges`` are lines that cells should not cross (roads); ``water`` and ``hills`` are polygons:
    what they cover by half is of their kind, and shores are edges too. Where two grounds overlap,
    the first keeps the ground.
    """
    rules = rules or Rules()
    shapes = np.array([on_lattice(ground.shape) for ground in grounds])
    covers = {HILL: polygons_of(hills), WATER: polygons_of(water)}
    lines = [*shapely.boundary(shapes)]
    lines += _within(shapes, [*edges, *shapely.boundary(covers[WATER])])
    blocks = _faces(lines)
    owner = _owners(blocks, shapes)
    blocks, owner = blocks[owner >= 0], owner[owner >= 0]
    kinds = _kinds(blocks, covers)
    cuts = [
        cut
        for block, kind in zip(blocks, kinds, strict=True)
        for cut in cut_lines(block, rules.side_of(kind))
    ]
    faces = _faces([*shapely.boundary(blocks), *cuts])
    block_of = _owners(faces, blocks)
    faces, block_of = faces[block_of >= 0], block_of[block_of >= 0]
    groups = merge_small(faces, block_of, owner[block_of], kinds[block_of], rules.small_m2)
    cells = [
        Cell(grounds[owner[block_of[host]]].code, _joined(faces[group]), kinds[block_of[host]])
        for host, group in groups
    ]
    return number_cells(cell for cell in cells if cell.area_m2 > SPECK_M2)


def on_lattice(shape: BaseGeometry) -> BaseGeometry:
    """Return the polygons of a shape, valid, with corners on the lattice."""
    valid = shape if shape.is_valid else shapely.make_valid(shape)
    flat = shapely.get_parts(shapely.get_parts(valid))  # a collection may hold multipolygons
    polygons = flat[shapely.get_type_id(flat) == shapely.GeometryType.POLYGON]
    return shapely.set_precision(shapely.union_all(polygons), LATTICE_M)


def polygons_of(shapes: Iterable[BaseGeometry]) -> np.ndarray:
    """Return the single polygons of shapes, on the lattice."""
    whole = [part for shape in shapes for part in shapely.get_parts(on_lattice(shape))]
    return np.array([part for part in whole if part.area > 0], dtype=object)


def cut_lines(block: shapely.Polygon, side_m: float) -> list[BaseGeometry]:
    """Return the cuts that divide a block into squares of about ``side_m``, along its sides."""
    if block.area <= 1.6 * side_m**2:
        return []
    envelope = shapely.oriented_envelope(block)
    if envelope.geom_type != "Polygon":
        return []
    corner, right, _across, left = shapely.get_coordinates(envelope)[:4]
    cuts = []
    for base, along in ((right - corner, left - corner), (left - corner, right - corner)):
        count = round(float(np.hypot(*along)) / side_m)
        for step in range(1, count):
            start = corner + along * step / count
            # A little longer than the block, so that the cut surely reaches the other side.
            cuts.append(shapely.LineString([start - base * 0.01, start + base * 1.01]))
    inside = shapely.intersection(np.array(cuts, dtype=object), block)
    return [part for part in shapely.get_parts(inside) if part.geom_type == "LineString"]


def _within(shapes: np.ndarray, lines: Sequence[BaseGeometry]) -> list[BaseGeometry]:
    """Return the parts of lines near the shapes: what lies elsewhere need not be noded."""
    if not lines:
        return []
    west, south, east, north = shapely.total_bounds(shapes)
    clipped = shapely.clip_by_rect(np.array(lines, dtype=object), west, south, east, north)
    return [line for line in clipped if not line.is_empty]


def _faces(lines: Sequence[BaseGeometry]) -> np.ndarray:
    """Return the faces of the arrangement of these lines."""
    noded = shapely.union_all(np.array(lines, dtype=object), grid_size=LATTICE_M)
    return shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))


def _owners(faces: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    """Return for each face the first shape it lies in, -1 for none."""
    owner = np.full(len(faces), -1)
    face_at, shape_at = shapely.STRtree(shapes).query(
        shapely.point_on_surface(faces), predicate="intersects"
    )
    order = np.lexsort((-shape_at, face_at))
    owner[face_at[order]] = shape_at[order]
    return owner


def _kinds(blocks: np.ndarray, covers: dict[str, np.ndarray]) -> np.ndarray:
    """Return what covers more than half of each block; water before hills, else built-up."""
    kinds = np.full(len(blocks), BUILT, dtype=object)
    for kind, parts in covers.items():
        if not len(parts):
            continue
        at, part = shapely.STRtree(parts).query(blocks, predicate="intersects")
        pieces = shapely.area(shapely.intersection(blocks[at], parts[part]))
        covered = np.bincount(at, weights=pieces, minlength=len(blocks))
        kinds[covered > shapely.area(blocks) / 2] = kind
    return kinds


def _joined(faces: np.ndarray) -> shapely.Polygon:
    return shapely.normalize(shapely.coverage_union_all(faces)) if len(faces) > 1 else faces[0]


# ── slivers ───────────────────────────────────────────────────────────────────────────────────


def shared_edges(faces: np.ndarray) -> dict[int, dict[int, float]]:
    """Return for each face its neighbours and the length in metres of the edge they share."""
    sides: dict[tuple[tuple[float, float], tuple[float, float]], list[int]] = defaultdict(list)
    for index, face in enumerate(faces):
        for ring in (face.exterior, *face.interiors):
            for a, b in pairwise(ring.coords):
                sides[(a, b) if a < b else (b, a)].append(index)
    near: dict[int, dict[int, float]] = defaultdict(dict)
    for (a, b), owners in sides.items():
        if len(owners) == 2:
            one, other = owners
            length = near[one].get(other, 0.0) + float(np.hypot(b[0] - a[0], b[1] - a[1]))
            near[one][other] = near[other][one] = length
    return near


def merge_small(
    faces: np.ndarray,
    block_of: np.ndarray,
    community_of: np.ndarray,
    kind_of: np.ndarray,
    small_m2: float,
) -> list[tuple[int, list[int]]]:
    """Group faces so that slivers join a neighbour; return the host's index and its group.

    The smallest goes first. It joins within its community: its own block before another of its
    kind, this before the rest, and among like ones the longest shared edge. One without such a
    neighbour stays as it is.
    """
    near = shared_edges(faces)
    size = shapely.area(faces)
    group = {index: [index] for index in range(len(faces))}
    heap = [(area, index) for index, area in enumerate(size) if area < small_m2]
    heapq.heapify(heap)
    while heap:
        area, index = heapq.heappop(heap)
        if index not in group or area != size[index]:
            continue
        like = [other for other in near[index] if community_of[other] == community_of[index]]
        if not like:
            continue
        host = max(
            like,
            key=lambda other: (
                block_of[other] == block_of[index],
                kind_of[other] == kind_of[index],
                near[index][other],
                -other,
            ),
        )
        _join(index, host, group, near)
        size[host] += area
        if size[host] < small_m2:
            heapq.heappush(heap, (size[host], host))
    return list(group.items())


def _join(
    index: int, host: int, group: dict[int, list[int]], near: dict[int, dict[int, float]]
) -> None:
    group[host] += group.pop(index)
    for other, length in near.pop(index).items():
        del near[other][index]
        if other != host:
            near[other][host] = near[host][other] = near[host].get(other, 0.0) + length


# ── codes ─────────────────────────────────────────────────────────────────────────────────────


def number_cells(cells: Iterable[Cell]) -> list[Cell]:
    """Number the cells of each community and return them in the order of their codes.

    A band is as high as a cell of the community is wide on average.
    """
    of_community: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        of_community[cell.community].append(cell)
    numbered = []
    for community in sorted(of_community):
        members = of_community[community]
        centres = shapely.get_coordinates(shapely.centroid([cell.shape for cell in members]))
        band = np.sqrt(np.mean([cell.area_m2 for cell in members]))
        rows = np.floor((centres[:, 1].max() - centres[:, 1]) / band)
        for sequence, index in enumerate(np.lexsort((centres[:, 0], rows)), start=1):
            members[index].sequence = sequence
            numbered.append(members[index])
    return numbered


# ── checks, of cells made here or elsewhere ───────────────────────────────────────────────────


def check_cells(
    grounds: Sequence[Ground], cells: Sequence[Cell], rules: Rules | None = None
) -> Check:
    """Measure gaps, overlaps and overhangs of each community, and name cells of unusual size.

    An unusual size is a warning, never a refusal.
    """
    rules = rules or Rules()
    of_community: dict[str, list[shapely.Polygon]] = defaultdict(list)
    check = Check()
    for cell in cells:
        of_community[cell.community].append(cell.shape)
        if cell.area_m2 < rules.small_m2:
            check.too_small.append(cell)
        elif cell.area_m2 > rules.large_m2 and cell.kind == BUILT:
            check.too_large.append(cell)
    for ground in grounds:
        shapes = np.array(of_community[ground.code], dtype=object)
        ground_shape = on_lattice(ground.shape)
        union = shapely.union_all(shapes)
        check.counts[ground.code] = len(shapes)
        check.uncovered_m2[ground.code] = float(ground_shape.difference(union).area)
        check.outside_m2[ground.code] = float(union.difference(ground_shape).area)
        check.overlap_m2[ground.code] = float(shapely.area(shapes).sum() - union.area)
    return check
