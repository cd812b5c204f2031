"""From words to places and from points to words, over the API and of the selectors."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date

import pytest
from django.contrib.gis.geos import Point
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from accounts.models import User
from common.errors import DomainError
from common.geo import distance_m
from grid.geocoding.reading import SIDES
from grid.geocoding.selectors import address_search, map_search
from grid.geocoding.services import alias_save, place_save
from grid.geocoding.words import place_in_words
from grid.loading import load_city_pack
from grid.models import GridCell, Place, PlaceAlias
from grid.selectors import locate
from tests.geo_city import PACK, STREETS

TODAY = date(2026, 11, 22)
CROSSING = "学院路与文二路交叉口"
SHANGHAI = (121.4737, 31.2304)

pytestmark = pytest.mark.usefixtures("in_english")


@pytest.fixture
def in_english() -> Iterator[None]:
    """Sentences are compared in English."""
    with translation.override("en"):
        yield


@pytest.fixture
def city(mini_city):
    return mini_city


@pytest.fixture
def client(city):
    client = APIClient(headers={"accept-language": "en"})
    client.force_authenticate(User.objects.create_user("collector_zhao"))
    return client


def best(text: str, **given):
    """Return the likeliest place that a text means."""
    found = address_search(text, on=TODAY, **given)
    return found[0] if found else None


def new_place(name: str, lon: float, lat: float, kind: str = "poi", **more) -> Place:
    place = Place(
        name=name, kind=kind, point=Point(lon, lat, srid=4326), valid_from=date(2020, 1, 1)
    )
    for field, value in more.items():
        setattr(place, field, value)
    return place_save(place=place)


def is_inside(lon: float, lat: float) -> bool:
    return place_in_words(lon, lat, on=TODAY) is not None


@pytest.fixture
def crossing(city) -> Place:
    """The crossing's corner that lies in the streets that are loaded."""
    corners = Place.objects.filter(name=CROSSING).order_by("point")
    return next(each for each in corners if is_inside(*each.point.coords))


# ── from words to places ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        CROSSING,
        "文二路与学院路交叉口",
        "文二路学院路口",
        "文二路/学院路",
        "文二路和学院路路口",
        "学院路 文二路",
        "杭州市西湖区文二路与学院路交汇处",
        "文二路（近学院路）",
        "文二路学院路口对面",
        "文二路與學院路交叉口",
        "文二路与学苑路口",  # the wrong character of the right sound
        "wener lu xueyuan lu",
        "Wen'er Road and Xueyuan Road",
        "the corner of Wener Rd & Xueyuan Rd",
    ],
)
def test_a_crossing_is_found_however_it_is_written(crossing, text):
    found = best(text)
    assert found.name == CROSSING
    assert found.kind == "junction"
    assert found.score > 0.8
    assert distance_m((found.lon, found.lat), crossing.point.coords) < 150


def test_two_roads_cross_where_their_lines_meet_when_no_crossing_bears_their_names(crossing):
    Place.objects.filter(name=CROSSING).delete()
    found = best("文二路与学院路交叉口")
    assert (found.kind, found.name) == ("junction", "文二路与学院路交叉口")
    assert "on the map" in found.understood
    assert 0.9 < found.score < 1
    assert distance_m((found.lon, found.lat), crossing.point.coords) < 100


def test_roads_that_do_not_meet_are_not_made_to(city):
    found = best("文三路与湖滨路交叉口")
    assert found.kind == "road"
    assert found.score <= 0.5
    assert "does not cross" in found.understood


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("文三路", "文三路", "road"),
        ("wsl", "文三路", "road"),
        ("wensanlu", "文三路", "road"),
        ("Wensan Road", "文三路", "road"),
        ("翠苑街道", "翠苑街道", "street"),
        ("西湖区翠苑街道", "翠苑街道", "street"),
        ("九莲社区", "九莲社区", "community"),
    ],
)
def test_names_sounds_initials_and_areas_are_found(city, text, name, kind):
    found = best(text)
    assert (found.name, found.kind) == (name, kind)


def test_a_house_number_we_do_not_have_gives_the_road_with_a_lower_score_and_says_so(city):
    found = best("文三路 259 号")
    assert (found.name, found.kind, found.score) == ("文三路", "road", 0.7)
    assert "259" in found.understood
    assert found.address == "文三路 259 号"  # what a person wrote says more than the name


def test_a_house_number_of_the_gazetteer_is_the_house(crossing):
    lon, lat = crossing.point.coords
    new_place("文三路259号", lon + 0.001, lat, kind="door")
    found = best("西湖区文三路２５９号")
    assert (found.name, found.kind, found.score) == ("文三路259号", "door", 1.0)
    assert found.understood == "by its name"


def test_a_distance_from_a_place_moves_the_point(crossing):
    here, there = best(CROSSING), best(f"{CROSSING}东侧50米")
    assert there.lat == pytest.approx(here.lat)
    away = distance_m((here.lon, here.lat), (there.lon, there.lat))
    assert away == pytest.approx(50, abs=0.5)
    assert there.lon > here.lon
    assert "50 m east" in there.understood


def test_an_area_that_is_written_decides_between_like_names(city):
    lon, lat = 120.1290, 30.2830  # 翠苑街道
    far = (120.1640, 30.2540)  # 湖滨街道
    for place in ((lon, lat), far):
        assert new_place("利民食堂", *place).pk
    assert best("翠苑街道利民食堂").street.name == "翠苑街道"
    there = best("上城区利民食堂")
    assert there.street.name == "湖滨街道"
    wrong = best("武林街道利民食堂")
    assert wrong.score == pytest.approx(0.6)
    assert "not in 武林街道" in wrong.understood


def test_what_is_near_comes_first_among_like_names(city):
    places = [(120.1290, 30.2830), (120.1640, 30.2540)]
    for place in places:
        new_place("利民食堂", *place)
    for place in places:
        found = best("利民食堂", near=place)
        assert distance_m((found.lon, found.lat), place) < 1
    with pytest.raises(DomainError):
        address_search("利民食堂", on=TODAY, near=(500, 30))


def test_another_name_finds_the_place_until_it_ends(crossing):
    place = new_place("浙江省科技馆旧址", *crossing.point.coords)
    alias_save(alias=PlaceAlias(place=place, name="老科技馆"))
    for text in ("老科技馆", "laokejiguan", "lkjg"):
        assert best(text).name == "浙江省科技馆旧址"
    place.valid_to = TODAY
    place_save(place=place)
    assert best("老科技馆") is None or best("老科技馆").name != "浙江省科技馆旧址"
    earlier = address_search("老科技馆", on=date(2026, 11, 21))
    assert earlier[0].name == "浙江省科技馆旧址"


@pytest.mark.parametrize("text", ["浙江科技绾旧址", "浙江省科技旧址", "科技馆旧址", "浙江省科技馆"])
def test_a_wrong_missing_or_partial_name_still_finds_it(crossing, text):
    new_place("浙江省科技馆旧址", *crossing.point.coords)
    assert best(text).name == "浙江省科技馆旧址"
    assert best(text).score < 1


@pytest.mark.parametrize(
    "text", ["120.1290,30.2830", "30.2830 120.1290", "E120.1290 N30.2830", "30.2830N,120.1290E"]
)
def test_coordinates_are_a_place_whichever_comes_first(city, text):
    found = best(text)
    assert (found.kind, found.lon, found.lat) == ("point", 120.129, 30.283)
    assert found.street.name == "翠苑街道"
    assert found.name


def test_every_place_comes_with_its_cell_and_areas(city):
    for found in address_search("文三路", on=TODAY):
        there = locate(found.lon, found.lat, on=TODAY)
        assert found.cell == there.cell_code
        assert (found.community, found.street, found.district) == (
            there.community,
            there.street,
            there.district,
        )


def test_the_code_of_a_cell_finds_its_middle_on_the_map(city):
    cell = GridCell.objects.first()
    (found,) = map_search(f" {cell.code} ", on=TODAY)
    assert (found.kind, found.cell) == ("cell", cell.code)
    assert cell.geometry.covers(Point(found.lon, found.lat, srid=4326))
    assert map_search("330106005999999", on=TODAY) == []


@pytest.mark.parametrize(
    "text",
    ["", " ", "路", "zzqqxxyy", "%", "_" * 9, "'; DROP TABLE grid_place", "\x00文", "🚒🚒",
     "上海市外滩", "121.4737,31.2304", "999999999999999", "\\", "()"],
)  # fmt: skip
def test_empty_and_hopeless_text_finds_nothing_and_is_no_error(city, text):
    assert [each for each in map_search(text, on=TODAY) if each.score > 0.7] == []


def test_too_long_a_text_is_refused_with_a_sentence(client):
    answer = client.get("/api/v1/places/", {"q": "文" * 201})
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid"
    assert "200" in answer.json()["message"]
    assert client.get("/api/v1/places/", {"q": "文" * 200}).status_code == 200


def test_the_search_answers_over_the_api(client):
    found = client.get("/api/v1/places/", {"q": "文二路学院路口", "limit": 1}).json()
    assert len(found) == 1
    assert found[0]["name"] == CROSSING
    assert found[0]["name_en"] == "Crossing of Xueyuan Road and Wen'er Road"
    assert found[0]["district"]["name"] == "西湖区"
    assert found[0]["cell"].startswith(found[0]["community"]["code"])
    assert client.get("/api/v1/places/").json() == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "51"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"lon": "120"}, "lat"),
        ({"lon": "nan", "lat": "30"}, "lon"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(client, given, field):
    answer = client.get("/api/v1/places/", {"q": "文三路", **given})
    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == [field]


def test_a_search_takes_few_queries_however_much_it_finds(city, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        assert address_search("西湖区文二路学院路口", on=TODAY)
    with django_assert_max_num_queries(8):
        assert address_search("园", on=TODAY) == []
        assert len(address_search("文", on=TODAY)) == 0


# ── from a point to words ─────────────────────────────────────────────────────────────────────


def test_near_a_crossing_the_words_name_it_with_direction_and_distance(crossing):
    lon, lat = crossing.point.coords
    words = place_in_words(lon + 0.0003, lat - 0.0002, on=TODAY)
    assert words.text == f"{CROSSING}东南侧约 40 米"
    assert words.text_en == "About 40 m south-east of the crossing of Xueyuan Road and Wen'er Road"
    assert place_in_words(lon, lat, on=TODAY).text == CROSSING


def test_inside_a_compound_the_words_say_so(city):
    compounds = Place.objects.filter(kind="area", geometry__isnull=False)
    inside = {
        words.text
        for compound in compounds.order_by("pk")[:80]
        if (words := place_in_words(*compound.geometry.point_on_surface.coords, on=TODAY))
    }
    names = set(compounds.values_list("name", flat=True))
    said = {text.removesuffix("内") for text in inside if text.endswith("内")}
    assert len(said & names) > 10


def test_along_a_road_the_words_name_the_nearest_that_crosses_it(city):
    Place.objects.exclude(kind__in=["road", "junction"]).delete()
    road = Place.objects.get(name="文三路", kind="road")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ST_X(point), ST_Y(point) FROM (SELECT (ST_DumpPoints(ST_Segmentize("
            "geometry::geography, 20)::geometry)).geom AS point FROM grid_place WHERE id = %s) p",
            [road.pk],
        )
        said = {words.text for point in cursor.fetchall()
                if (words := place_in_words(*point, on=TODAY))}  # fmt: skip
    assert any(text.startswith("文三路（近") for text in said), said


def test_far_from_every_name_the_words_are_the_community(city):
    Place.objects.all().delete()
    words = place_in_words(120.1290, 30.2830, on=TODAY)
    community = locate(120.1290, 30.2830, on=TODAY).community
    assert (words.text, words.text_en) == (community.name, community.name_en)


def test_the_words_are_in_the_citys_language_whoever_reads(crossing):
    lon, lat = crossing.point.coords
    for language in ("en", "zh-hans"):
        with translation.override(language):
            words = place_in_words(lon + 0.0003, lat, on=TODAY)
            assert "侧约" in words.text
            assert words.text_en.startswith("About")


def test_a_place_that_has_ended_words_nothing(crossing):
    lon, lat = crossing.point.coords
    Place.objects.filter(name=CROSSING).update(valid_to=TODAY)
    assert CROSSING not in place_in_words(lon, lat, on=TODAY).text
    assert place_in_words(lon, lat, on=date(2026, 11, 21)).text == CROSSING


def test_outside_the_city_there_are_no_words(client):
    assert place_in_words(*SHANGHAI, on=TODAY) is None
    answer = client.get("/api/v1/places/words/", {"lon": SHANGHAI[0], "lat": SHANGHAI[1]})
    assert (answer.status_code, answer.json()["code"]) == (404, "outside_city")
    answer = client.get("/api/v1/places/words/", {"lon": "x", "lat": 30})
    assert answer.status_code == 400


def test_words_over_the_api(client, crossing):
    lon, lat = crossing.point.coords
    answer = client.get("/api/v1/places/words/", {"lon": lon, "lat": lat}).json()
    assert answer == {
        "text": CROSSING,
        "text_en": "At the crossing of Xueyuan Road and Wen'er Road",
    }


def test_words_take_one_query(crossing, django_assert_num_queries):
    place_in_words(*crossing.point.coords, on=TODAY)
    with django_assert_num_queries(1):
        place_in_words(*crossing.point.coords, on=TODAY)


@pytest.fixture
def box(city) -> tuple[float, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) FROM"
            " (SELECT ST_Extent(geometry) AS e FROM grid_gridcell) x"
        )
        return cursor.fetchone()


NAMED_WITHIN = """
SELECT min(ST_Distance(place.shape, here)) FROM grid_place AS place,
    ST_Transform(ST_SetSRID(ST_MakePoint(%s, %s), 4326), 4549) AS here WHERE name = %s
"""
NAMED_AT = """
SELECT degrees(ST_Azimuth(ST_ClosestPoint(place.shape, here), here)) FROM grid_place AS place,
    ST_Transform(ST_SetSRID(ST_MakePoint(%s, %s), 4326), 4549) AS here
WHERE name = %s ORDER BY ST_Distance(place.shape, here) LIMIT 1
"""


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # the city is only read
)
@given(east=st.floats(0, 1), north=st.floats(0, 1))
def test_words_name_a_place_within_the_distance_and_in_the_direction_said(city, box, east, north):
    lon = box[0] + east * (box[2] - box[0])
    lat = box[1] + north * (box[3] - box[1])
    words = place_in_words(lon, lat, on=TODAY)
    if words is None:
        return
    assert words.name in words.text
    with connection.cursor() as cursor:
        cursor.execute(NAMED_WITHIN, [lon, lat, words.name])
        away = cursor.fetchone()[0]
        if words.distance_m is None:
            assert away is None or away <= 30  # a community bears no place's name
            return
        assert f"约 {words.distance_m} 米" in words.text
        assert abs(away - words.distance_m) <= (25 if words.distance_m >= 200 else 5) + 0.01
        cursor.execute(NAMED_AT, [lon, lat, words.name])
        apart = abs(cursor.fetchone()[0] - words.direction * 45) % 360
    assert min(apart, 360 - apart) <= 22.5 + 0.01
    # What we say we understand: the likeliest place is where we began.
    assert SIDES[words.direction] in words.text
    places = Place.objects.filter(name=words.name)
    if words.distance_m < 200 and [place.kind for place in places] in (["junction"], ["stop"]):
        found = best(words.text)
        # a point near the border may be moved out of the city
        error = distance_m((found.lon, found.lat), (lon, lat)) if found else 0
        assert error < words.distance_m * 0.45 + 10


# ── the gazetteer ─────────────────────────────────────────────────────────────────────────────


def gazetteer() -> set[tuple]:
    return set(
        Place.objects.values_list("pk", "key", "name", "kind", "source", "folded", "valid_to")
    )


def test_loading_again_keeps_places_and_what_the_city_edited(city):
    edited = Place.objects.filter(kind="stop").first()
    edited.name = "改过的站名"
    place_save(place=edited)
    added = new_place("新开的公园", 120.1290, 30.2830, kind="area")
    alias_save(alias=PlaceAlias(place=Place.objects.filter(kind="road").first(), name="老街"))
    before = gazetteer()
    load_city_pack(PACK, STREETS)
    assert gazetteer() == before
    assert Place.objects.get(pk=edited.pk).name == "改过的站名"
    assert Place.objects.filter(pk=added.pk).exists()
    assert PlaceAlias.objects.filter(name="老街").exists()


def test_roads_have_lines_and_compounds_outlines(city):
    assert not Place.objects.filter(kind="road", geometry__isnull=True).exists()
    assert Place.objects.filter(kind="area", geometry__isnull=False).count() > 100
    assert not Place.objects.filter(folded="").exists()


@pytest.fixture
def written(city, tmp_path):
    """The gazetteer in a file, as a list of lines and the path."""
    path = tmp_path / "places.csv"
    call_command("export_gazetteer", path, stdout=io.StringIO())
    return path


def test_what_is_exported_is_imported_without_a_change(written):
    before, out = gazetteer(), io.StringIO()
    call_command("import_gazetteer", written, "--apply", stdout=out)
    assert f"Added 0, changed 0, left as they were {len(before)}." in out.getvalue()
    assert gazetteer() == before


def row(**columns: str) -> str:
    given = {"key": "", "kind": "poi", "name": "利民食堂", "name_en": "", "aliases": "",
             "lon": "120.129", "lat": "30.283", "outline": "", "valid_from": "2020-01-01",
             "valid_to": ""}  # fmt: skip
    return ",".join({**given, **columns}.values())


HEADER = "key,kind,name,name_en,aliases,lon,lat,outline,valid_from,valid_to"


def test_a_file_adds_and_changes_places_with_their_other_names(crossing, tmp_path):
    path = tmp_path / "places.csv"
    changed = row(key=crossing.key, kind="junction", name=CROSSING, aliases="电子市场路口;文教口")
    path.write_bytes(f"{HEADER}\n{changed}\n{row()}".encode("gb18030"))
    out = io.StringIO()
    call_command("import_gazetteer", path, stdout=out)
    assert "2 lines can be used." in out.getvalue()
    assert not Place.objects.filter(name="利民食堂").exists()
    call_command("import_gazetteer", path, "--apply", stdout=out)
    assert "Added 1, changed 1" in out.getvalue()
    assert best("文教口").name == CROSSING
    assert best("利民食堂").kind == "poi"
    assert Place.objects.get(key=crossing.key).pk == crossing.pk
    load_city_pack(PACK, STREETS)
    assert Place.objects.get(pk=crossing.pk).point.x == pytest.approx(120.129)


BAD_ROWS = [
    ({"kind": "palace"}, "there is no kind “palace”"),
    ({"name": ""}, "the name is empty"),
    ({"name": "长" * 121}, "a name is too long"),
    ({"lon": "east"}, "lon and lat are no degrees"),
    ({"lon": "nan"}, "lon and lat are no degrees"),
    ({"lat": "95"}, "lon and lat are no degrees"),
    ({"valid_from": "yesterday"}, "is no date"),
    ({"valid_from": "2026-01-02", "valid_to": "2026-01-01"}, "end before it begins"),
    ({"outline": "POLYGON"}, "the outline is no WKT"),
    ({"outline": "POINT Z (1 2 3)"}, "has heights"),
    ({"name": "一,二"}, "another number of columns"),
]


@pytest.mark.parametrize(("columns", "reason"), BAD_ROWS)
def test_a_bad_row_is_explained_and_nothing_is_written(city, tmp_path, columns, reason):
    path, before, out = tmp_path / "places.csv", gazetteer(), io.StringIO()
    path.write_text("\n".join([HEADER, row(), row(**columns)]), encoding="utf-8")
    with pytest.raises(CommandError, match="1 lines cannot be used"):
        call_command("import_gazetteer", path, "--apply", stdout=out)
    assert "Line 3" in out.getvalue()
    assert reason in out.getvalue()
    assert gazetteer() == before


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "lacks these columns: kind, name, lon, lat"),
        (b"name;kind;lon;lat\n", "lacks these columns"),
        (b"\xff\xfe\x00\x81", "neither UTF-8 nor GB18030"),
        (f"{HEADER}\n{row(lon='30.283', lat='60.129')}".encode(), "far outside the city"),
        (f"{HEADER}\n{row(lon='0', lat='0')}".encode(), "far outside the city"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_with_a_sentence(city, tmp_path, data, reason):
    path, before = tmp_path / "places.csv", gazetteer()
    path.write_bytes(data)
    with pytest.raises(CommandError, match=reason):
        call_command("import_gazetteer", path, "--apply", stdout=io.StringIO())
    assert gazetteer() == before


def test_names_that_a_spreadsheet_would_run_are_defused_and_come_back(city, tmp_path):
    place = new_place("=1+1 广场", 120.1290, 30.2830)
    path = tmp_path / "places.csv"
    call_command("export_gazetteer", path, stdout=io.StringIO())
    assert "'=1+1 广场" in path.read_text(encoding="utf-8-sig")
    call_command("import_gazetteer", path, "--apply", stdout=io.StringIO())
    assert Place.objects.get(pk=place.pk).name == "=1+1 广场"
