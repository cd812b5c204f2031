"""The map's page: who opens it, what its search finds, what a click tells; cases on it by sight."""

from __future__ import annotations

import math

import mapbox_vector_tile
import pytest
from django.contrib.gis.geos import Point
from django.utils import translation

from cases.workflow import State
from components.models import CaseType
from components.services import component_create
from tests.cast import NOW, Story


@pytest.fixture
def story(cast):
    return Story(cast).walk_to(State.HANDLING)


@pytest.fixture
def tree(cast):
    lon, lat = cast.near(5)
    return component_create(
        actor=None,
        type=CaseType.objects.get(code="C0402"),
        geometry=Point(lon, lat, srid=4326),
        competent_body=cast.people["clerk_sun"].organisation,
        on=NOW.date(),
    )


def tile_of(case, z=14):
    lon, lat = case.point.tuple
    x = int((lon + 180) / 360 * 2**z)
    y = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z)
    return f"/tiles/cases/{z}/{x}/{y}.mvt"


def cases_in(answer):
    layer = mapbox_vector_tile.decode(answer.content).get("case", {"features": []})
    return [feature["properties"]["number"] for feature in layer["features"]]


def test_a_case_stands_on_the_map_of_those_who_may_see_it(story, page_of):
    tile = tile_of(story.case)
    assert cases_in(page_of("acceptor_wang").get(tile)) == [story.case.number]
    assert cases_in(page_of("clerk_sun").get(tile)) == [story.case.number]
    assert cases_in(page_of("head_shu").get(tile)) == []


def test_a_closed_case_leaves_the_map(cast, page_of):
    story = Story(cast).walk_to(State.CLOSED)
    assert cases_in(page_of("acceptor_wang").get(tile_of(story.case))) == []


def search(client, text):
    return client.get("/map/search/", {"search": text}).content.decode()


def test_the_search_takes_a_component_s_code_a_case_number_a_name_and_coordinates(
    story, tree, page_of
):
    client = page_of("acceptor_wang")
    assert tree.code in search(client, tree.code)
    assert story.case.number in search(client, story.case.number)
    assert "Cuiyuan" in search(client, "翠苑")
    assert 'data-value="120.1234,30.28,18"' in search(client, "120.1234, 30.28")
    assert 'data-value="120.1234,30.28,18"' in search(client, "30.28，120.1234")


@pytest.mark.parametrize("text", ["", "   ", "\0", "%", "没有这个地方", "999 999", "'; DROP TABLE"])
def test_what_means_nothing_finds_nothing(story, page_of, text):
    assert 'role="option"' not in search(page_of("acceptor_wang"), text)


@pytest.mark.parametrize("code", ["C0402", "", "\0", "九" * 9])
def test_the_map_opens_whatever_type_its_address_names(cast, page_of, code):
    assert page_of("acceptor_wang").get("/map/", {"type": code}).status_code == 200


def test_the_search_does_not_tell_of_a_case_one_may_not_see(story, page_of):
    assert story.case.number not in search(page_of("head_shu"), story.case.number).replace(
        "data-asked", ""
    )


def test_a_click_tells_what_a_component_is_and_what_is_open_there(tree, page_of):
    with translation.override("en"):
        page = page_of("acceptor_wang").get(f"/map/components/{tree.pk}/").content.decode()
    assert tree.code in page
    assert page_of("acceptor_wang").get("/map/components/999999999/").status_code == 404


def test_a_partner_who_sees_a_part_of_the_register_gets_none_of_its_tiles(tree, page_of):
    tile = "/tiles/components/14/13658/6760.mvt"
    assert page_of("clerk_sun").get(tile).status_code == 200
    assert page_of("partner_dong").get(tile).status_code == 404
    assert page_of("partner_dong").get("/tiles/components.json").status_code == 404
    assert page_of("partner_dong").get("/tiles/cells.json").status_code == 200


def test_the_map_is_for_those_who_work_here(cast, page_of):
    assert page_of("acceptor_wang").get("/map/").status_code == 200
    assert page_of("collector_chen").get("/map/?type=C0402&class=01").status_code == 200
    assert page_of("partner_dong").get("/map/").status_code == 403
