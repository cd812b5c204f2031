"""Tiles of the register: whoever decodes them finds every component of the register again."""

from __future__ import annotations

import math
from datetime import date

import mapbox_vector_tile
import pytest
from django.contrib.gis.geos import Point
from django.core.management import call_command
from django.db import connection
from django.test import Client

from accounts.models import User
from components.models import Component
from components.seeding.load import components_seed
from components.services import component_create, component_retire, component_update
from components.tiling.services import counts_differ, counts_fold
from components.tiling.tiles import component_tile
from tests.databases import filled

ON = date(2026, 3, 16)
HALF = math.pi * 6378137
EXTENT = 4096


@pytest.fixture
def city(demo_city):
    return demo_city


@filled("demo_city")
def seeded_city(city):
    """A register of every kind of component."""
    components_seed(city=city, count=1_200, seed=3, on=ON)


@pytest.fixture
def register(seeded_city):
    return Component.objects.filter(retired_date=None)


@pytest.fixture
def person(city):
    client = Client()
    client.force_login(User.objects.get(username="acceptor1"))
    return client


def column_row(point, z):
    """Return the tile a point of EPSG:3857 is in."""
    side = 2 * HALF / 2**z
    return int((point.x + HALF) // side), int((HALF - point.y) // side)


def by_tile(components, z):
    """Return the components of each tile of a zoom, by what SQL knows of them."""
    tiles = {}
    for point, code in components.values_list("tile_point", "type__code"):
        tiles.setdefault(column_row(point, z), []).append(code)
    return tiles


def total(content):
    """Return how many components a tile says lie in it, each once."""
    layers = mapbox_vector_tile.decode(content, default_options={"y_coord_down": True})
    counted = layers.get("count", {"features": []})["features"]
    each = layers.get("component", {"features": []})["features"]
    inside = [
        feature
        for feature in each
        if all(0 <= part < EXTENT for part in feature["geometry"]["coordinates"])
    ]
    return sum(feature["properties"]["count"] for feature in counted) + len(inside)


def test_no_component_is_dropped_at_any_zoom(register, person):
    for z in range(10, 19):
        tiles = by_tile(register, z)
        assert tiles
        for (x, y), codes in list(tiles.items())[:20]:
            answer = person.get(f"/tiles/components/{z}/{x}/{y}.mvt")
            assert total(answer.content) == len(codes), (z, x, y)


@pytest.mark.parametrize("z", [11, 14, 16])
def test_a_filter_keeps_what_it_names_and_nothing_else(register, person, z):
    trees, intact = register.filter(type__code="C0402"), register.filter(state="intact")
    gardens = register.filter(type__type_class__code="04")
    assert 0 < trees.count() < gardens.count() < register.count()
    assert intact.count() < register.count()
    filters = (("type=C0402", trees), ("class=04", gardens), ("state=intact", intact))
    for query, kept in filters:
        found = sum(
            total(person.get(f"/tiles/components/{z}/{x}/{y}.mvt?{query}").content)
            for x, y in by_tile(register, z)
        )
        assert found == kept.count(), query
    for query in ("type=C9999", "class=-", "state=intact'--", "class=%00"):
        x, y = next(iter(by_tile(register, z)))
        answer = person.get(f"/tiles/components/{z}/{x}/{y}.mvt?{query}")
        assert answer.status_code == 200
        if query != "class=%00":
            assert total(answer.content) == 0


@pytest.mark.parametrize("z", [15, 16, 18])
@pytest.mark.parametrize("types", [[], ["C0402"]])
def test_where_there_are_too_many_the_number_is_told(register, z, types):
    rows = register.filter(type__code__in=types) if types else register
    for (x, y), codes in by_tile(rows, z).items():
        content = component_tile(z, x, y, types=types, most=3)
        assert total(content) == len(codes)
        layers = mapbox_vector_tile.decode(content, default_options={"y_coord_down": True})
        assert ("count" if len(codes) > 3 else "component") in layers
        for feature in layers.get("count", {"features": []})["features"]:
            assert all(0 < part < EXTENT for part in feature["geometry"]["coordinates"])


def test_a_tile_says_which_component_it_draws(register, person):
    one = register.filter(type__code="C0402").select_related("type__type_class").first()
    x, y = column_row(one.tile_point, 18)
    layers = mapbox_vector_tile.decode(person.get(f"/tiles/components/18/{x}/{y}.mvt").content)
    told = {feature["id"]: feature["properties"] for feature in layers["component"]["features"]}
    assert told[one.pk] == {"type": "C0402", "class": "04", "state": one.state}


def test_lines_and_areas_are_drawn_with_their_outline(register, person):
    park = register.filter(type__code="C0405").first()
    x, y = column_row(park.tile_point, 16)
    layers = mapbox_vector_tile.decode(person.get(f"/tiles/components/16/{x}/{y}.mvt").content)
    drawn = {feature["id"]: feature["geometry"]["type"] for feature in layers["shape"]["features"]}
    assert drawn[park.pk] in {"Polygon", "MultiPolygon"}


def city_total(z=12):
    """Return how many components all tiles together tell of."""
    tiles = by_tile(Component.objects.all(), z)
    return sum(total(component_tile(z, x, y)) for x, y in tiles)


def test_every_change_shows_at_once_and_stays_after_it_was_summed(register):
    one = register.first()
    assert city_total() == 1_200
    new = component_create(
        actor=None,
        type=one.type,
        geometry=Point(one.point.x + 0.0001, one.point.y, srid=4326),
        competent_body=one.competent_body,
        on=ON,
    )
    assert city_total() == 1_201
    component_retire(actor=None, component_id=one.pk, on=ON)
    assert city_total() == 1_200
    component_update(actor=None, component_id=new.pk, on=ON, state="lost")
    x, y = column_row(new.tile_point, 12)
    assert total(component_tile(12, x, y, states=["lost"])) == len(
        by_tile(register.filter(state="lost"), 12)[x, y]
    )
    Component.objects.filter(type__code="C0402").update(state="damaged")
    register.filter(type__code="C0118").delete()
    assert counts_differ() == 0
    left = register.count()
    assert city_total() == left
    assert counts_fold() > 0
    assert counts_fold() == 0
    assert counts_differ() == 0
    assert city_total() == left


def test_the_command_proves_the_counts_and_finds_a_false_one(register, capsys):
    call_command("rebuild_tiles", "--check")
    assert "those of the register" in capsys.readouterr().out
    counts_fold()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE components_componentcount SET count = count + 1 WHERE zoom = 13")
    assert counts_differ() > 0


def test_only_people_who_are_logged_in_have_the_register(register, person):
    x, y = next(iter(by_tile(register, 14)))
    assert Client().get(f"/tiles/components/14/{x}/{y}.mvt").status_code == 302
    first = person.get(f"/tiles/components/14/{x}/{y}.mvt")
    again = person.get(
        f"/tiles/components/14/{x}/{y}.mvt", headers={"If-None-Match": first["ETag"]}
    )
    assert (first.status_code, again.status_code) == (200, 304)
    assert "private" in first["Cache-Control"]


@pytest.mark.parametrize("tile", ["9/1/1", "19/1/1", "12/4096/1", "12/1/4096"])
def test_what_is_no_tile_is_not_found(person, tile):
    assert person.get(f"/tiles/components/{tile}.mvt").status_code == 404
    assert person.get("/tiles/nothing/12/1/1.mvt").status_code == 404


def test_a_layer_describes_itself_for_other_maps(person):
    told = person.get("/tiles/components.json?class=04").json()
    assert told["tilejson"] == "3.0.0"
    assert told["tiles"][0].endswith("/tiles/components/{z}/{x}/{y}.mvt?class=04")
    assert (told["minzoom"], told["maxzoom"]) == (10, 18)
    west, south, east, north = told["bounds"]
    assert 120 < west < east < 121
    assert 30 < south < north < 31
    assert {layer["id"] for layer in told["vector_layers"]} == {"count", "component", "shape"}
    assert Client().get("/tiles/base.json").status_code == 200
    assert Client().get("/tiles/components.json").status_code == 302
    assert person.get("/tiles/nothing.json").status_code == 404
