"""The gridder partitions any community exactly, keeps natural edges and numbers as the standard."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Point, Polygon, box

from grid.gridding import Cell, Ground, Rules, check_cells, make_cells, number_cells

SQUARE = Ground("330106001001", box(0, 0, 1000, 1000))


def partition(*grounds: Ground, **ground) -> list[Cell]:
    """Grid and demand an exact partition."""
    cells = make_cells(grounds, **ground)
    check = check_cells(grounds, cells)
    assert check.is_partition, check
    assert all(cell.shape.is_valid for cell in cells)
    return cells


# ── by example ────────────────────────────────────────────────────────────────────────────────


def test_a_square_kilometre_becomes_a_hundred_cells():
    cells = partition(SQUARE)
    assert len(cells) == 100
    assert {round(cell.area_m2) for cell in cells} == {10_000}
    assert {cell.kind for cell in cells} == {"built"}


def test_sequences_run_from_west_to_east_in_bands_from_north_to_south():
    cells = partition(SQUARE)
    corners = [(round(c.shape.centroid.x), round(c.shape.centroid.y)) for c in cells]
    assert [c.sequence for c in cells] == list(range(1, 101))
    assert corners[:3] == [(50, 950), (150, 950), (250, 950)]
    assert corners[9:11] == [(950, 950), (50, 850)]
    assert corners[-1] == (950, 50)


def test_neighbours_share_their_border_and_no_cell_crosses_it():
    west = Ground("330106001001", Polygon([(0, 0), (503, 40), (470, 980), (0, 1000)]))
    east = Ground("330106001002", Polygon([(503, 40), (1000, 0), (1000, 1000), (470, 980)]))
    cells = partition(west, east)
    union = shapely.union_all([cell.shape for cell in cells])
    assert sum(cell.area_m2 for cell in cells) == pytest.approx(union.area, abs=0.01)
    assert union.symmetric_difference(west.shape.union(east.shape)).area < 0.5


def test_a_road_is_a_border_of_cells():
    road = LineString([(-50, 330), (1050, 390)])
    for cell in partition(SQUARE, edges=[road]):
        assert cell.shape.buffer(-0.01).intersection(road).length == pytest.approx(0, abs=0.1)


def test_a_road_that_ends_inside_divides_nothing():
    assert len(partition(SQUARE, edges=[LineString([(500, 500), (700, 510)])])) == 100


def test_water_and_hills_are_large_cells_of_their_kind():
    cells = partition(SQUARE, water=[box(0, 0, 1000, 400)], hills=[box(0, 700, 1000, 1000)])
    by_kind = {kind: [c for c in cells if c.kind == kind] for kind in ("built", "water", "hill")}
    assert sum(cell.area_m2 for cell in by_kind["water"]) == pytest.approx(400_000, rel=0.001)
    assert min(cell.area_m2 for cell in by_kind["water"]) > 50_000
    assert by_kind["built"]


def test_a_sliver_joins_the_neighbour_with_the_longest_shared_edge():
    """A strip of 5 m beside the road is no cell: it joins what lies along it, not across."""
    road = LineString([(-1, 5), (1001, 5)])
    cells = partition(SQUARE, edges=[road])
    assert min(cell.area_m2 for cell in cells) >= Rules().small_m2


def test_a_community_smaller_than_a_cell_is_one_cell_and_reported():
    ground = Ground("330106001001", box(0, 0, 30, 30))
    (cell,) = partition(ground)
    assert check_cells([ground], [cell]).too_small == [cell]


def test_a_hole_stays_a_hole():
    hole = box(300, 300, 450, 420)
    cells = partition(Ground("330106001001", SQUARE.shape.difference(hole)))
    assert shapely.union_all([c.shape for c in cells]).intersection(hole).area < 0.01


def test_every_part_of_a_community_is_gridded():
    parts = MultiPolygon([box(0, 0, 300, 300), box(5000, 0, 5300, 200)])
    assert len(partition(Ground("330106001001", parts))) == 15


def test_a_speck_beside_a_community_is_no_cell():
    parts = MultiPolygon([box(0, 0, 100, 100), box(500, 0, 500.3, 0.3)])
    assert len(partition(Ground("330106001001", parts))) == 1


def test_what_a_broken_outline_covers_is_gridded():
    bow_tie = Polygon([(0, 0), (400, 400), (400, 0), (0, 400)])
    cells = make_cells([Ground("330106001001", bow_tie)])
    assert sum(cell.area_m2 for cell in cells) == pytest.approx(80_000, rel=0.001)


def test_where_two_grounds_overlap_the_first_keeps_the_ground():
    first, second = Ground("1" * 12, box(0, 0, 200, 200)), Ground("2" * 12, box(100, 0, 300, 200))
    cells = make_cells([first, second])
    area = {c: sum(x.area_m2 for x in cells if x.community == c) for c in ("1" * 12, "2" * 12)}
    assert area == pytest.approx({"1" * 12: 40_000, "2" * 12: 20_000})


def test_no_ground_gives_no_cells():
    assert make_cells([]) == []


# ── checks of cells made elsewhere ────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("shapes", "uncovered", "overlap", "outside"),
    [
        ([box(0, 0, 1000, 1000)], 0, 0, 0),
        ([box(0, 0, 500, 1000)], 500_000, 0, 0),
        ([box(0, 0, 600, 1000), box(500, 0, 1000, 1000)], 0, 100_000, 0),
        ([box(0, 0, 1000, 1010)], 0, 0, 10_000),
        ([], 1_000_000, 0, 0),
    ],
)
def test_gaps_overlaps_and_overhangs_are_measured(shapes, uncovered, overlap, outside):
    cells = [Cell(SQUARE.code, shape, "built") for shape in shapes]
    check = check_cells([SQUARE], cells)
    assert check.uncovered_m2[SQUARE.code] == pytest.approx(uncovered)
    assert check.overlap_m2[SQUARE.code] == pytest.approx(overlap)
    assert check.outside_m2[SQUARE.code] == pytest.approx(outside)
    assert check.is_partition is (uncovered == overlap == outside == 0)


def test_cells_of_unusual_size_are_named_but_wide_water_is_usual():
    shapes = {"small": box(0, 0, 40, 40), "large": box(0, 0, 300, 300)}
    cells = [Cell("x", shapes["small"], "built"), Cell("x", shapes["large"], "built")]
    cells.append(Cell("x", shapes["large"], "water"))
    check = check_cells([], cells)
    assert (check.too_small, check.too_large) == ([cells[0]], [cells[1]])


# ── any community ─────────────────────────────────────────────────────────────────────────────

coordinate = st.floats(0, 900, allow_nan=False).map(lambda value: round(value, 2))
point = st.tuples(coordinate, coordinate)


@st.composite
def communities(draw) -> list[Ground]:
    """Star-shaped outlines with spikes, holes and second parts; two that meet along a line."""
    angles = sorted(draw(st.lists(st.floats(0, 6.28), min_size=4, max_size=14, unique=True)))
    radii = draw(st.lists(st.floats(5, 450), min_size=len(angles), max_size=len(angles)))
    outline = [
        (500 + radius * np.cos(angle), 500 + radius * np.sin(angle))
        for angle, radius in zip(angles, radii, strict=True)
    ]
    shape = shapely.make_valid(Polygon(outline))
    for centre in draw(st.lists(point, max_size=2)):
        shape = shape.difference(Point(centre).buffer(draw(st.floats(1, 80)), 3))
    for corner in draw(st.lists(point, max_size=1)):
        shape = shape.union(box(corner[0], corner[1], corner[0] + 0.4, corner[1] + 300))
    border = draw(st.floats(100, 900))
    halves = [shape.intersection(box(-999, -999, border, 1999))]
    halves.append(shape.intersection(box(border, -999, 1999, 1999)))
    return [Ground(f"33010600100{i}", half) for i, half in enumerate(halves) if half.area > 1]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(communities(), st.lists(st.tuples(point, point), max_size=4), st.lists(point, max_size=2))
def test_any_community_is_partitioned_exactly_and_numbered_in_order(grounds, roads, lakes):
    edges = [LineString(road) for road in roads if road[0] != road[1]]
    water = [Point(centre).buffer(120, 4) for centre in lakes]
    cells = make_cells(grounds, edges=edges, water=water)
    check = check_cells(grounds, cells)
    assert check.is_partition, check
    area = sum(ground.shape.area for ground in grounds)
    assert sum(cell.area_m2 for cell in cells) == pytest.approx(area, abs=1)
    for ground in grounds:
        own = [cell for cell in cells if cell.community == ground.code]
        assert [cell.sequence for cell in own] == list(range(1, len(own) + 1))
        assert own == number_cells(own)
