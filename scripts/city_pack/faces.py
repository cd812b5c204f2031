"""The plane divided: road blocks cut into cells that share their corners, without gap or overlap.

All borders of blocks and all cuts are put into one arrangement of lines on the lattice; its faces
are the raw cells. Whatever is built from them later (communities, streets, districts, zones, beats)
is a union of faces, so that it fits by construction.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely

from . import frame


@dataclass
class Block:
    """A road block: its street's code, its polygon in micro-degrees, the side of its cells."""

    street: str
    polygon: shapely.Polygon
    side_m: float


def cut_lines(block: Block) -> list:
    """Return the cuts that divide a block into squares of about ``side_m``, along its sides."""
    shape = frame.to_metres(block.polygon)
    corner, right, _, left = shapely.get_coordinates(shapely.oriented_envelope(shape))[:4]
    cuts = []
    for base, along in ((right - corner, left - corner), (left - corner, right - corner)):
        count = round(np.hypot(*along) / block.side_m)
        for step in range(1, count):
            start = corner + along * step / count
            cuts.append(shapely.LineString([start, start + base]))
    if not cuts:
        return []
    inside = shapely.intersection(frame.from_metres(np.array(cuts)), block.polygon)
    return [part for part in shapely.get_parts(inside) if part.geom_type == "LineString"]


def divide(blocks: list[Block]) -> tuple[np.ndarray, np.ndarray]:
    """Return the faces of all blocks and, for each, the index of its block.

    A face in no block (-1) is a gap between blocks; `merge_small` gives it to a neighbour.
    """
    polygons = np.array([block.polygon for block in blocks])
    lines = [*shapely.boundary(polygons)]
    for block in blocks:
        if frame.area_m2(block.polygon) > 1.6 * block.side_m**2:
            lines += cut_lines(block)
    noded = shapely.union_all(lines, grid_size=1)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    owner = np.full(len(faces), -1)
    face_at, block_at = shapely.STRtree(polygons).query(
        shapely.point_on_surface(faces), predicate="intersects"
    )
    # where two blocks overlap by the rounding of their source, the first keeps the ground
    order = np.lexsort((-block_at, face_at))
    owner[face_at[order]] = block_at[order]
    return faces, owner


def edges_of(faces: np.ndarray) -> dict[tuple[int, int], float]:
    """Return the length in metres that each pair of neighbouring faces shares."""
    sides: dict[tuple, list[int]] = defaultdict(list)
    for index, face in enumerate(faces):
        for ring in (face.exterior, *face.interiors):
            corners = [tuple(corner) for corner in ring.coords]
            for a, b in pairwise(corners):
                sides[(a, b) if a < b else (b, a)].append(index)
    shared: dict[tuple[int, int], float] = defaultdict(float)
    for ((ax, ay), (bx, by)), owners in sides.items():
        if len(owners) == 2:
            length = np.hypot((bx - ax) * frame.METRES_EAST, (by - ay) * frame.METRES_NORTH)
            shared[min(owners), max(owners)] += float(length)
    return shared


def neighbours_of(shared: dict[tuple[int, int], float]) -> dict[int, dict[int, float]]:
    """Return for each face its neighbours and the length of the shared edge."""
    near: dict[int, dict[int, float]] = defaultdict(dict)
    for (a, b), length in shared.items():
        near[a][b] = near[b][a] = length
    return near


def merge_small(faces, owner, blocks: list[Block]) -> list[list[int]]:
    """Group faces so that slivers join a neighbour; return the groups, the smallest merged first.

    A sliver is smaller than a fifth of its block's cell. It prefers its own block, then its street,
    then the longest shared edge. Gaps go to any neighbour. A lone part of a street stays as it is.
    """
    near = neighbours_of(edges_of(faces))
    size = frame.area_m2(faces)
    group = {index: [index] for index in range(len(faces))}
    heap = [(size[index], index) for index in group]
    heapq.heapify(heap)
    while heap:
        area, index = heapq.heappop(heap)
        if index not in group or area != size[index]:
            continue
        host = _host(index, near, owner, blocks, size)
        if host is None:
            continue
        group[host] += group.pop(index)
        size[host] += area
        heapq.heappush(heap, (size[host], host))
        for other, length in near.pop(index).items():
            del near[other][index]
            if other != host:
                near[other][host] = near[host][other] = near[host].get(other, 0.0) + length
    return [group[index] for index in sorted(group) if owner[index] >= 0]


def _host(index, near, owner, blocks, size):
    """Return the neighbour a face is to join, or None when it stays."""
    block = blocks[owner[index]] if owner[index] >= 0 else None
    if block and size[index] >= block.side_m**2 / 5:
        return None
    best, best_rank = None, None
    for other, length in near[index].items():
        if owner[other] < 0 or (block and blocks[owner[other]].street != block.street):
            continue
        rank = (owner[other] == owner[index], length, -other)
        if best_rank is None or rank > best_rank:
            best, best_rank = other, rank
    return best
