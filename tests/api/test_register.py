"""The register: codes given once, places worked out, changes remembered."""

from datetime import date

import pytest
from django.contrib.gis.geos import LineString, Point, Polygon
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.services import organisation_create
from common.errors import DomainError
from common.geo import distance_m
from components.loading import load_catalogue
from components.models import CaseType, Component
from components.selectors import components_nearest
from components.services import codes_next, component_create, component_retire, component_update
from grid.models import Area
from grid.selectors import OutsideCity
from tests.cast import Cast

TODAY = date(2026, 3, 16)
GUDANG = (Area.Level.STREET, "330106007")


@pytest.fixture
def drainage(mini_city):
    load_catalogue()
    return organisation_create(
        city=mini_city,
        code="drains",
        kind="department",
        name="排水中心",
        department_kind="drainage",
    )


@pytest.fixture
def place(drainage):
    level, code = GUDANG
    point = Area.objects.get(level=level, code=code).geometry.point_on_surface
    return point.x, point.y


@pytest.fixture
def new_cover(drainage, place):
    def make(north_m=0.0, code="C0103", **values):
        lon, lat = place
        given = {
            "actor": None,
            "type": CaseType.objects.get(code=code),
            "geometry": Point(lon, lat + north_m / 111_195, srid=4326),
            "competent_body": drainage,
            "on": TODAY,
        }
        return component_create(**{**given, **values})

    return make


def refusal(call):
    with pytest.raises(DomainError) as refused:
        call()
    return refused.value


# ── codes ─────────────────────────────────────────────────────────────────────────────────────


def test_a_code_is_district_class_type_and_sequence(new_cover):
    assert new_cover().code == "3301060103000001"
    assert new_cover(5).code == "3301060103000002"
    assert new_cover(9, code="C0118").code == "3301060118000001"


def test_the_code_of_a_retired_component_is_never_given_again(new_cover):
    first = new_cover()
    component_retire(actor=None, component_id=first.pk, on=TODAY)
    assert new_cover().code == "3301060103000002"


def test_codes_given_in_a_row_follow_each_other(drainage):
    cover = CaseType.objects.get(code="C0103")
    assert codes_next(district_code="330106", type=cover, count=3)[-1] == "3301060103000003"
    assert codes_next(district_code="330106", type=cover, count=1) == ["3301060103000004"]


def test_the_millionth_component_of_a_type_in_a_district_is_refused(drainage):
    cover = CaseType.objects.get(code="C0103")
    codes_next(district_code="330106", type=cover, count=999_999)
    refused = refusal(lambda: codes_next(district_code="330106", type=cover, count=1))
    assert refused.code == "not_possible"


# ── what may stand there ──────────────────────────────────────────────────────────────────────


def test_cell_and_community_follow_from_the_place(new_cover):
    cover = new_cover()
    assert cover.cell.geometry.covers(cover.point)
    assert cover.cell.community_id == cover.community_id


def test_an_event_cannot_stand_in_the_register(new_cover):
    assert "type" in refusal(lambda: new_cover(code="E0102")).fields


def test_a_component_outside_the_city_is_refused(new_cover):
    with pytest.raises(OutsideCity):
        new_cover(geometry=Point(121.47, 31.23, srid=4326))


def test_a_manhole_is_a_point_and_a_guardrail_a_line(new_cover, place):
    lon, lat = place
    line = LineString((lon, lat), (lon + 0.001, lat), srid=4326)
    assert "geometry" in refusal(lambda: new_cover(geometry=line)).fields
    rail = new_cover(code="C0211", geometry=line)
    assert rail.point.x == pytest.approx(lon + 0.0005)


def test_a_green_space_is_an_area_found_by_a_point_inside(new_cover, place):
    lon, lat = place
    ring = [(lon, lat), (lon + 0.001, lat), (lon + 0.001, lat + 0.001), (lon, lat + 0.001)]
    green = new_cover(code="C0405", geometry=Polygon([*ring, ring[0]], srid=4326))
    assert green.geometry.contains(green.point)


@pytest.mark.parametrize(
    ("attributes", "is_fine"),
    [
        ({}, True),
        ({"material": "球墨铸铁", "diameter_mm": 700, "has_owner_mark": True}, True),
        ({"material": "金子"}, False),
        ({"diameter_mm": 5}, False),
        ({"diameter_mm": "700"}, False),
        ({"colour": "red"}, False),
    ],
)
def test_attributes_follow_the_types_schema(new_cover, attributes, is_fine):
    if is_fine:
        assert new_cover(attributes=attributes).attributes == attributes
    else:
        assert "attributes" in refusal(lambda: new_cover(attributes=attributes)).fields


def test_a_type_without_a_schema_takes_no_attributes(new_cover):
    assert "attributes" in refusal(lambda: new_cover(code="C0123", attributes={"a": 1})).fields


# ── changes ───────────────────────────────────────────────────────────────────────────────────


def test_every_change_is_remembered_with_who_made_it(new_cover, cast: Cast):
    cover = new_cover()
    component_update(actor=cast.administrator_bai, component_id=cover.pk, on=TODAY, state="damaged")
    before = cover.events.select_related("pgh_context").get()
    assert before.state == "intact"
    assert before.pgh_context.metadata["user"] == cast.administrator_bai.pk
    assert Component.objects.get(pk=cover.pk).state == "damaged"


def test_a_moved_component_gets_its_cell_anew_and_keeps_its_code(new_cover):
    cover = new_cover()
    there = Point(cover.point.x, cover.point.y + 0.002, srid=4326)
    moved = component_update(actor=None, component_id=cover.pk, on=TODAY, geometry=there)
    assert moved.code == cover.code
    assert moved.cell_id != cover.cell_id
    assert moved.cell.geometry.covers(there)


def test_type_and_code_are_not_changed(new_cover):
    cover = new_cover()
    for change in ({"code": "1"}, {"type": CaseType.objects.get(code="C0101")}):
        call = refusal(
            lambda change=change: component_update(
                actor=None, component_id=cover.pk, on=TODAY, **change
            )
        )
        assert call.code == "invalid"


def test_a_retired_component_is_neither_changed_nor_retired_again(new_cover):
    cover = new_cover()
    component_retire(actor=None, component_id=cover.pk, on=TODAY)
    for call in (
        lambda: component_retire(actor=None, component_id=cover.pk, on=TODAY),
        lambda: component_update(actor=None, component_id=cover.pk, on=TODAY, state="intact"),
    ):
        assert refusal(call).status == 409


def test_the_programs_own_role_can_write_the_register(as_app_role, new_cover):
    cover = new_cover()
    component_update(actor=None, component_id=cover.pk, on=TODAY, state="lost")
    assert cover.events.count() == 1


# ── what stands near ──────────────────────────────────────────────────────────────────────────


def test_the_nearest_come_first_with_their_distance_in_metres(new_cover, place):
    covers = [new_cover(north) for north in (40.0, 10.0, 250.0)]
    found = components_nearest(*place)
    assert [row.code for row in found] == [covers[1].code, covers[0].code, covers[2].code]
    for row in found:
        assert row.away_m == pytest.approx(distance_m(place, (row.point.x, row.point.y)), rel=0.01)


def test_east_counts_like_north(new_cover, place):
    """A degree of longitude is shorter than one of latitude: planar distance would be wrong."""
    lon, lat = place
    north = new_cover(100.0)
    east = new_cover(geometry=Point(lon + 95 / 96_000, lat, srid=4326))
    assert [row.code for row in components_nearest(lon, lat)] == [east.code, north.code]


def test_only_the_type_asked_for_and_only_what_is_in_use(new_cover, place):
    cover, lamp, gone = new_cover(10), new_cover(5, code="C0118"), new_cover(1)
    component_retire(actor=None, component_id=gone.pk, on=TODAY)
    assert [row.code for row in components_nearest(*place)] == [lamp.code, cover.code]
    assert [row.code for row in components_nearest(*place, type_code="c0103")] == [cover.code]


def test_what_stands_farther_than_5_km_is_not_near(new_cover, place):
    new_cover()
    assert components_nearest(place[0], place[1] + 0.1) == []


# ── over the API ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def client(cast):
    client = APIClient()
    client.force_authenticate(cast.collector_chen)
    return client


def test_the_api_shows_a_component(client, new_cover):
    cover = new_cover(address="古墩路", attributes={"diameter_mm": 700})
    body = client.get(f"/api/v1/components/{cover.code}/").json()
    assert (body["code"], body["type"], body["address"]) == (cover.code, "C0103", "古墩路")
    assert body["location"]["coordinates"] == [cover.point.x, cover.point.y]
    assert body["competent_body"]["code"] == "drains"
    assert body["owner"] is None
    assert body["attributes"] == {"diameter_mm": 700}


def test_the_api_does_not_know_a_component_that_is_not_there(client):
    for code in ("3301060103999999", "x", "%00"):
        assert client.get(f"/api/v1/components/{code}/").status_code == 404


def test_the_api_lists_the_nearest_in_as_many_queries_for_five_as_for_one(client, new_cover, place):
    for north in range(5):
        new_cover(north)
    lon, lat = place
    query = {"lon": lon, "lat": lat, "type": "C0103"}
    with CaptureQueriesContext(connection) as for_one:
        one = client.get("/api/v1/components/nearest/", {**query, "limit": 1}).json()
    with CaptureQueriesContext(connection) as for_five:
        five = client.get("/api/v1/components/nearest/", query).json()
    assert (len(one), len(five)) == (1, 5)
    assert len(for_one) == len(for_five)
    assert five[0]["distance_m"] <= five[-1]["distance_m"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"lon": "east", "lat": "30"}, 400),
        ({"lon": "nan", "lat": "30"}, 400),
        ({"lat": "30"}, 400),
        ({"lon": "120", "lat": "30", "limit": "0"}, 400),
        ({"lon": "120", "lat": "30", "limit": "1000"}, 400),
        ({"lon": "120", "lat": "30", "type": "Z"}, 404),
        ({"lon": "0", "lat": "0"}, 200),
    ],
)
def test_the_api_refuses_nonsense_with_a_sentence(client, query, status):
    answer = client.get("/api/v1/components/nearest/", query)
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["message"]
