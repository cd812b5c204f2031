"""What lies over the cells: zones and patrol beats, both unions of whole cells."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import shapely

from . import faces, frame, names, partition
from .ground import Cell
from .hangzhou import CONTROL_SHARE, DISTRICTS, KEY_PLACES, LAKE, LAKE_FRONT
from .sources import Source

CELLS_OF_A_BEAT = 20


def union(polygons) -> shapely.MultiPolygon:
    """Return the exact union of cells as a multipolygon, in one normal order."""
    whole = shapely.coverage_union_all(np.array(polygons))
    return shapely.multipolygons(shapely.get_parts(shapely.normalize(whole)))


def make_zones(source: Source, cells: list[Cell]) -> list[dict]:
    """Return the zones, key ones first; together they cover every cell exactly once."""
    members: dict[tuple, list] = defaultdict(list)
    control = _control_streets(cells)
    key = _key_zone_of_cells(source, cells)
    for cell, place in zip(cells, key, strict=True):
        members[place or _district_zone(cell, control)].append(cell.polygon)
    order = {"key": 0, "control": 1, "ordinary": 2}
    return [
        {"code": code, "name": name, "name_en": name_en, "grade": grade, "shape": union(polygons)}
        for (grade, code, name, name_en), polygons in sorted(
            members.items(), key=lambda item: (order[item[0][0]], item[0][1])
        )
    ]


def _key_zone_of_cells(source: Source, cells) -> list[tuple | None]:
    centres = frame.centres_m([cell.polygon for cell in cells])
    points = shapely.points(centres)
    zones: list[tuple | None] = [None] * len(cells)
    stations = {
        properties["name"]: frame.to_metres(shape)
        for properties, shape in source.features("metro_stations")
    }
    lake = source.union("water", lambda properties: properties.get("name") == LAKE["name"])
    places = [(row[:3], stations[row[3]], row[4]) for row in KEY_PLACES]
    places.append((LAKE_FRONT[:3], frame.to_metres(lake), LAKE_FRONT[3]))
    for (code, name, name_en), centre, reach_m in places:
        for index in np.flatnonzero(shapely.distance(points, centre) <= reach_m):
            zones[index] = zones[index] or ("key", code, name, name_en)
    return zones


def _control_streets(cells) -> set[str]:
    """Return the streets of the built-up core: most of their ground is divided finely."""
    fine, all_ground = defaultdict(float), defaultdict(float)
    for cell in cells:
        area = frame.area_m2(cell.polygon)
        all_ground[cell.street] += area
        fine[cell.street] += area * cell.is_fine
    return {street for street in all_ground if fine[street] >= CONTROL_SHARE * all_ground[street]}


def _district_zone(cell: Cell, control: set[str]) -> tuple:
    district = cell.street[:6]
    grade, word, word_en = (
        ("control", "控制区域", "Control Zone")
        if cell.street in control
        else ("ordinary", "一般区域", "Ordinary Zone")
    )
    name = DISTRICTS[district]
    english = f"{names.pinyin(names.stem(name))} {word_en}"
    return grade, f"{grade}-{district}", f"{name}{word}", english


def make_beats(cells: list[Cell], community_names: dict[str, str]) -> list[dict]:
    """Return the beats: about twenty neighbouring cells of one community each."""
    polygons = np.array([cell.polygon for cell in cells])
    near = faces.neighbours_of(faces.edges_of(polygons))
    centres = frame.centres_m(polygons)
    of_community = defaultdict(list)
    for index, cell in enumerate(cells):
        of_community[cell.community].append(index)
    beats = []
    for community, members in of_community.items():
        for number, beat in enumerate(_beats_of(members, centres, near), start=1):
            beats.append(
                {
                    "code": f"{community}-{number:02d}",
                    "name": f"{community_names[community]} {number} 号责任网格",
                    "cells": " ".join(cells[index].code[-3:] for index in beat),
                }
            )
    return beats


def _beats_of(members, centres, near) -> list[list[int]]:
    count = max(1, round(len(members) / CELLS_OF_A_BEAT))
    load = np.ones(len(members))
    mine = centres[members]
    seeds, is_fixed = partition.spread_seeds(mine, load, count, [])
    group = partition.balanced_groups(mine, load, seeds, is_fixed)
    group = partition.make_whole(group, partition.neighbours_among(members, near), load)
    beats = defaultdict(list)
    for index, number in zip(members, group, strict=True):
        beats[int(number)].append(index)
    return sorted(beats.values())
