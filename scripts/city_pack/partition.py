"""Balanced, compact grouping of neighbouring units: streets into communities, these into beats.

A power diagram (Voronoi with weights) of the units' centres, its weights moved until the groups
carry like loads, its free seeds moved to their groups' middles; then each group is made one piece.
"""

from __future__ import annotations

from collections import Counter

import numpy as np


def balanced_groups(centres, load, seeds, is_fixed, rounds: int = 120) -> np.ndarray:
    """Return for each unit the index of its group; every group has at least one unit.

    ``centres`` (n, 2) and ``seeds`` (k, 2) in metres; ``load`` (n,) what each unit weighs; seeds
    marked in ``is_fixed`` stay where they are.
    """
    seeds = seeds.copy()
    fair = load.sum() / len(seeds)
    reach = np.ptp(centres, axis=0).prod() / len(seeds) + 1.0  # m² of a group: scale of weights
    weights = np.zeros(len(seeds))
    best, best_score = None, np.inf
    for turn in range(rounds):
        group = np.argmin(_distances2(centres, seeds) - weights, axis=1)
        carried = np.bincount(group, weights=load, minlength=len(seeds))
        score = np.abs(carried - fair).sum() + fair * len(seeds) * (carried == 0).sum()
        if score < best_score:
            best, best_score = group, score
        weights += 0.25 * reach * np.clip((fair - carried) / fair, -1, 1) / (1 + turn / 30)
        weights -= weights.mean()
        if turn < rounds // 2:
            seeds = _towards_middles(centres, load, group, seeds, is_fixed)
    return _fill_empty(best, centres, load, seeds)


def spread_seeds(centres, load, count: int, fixed: list) -> tuple[np.ndarray, np.ndarray]:
    """Return ``count`` seeds, the fixed first, others far from all before; and which are fixed."""
    middle = np.average(centres, axis=0, weights=load)
    first = centres[np.argmin(_distances2(centres, middle[None])[:, 0])]
    seeds = list(fixed[:count]) or [first]
    while len(seeds) < count:
        far = _distances2(centres, np.array(seeds)).min(axis=1)
        seeds.append(centres[np.argmax(far * np.sqrt(load))])
    is_fixed = np.arange(count) < len(fixed)
    return np.array(seeds, dtype=float), is_fixed


def make_whole(group, near, load, below: float = np.inf) -> np.ndarray:
    """Give each cut-off piece that carries less than ``below`` to the group it borders most."""
    group = group.copy()
    for _ in range(10):
        strays = [
            piece
            for pieces in pieces_of(group, near, load).values()
            for piece in pieces[1:]
            if load[piece].sum() < below
        ]
        moved = False
        for piece in strays:
            pull = Counter()
            for unit in piece:
                for other, length in near.get(unit, {}).items():
                    if group[other] != group[unit]:
                        pull[group[other]] += length
            if pull:
                target = max(sorted(pull), key=pull.get)
                group[piece] = target
                moved = True
        if not moved:
            break
    return group


def neighbours_among(members: list[int], near: dict[int, dict[int, float]]) -> dict:
    """Return the neighbours within these members, both named by their place in the list."""
    place = {index: number for number, index in enumerate(members)}
    return {
        place[index]: {
            place[other]: length for other, length in near[index].items() if other in place
        }
        for index in members
    }


def _distances2(points, seeds):
    return ((points[:, None, :] - seeds[None, :, :]) ** 2).sum(axis=2)


def _towards_middles(centres, load, group, seeds, is_fixed):
    moved = seeds.copy()
    for index in range(len(seeds)):
        mine = group == index
        if mine.any() and not is_fixed[index]:
            moved[index] = np.average(centres[mine], axis=0, weights=load[mine])
    return moved


def _fill_empty(group, centres, load, seeds):
    """Give each empty group the unit nearest to its seed out of a group that has several."""
    group = group.copy()
    for index in range(len(seeds)):
        counts = np.bincount(group, minlength=len(seeds))
        if counts[index]:
            continue
        far = _distances2(centres, seeds[index][None])[:, 0]
        far[counts[group] < 2] = np.inf
        group[np.argmin(far)] = index
    return group


def pieces_of(group, near, load) -> dict[int, list[list[int]]]:
    """Return the connected pieces of each group, the one with the greatest load first."""
    seen: set[int] = set()
    pieces: dict[int, list[list[int]]] = {}
    for start in range(len(group)):
        if start in seen:
            continue
        piece, stack = [], [start]
        seen.add(start)
        while stack:
            unit = stack.pop()
            piece.append(unit)
            for other in near.get(unit, {}):
                if other not in seen and group[other] == group[start]:
                    seen.add(other)
                    stack.append(other)
        pieces.setdefault(int(group[start]), []).append(sorted(piece))
    for found in pieces.values():
        found.sort(key=lambda piece: (-load[piece].sum(), piece[0]))
    return pieces
