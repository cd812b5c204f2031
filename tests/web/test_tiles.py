"""Map tiles: who may have them, and that a browser need not load them twice."""

import pytest
from django.test import Client

from accounts.models import User

# The tile of 翠苑街道 at zoom 14.
TILE = "14/13659/6744.mvt"


@pytest.fixture
def person(mini_city):
    client = Client()
    client.force_login(User.objects.create_user("collector_zhao"))
    return client


def test_base_tiles_are_open_and_cacheable(person):
    answer = Client().get(f"/tiles/base/{TILE}")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/vnd.mapbox-vector-tile"
    assert "public" in answer["Cache-Control"]
    assert all(layer in answer.content for layer in (b"road", b"water", b"green", b"built"))


def test_an_unchanged_tile_is_not_sent_again(person):
    first = person.get(f"/tiles/base/{TILE}")
    second = person.get(f"/tiles/base/{TILE}", headers={"If-None-Match": first["ETag"]})
    assert (second.status_code, second.content) == (304, b"")


def test_cell_tiles_carry_cells_and_areas_for_people_who_are_logged_in(person):
    answer = person.get(f"/tiles/cells/{TILE}")
    assert answer.status_code == 200
    assert "private" in answer["Cache-Control"]
    assert b"330106005" in answer.content
    assert Client().get(f"/tiles/cells/{TILE}").status_code == 302


def test_an_areas_name_stands_once(person):
    around = [f"13/{x}/{y}.mvt" for x in (6828, 6829, 6830) for y in (3371, 3372, 3373)]
    tiles = [person.get(f"/tiles/cells/{tile}").content for tile in around]
    assert sum("翠苑街道".encode() in tile for tile in tiles) == 1


@pytest.mark.parametrize("tile", ["14/99999/1.mvt", "16/1/1.mvt", "99/0/0.mvt"])
def test_a_tile_that_does_not_exist_is_not_found(person, tile):
    assert person.get(f"/tiles/base/{tile}").status_code == 404
    assert person.get(f"/tiles/cells/{tile}").status_code == 404


def test_a_tile_far_away_is_empty(person):
    answer = person.get("/tiles/base/14/0/0.mvt")
    assert (answer.status_code, answer.content) == (200, b"")
