"""Where a point lies, asked over the API and of the selector."""

from datetime import date

import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import User
from common.errors import DomainError
from grid.models import Area, GridCell
from grid.selectors import OutsideCity, locate

TODAY = date(2026, 11, 22)
CUIYUAN = (120.1290, 30.2830)  # 翠苑街道
LONGJING = (120.1130, 30.2250)  # 西湖街道, in the scenic area
SHANGHAI = (121.4737, 31.2304)


@pytest.fixture
def city(mini_city):
    return mini_city


@pytest.fixture
def client(city):
    client = APIClient()
    client.force_authenticate(User.objects.create_user("collector_zhao"))
    return client


def ask(client, lon, lat):
    return client.get("/api/v1/grid/locate/", {"lon": lon, "lat": lat})


def test_a_point_is_placed_in_cell_community_street_and_district(client):
    answer = ask(client, *CUIYUAN)
    assert answer.status_code == 200
    place = answer.json()
    assert place["street"] == {
        "code": "330106005",
        "name": "翠苑街道",
        "name_en": "Cuiyuan Sub-district",
    }
    assert place["district"]["name"] == "西湖区"
    assert place["community"]["code"].startswith("330106005")
    assert place["cell"].startswith(place["community"]["code"])
    assert len(place["cell"]) == 15
    assert place["zones"]
    assert place["management_area"] is None
    assert place["address"]


def test_a_point_in_the_scenic_area_names_it_beside_its_district(client):
    place = ask(client, *LONGJING).json()
    assert place["management_area"]["name"] == "西湖风景名胜区"
    assert place["street"]["code"] == "330106008"
    assert place["district"]["code"] == "330106"


def test_a_point_outside_the_city_is_not_found(client):
    answer = ask(client, *SHANGHAI)
    assert answer.status_code == 404
    assert answer.json()["code"] == "outside_city"


@pytest.mark.parametrize(
    ("lon", "lat"),
    [
        ("nan", 30.28),
        (120.1, "inf"),
        ("here", "there"),
        ("", ""),
        (181, 30.28),
        (120.1, -90.5),
        ("120,1", "30,2"),
        ("1e999", 30),
    ],
)
def test_what_is_no_point_is_refused_with_a_sentence(client, lon, lat):
    answer = ask(client, lon, lat)
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid"
    assert answer.json()["message"]


def test_a_point_without_latitude_is_refused(client):
    answer = client.get("/api/v1/grid/locate/", {"lon": 120.1})
    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == ["lat"]


def test_a_stranger_may_not_locate(city):
    assert ask(APIClient(), *CUIYUAN).status_code == 401


def test_a_point_on_a_border_belongs_to_the_cell_with_the_lowest_id(city):
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT a.id, b.id, ST_X(corner), ST_Y(corner)
            FROM grid_gridcell a
            JOIN grid_gridcell b ON a.id < b.id AND ST_Touches(a.geometry, b.geometry),
            LATERAL ST_PointN(ST_ExteriorRing(a.geometry), 1) AS corner
            WHERE ST_Covers(b.geometry, corner) ORDER BY a.id LIMIT 20
            """
        )
        borders = cursor.fetchall()
    assert len(borders) == 20
    for first, second, lon, lat in borders:
        place = locate(lon, lat, on=TODAY)
        assert place.cell_id <= first < second


def test_every_cells_middle_is_located_in_that_cell_by_one_query(city, django_assert_num_queries):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT code, ST_X(middle), ST_Y(middle) FROM grid_gridcell,"
            " ST_PointOnSurface(geometry) AS middle ORDER BY code"
        )
        middles = cursor.fetchall()[::25]
    with django_assert_num_queries(len(middles)):
        for code, lon, lat in middles:
            assert locate(lon, lat, on=TODAY).cell_code == code


def test_a_closed_cell_no_longer_holds_but_did_before(city):
    cell = GridCell.objects.get(pk=locate(*CUIYUAN, on=TODAY).cell_id)
    GridCell.objects.filter(pk=cell.pk).update(valid_to=TODAY)
    with pytest.raises(OutsideCity):
        locate(*CUIYUAN, on=TODAY)
    assert locate(*CUIYUAN, on=date(2026, 11, 21)).cell_id == cell.pk


def test_before_the_divisions_hold_there_is_no_city(city):
    with pytest.raises(OutsideCity):
        locate(*CUIYUAN, on=date(2021, 4, 8))


@pytest.mark.parametrize("lon", [float("nan"), float("inf"), "120.1", None, True])
def test_the_selector_takes_only_finite_numbers(db, lon):
    with pytest.raises(DomainError) as refusal:
        locate(lon, 30.28, on=TODAY)
    assert refusal.value.code == "invalid"


def test_a_cell_is_told_with_its_outline(client, city):
    code = locate(*CUIYUAN, on=TODAY).cell_code
    cell = client.get(f"/api/v1/grid/cells/{code}/").json()
    assert cell["code"] == code
    assert cell["geometry"]["type"] == "Polygon"
    assert client.get("/api/v1/grid/cells/330106005999999/").status_code == 404


def test_areas_bear_their_old_codes_with_dates(city):
    area = Area.objects.get(code="330105013")  # 武林街道, of the district 下城 until 2021
    codes = dict(area.codes.values_list("code", "valid_to"))
    assert codes.pop("330105013") is None
    assert list(codes.values()) == [date(2021, 4, 9)]
    assert next(iter(codes)).startswith("330103")
