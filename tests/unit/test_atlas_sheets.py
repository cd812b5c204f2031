"""How a community is cut into map sheets, and how a drawing finds room."""

from __future__ import annotations

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from components.atlas.drawing import Occupied, View, path
from components.atlas.sheets import (
    MAX_SHEETS,
    PAPERS,
    SCALES,
    Box,
    bar_metres,
    neighbours,
    overview_box,
    scale_for,
    sheet_name,
    sheets_over,
)
from components.atlas.symbols import LOOKS, symbol

A3 = PAPERS["a3"]
LENGTHS = st.floats(5, 6_000)
BOXES = st.builds(Box, st.just(0.0), st.just(0.0), LENGTHS, LENGTHS)
PAPER = st.sampled_from(list(PAPERS.values()))
SCALE = st.sampled_from(SCALES[1:])


@given(BOXES, SCALE, PAPER, st.floats(0, 1), st.floats(0, 1))
def test_every_place_of_a_community_is_on_a_sheet(bounds, scale, paper, across, down):
    x, y = bounds.east * across, bounds.north * down
    assert any(View(sheet.box, scale).sees(x, y) for sheet in sheets_over(bounds, scale, paper))


@given(BOXES, SCALE, PAPER)
def test_a_sheet_fills_the_room_of_the_map_exactly(bounds, scale, paper):
    for sheet in sheets_over(bounds, scale, paper):
        view = View(sheet.box, scale)
        assert view.width == pytest.approx(paper.map_width)
        assert view.height == pytest.approx(paper.map_height)


@given(st.builds(Box, st.just(0.0), st.just(0.0), st.floats(5, 1_500), st.floats(5, 1_500)))
def test_sheets_have_names_of_their_own_and_know_their_neighbours(bounds):
    sheets = list(sheets_over(bounds, 1000, A3))
    by_name = {sheet.name: sheet for sheet in sheets}
    assert len(by_name) == len(sheets)
    back = {"north": "south", "south": "north", "west": "east", "east": "west"}
    for sheet in sheets:
        for side, name in neighbours(sheet, sheets).items():
            assert neighbours(by_name[name], sheets)[back[side]] == sheet.name


def test_a_sheet_that_is_not_printed_is_nobodys_neighbour():
    north, south = list(sheets_over(Box(0, 0, 100, 400), 1000, A3))
    assert neighbours(south, [north, south]) == {"north": "A1"}
    assert neighbours(south, [south]) == {}


def test_rows_are_lettered_from_the_north_and_columns_numbered_from_the_west():
    assert [sheet_name(0, 0), sheet_name(1, 2), sheet_name(26, 0)] == ["A1", "B3", "AA1"]


@pytest.mark.parametrize(
    ("spacing_m", "scale"), [(0.0, 500), (1.5, 500), (2.9, 1000), (6.0, 2000), (1e9, 2000)]
)
def test_the_scale_follows_from_how_near_components_stand(spacing_m, scale):
    assert scale_for(spacing_m, lambda _scale: 1) == scale


def test_a_community_too_large_for_its_scale_gets_a_smaller_one():
    sheets = {500: 900, 1000: 230, 2000: MAX_SHEETS, 5000: 12, 10_000: 4}
    assert scale_for(1.0, sheets.__getitem__) == 2000
    assert scale_for(1.0, lambda _scale: 10_000) == SCALES[-1]


@given(BOXES)
def test_the_overview_shows_the_whole_community_at_a_round_scale(bounds):
    scale, box = overview_box(bounds, 324, 253)
    assert scale % 500 == 0
    assert box.west <= bounds.west
    assert box.north >= bounds.north
    assert View(box, scale).width == pytest.approx(324)


@given(st.sampled_from(SCALES), st.floats(20, 80))
def test_the_scale_bar_fits_its_room(scale, room_mm):
    assert bar_metres(scale, room_mm) * 1000 / scale <= max(room_mm, 10_000 / scale)


def test_a_symbol_tells_class_type_and_state_without_colour_alone():
    shapes = {code: symbol(f"C{code}07", "intact", 0, 0) for code in LOOKS}
    assert len({drawn.split("points=")[-1] for drawn in shapes.values()}) == len(LOOKS)
    assert all(">07<" in drawn for drawn in shapes.values())
    assert 'class="alert"' in symbol("C0107", "damaged", 0, 0)
    assert 'fill="#fff"' in symbol("C0107", "lost", 0, 0).split("<text")[0]


def test_what_is_taken_is_not_free():
    paper = Occupied()
    paper.take(10, 10, 12, 12)
    assert not paper.is_free(11, 11, 15, 15)
    assert paper.is_free(12.5, 10, 14, 12)


def test_a_path_draws_rings_lines_and_parts_and_no_points():
    shape = shapely.from_wkt(
        "GEOMETRYCOLLECTION (POINT (1 1), MULTILINESTRING ((0 0, 1 0), (2 2, 3 3)),"
        " POLYGON ((0 0, 4 0, 4 4, 0 0), (1 0.5, 2 0.5, 2 1, 1 0.5)))"
    )
    drawn = path(shape)
    assert drawn.count("M") == 4
    assert drawn.count("Z") == 2
