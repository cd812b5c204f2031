"""What an address may mean: names, crossings, houses, distances, areas, coordinates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.geo import distance_m, point_at
from grid.geocoding.naming import english_name, fold, roads_of, search_forms
from grid.geocoding.reading import (
    MAX_LENGTH,
    SIDES,
    Shift,
    coordinates_in,
    han_number,
    readings_of,
    sounds_of,
)
from grid.geocoding.scoring import Fit, edits, fit_of, near_factor

AREAS = ["杭州市", "西湖区", "上城区", "翠苑街道", "清波街道", "文三社区", "余杭塘路社区"]


def meanings(text: str) -> list[tuple[str, ...]]:
    """Return the folded names of the readings, the likelier first."""
    return [tuple(fold(name) for name in reading.names) for reading in readings_of(text, AREAS)]


@pytest.mark.parametrize(
    ("text", "roads"),
    [
        ("文二路与学院路交叉口", ("文二路", "学院路")),
        ("文二路和学院路路口", ("文二路", "学院路")),
        ("文二路学院路口", ("文二路", "学院路")),
        ("文二路学院路", ("文二路", "学院路")),
        ("文二路学院", ("文二路", "学院")),  # while it is typed
        ("文二路/学院路", ("文二路", "学院路")),
        ("文二路、学院路交汇处", ("文二路", "学院路")),
        ("文二路 学院路", ("文二路", "学院路")),
        ("文二路&学院路", ("文二路", "学院路")),
        ("文二路－学院路十字路口", ("文二路", "学院路")),
        ("文二路與學院路交叉口", ("文二路", "学院路")),
        ("杭州市西湖区文二路与学院路交叉口", ("文二路", "学院路")),
        ("西湖区翠苑街道文二路学院路口对面", ("文二路", "学院路")),
        ("文二路（近学院路）", ("文二路", "学院路")),
        ("文二路(学院路口)", ("文二路", "学院路")),
        ("文二路近学院路", ("文二路", "学院路")),
        ("文二路与学院路交叉口附近", ("文二路", "学院路")),
        ("文一路和睦路口", ("文一路", "和睦路")),
        ("和睦路与莫干山路口", ("和睦路", "莫干山路")),
        ("岳家湾体育场路口", ("岳家湾", "体育场路")),
        ("網商路（近濱和路）", ("网商路", "滨和路")),
        ("18号大街与1号大街交叉口", ("18号大街", "1号大街")),
        ("Wener Road and Xueyuan Road", ("wenerroad", "xueyuanroad")),
        ("the corner of Wener Rd & Xueyuan Rd", ("wenerrd", "xueyuanrd")),
        ("wener lu xueyuan lu", ("wenerlu", "xueyuanlu")),
        ("Wener Road / Xueyuan Road crossing", ("wenerroad", "xueyuanroad")),
    ],
)
def test_two_roads_are_read_as_their_crossing(text, roads):
    assert roads in meanings(text)


@pytest.mark.parametrize(
    ("text", "name", "note"),
    [
        ("文三路259号", "文三路", "door"),
        ("文三路 ２５９ 号", "文三路", "door"),
        ("文三路259-1号2幢301室", "文三路", "door"),
        ("杭州市西湖区翠苑街道文三路259号", "文三路", "door"),
        ("大关路196弄5号", "大关路196弄", "door"),
        ("259 Wensan Road", "wensanroad", "door"),
        ("No. 259, Wensan Road", "wensanroad", "door"),
        ("翠苑一区5幢3单元", "翠苑一区", "part"),
        ("黄龙国际中心B座", "黄龙国际中心", "part"),
        ("工联CC292号", "工联cc", "part"),
        ("黄龙饭店东门", "黄龙饭店", "gate"),
        ("黄龙饭店门口", "黄龙饭店", "gate"),
        ("武林广场对面", "武林广场", "opposite"),
        ("武林广场的斜对面", "武林广场", "opposite"),
        ("武林广场附近", "武林广场", "beside"),
        ("武林广场北侧", "武林广场", "beside"),
        ("near Wulin Plaza", "wulinplaza", "beside"),
        ("下城区武林路", "武林路", "area"),
        ("文三路259号东部软件园", "东部软件园", "word"),
    ],
)
def test_what_stands_around_a_name_is_taken_off_and_noted(text, name, note):
    found = [
        reading
        for reading in readings_of(text, AREAS)
        if tuple(map(fold, reading.names)) == (name,)
        and note in [each.kind for each in reading.notes]
    ]
    assert found, meanings(text)
    assert found[0].weight < 1


@pytest.mark.parametrize(
    ("text", "name", "metres", "side"),
    [
        ("文三路与教工路交叉口东南侧约 40 米", "文三路与教工路交叉口", 40, "东南"),
        ("武林广场以东50米", "武林广场", 50, "东"),
        ("武林广场东侧五十米", "武林广场", 50, "东"),
        ("武林广场往北1.2公里处", "武林广场", 1200, "北"),
        ("武林广场西北方向一百二十米左右", "武林广场", 120, "西北"),
        ("50 m east of Wulin Plaza", "wulinplaza", 50, "东"),
        ("About 40 m south-east of Wulin Plaza", "wulinplaza", 40, "东南"),
    ],
)
def test_a_distance_in_a_direction_is_read(text, name, metres, side):
    first = next(each for each in readings_of(text) if tuple(map(fold, each.names)) == (name,))
    assert first.shift == Shift(metres, SIDES.index(side))


@pytest.mark.parametrize(
    ("text", "name", "areas"),
    [
        ("杭州市西湖区文三路", "文三路", {"杭州市", "西湖区"}),
        ("西湖区 翠苑街道，文三路", "文三路", {"西湖区", "翠苑街道"}),
        ("文三路（西湖区）", "文三路", {"西湖区"}),
        ("文三路, 西湖区", "文三路", {"西湖区"}),
        ("西湖 文三路", "文三路", {"西湖区"}),
        ("上城区清波街道河坊街", "河坊街", {"上城区", "清波街道"}),
        ("余杭塘路/莫干山路", "余杭塘路莫干山路", set()),
    ],
)
def test_areas_around_a_name_are_told_from_it(text, name, areas):
    first = readings_of(text, AREAS)[0]
    assert fold(first.names[0]) == name
    assert set(first.areas) == areas


def test_a_name_that_begins_with_an_area_stays_whole():
    assert ("西湖区政府",) in meanings("西湖区政府")
    assert ("翠苑街道办事处",) in meanings("西湖区翠苑街道办事处")


@pytest.mark.parametrize("text", ["", " ", "　", "，。！", "路", "\u200b", "???"])
def test_nothing_is_read_into_nothing(text):
    assert readings_of(text) == []


@given(st.text(max_size=MAX_LENGTH), st.lists(st.sampled_from(AREAS)))
def test_whatever_is_typed_has_a_few_readings_and_never_fails(text, areas):
    readings = readings_of(text, areas)
    assert len(readings) <= 16
    assert all(0 < reading.weight <= 1 for reading in readings)
    coordinates_in(text)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("120.15,30.27", (120.15, 30.27)),
        ("30.27 120.15", (120.15, 30.27)),
        ("（120.15，30.27）", (120.15, 30.27)),
        ("１２０．１５；３０．２７", (120.15, 30.27)),
        ("E120°09′ N30°16′", (120.15, 30.266667)),
        ("E120°09′N30°16′", (120.15, 30.266667)),
        ("30°16′12″N 120°09′00″E", (120.15, 30.27)),
        ("30°16'12\"N, 120°9'0\"E", (120.15, 30.27)),
        ("北纬30度16分 东经120度9分", (120.15, 30.266667)),
        ("120.15E 30.27N", (120.15, 30.27)),
        ("lat=30.27, lon=120.15", (120.15, 30.27)),
        ("120°9′,30°16′", (120.15, 30.266667)),
    ],
)
def test_coordinates_are_read_in_every_usual_form(text, first):
    points = coordinates_in(text)
    assert first in [pytest.approx(point, abs=1e-6) for point in points]


@pytest.mark.parametrize("text", ["120.15", "文三路 259", "200, 300", "1,2,3", "N30 N31", "1e5,3"])
def test_other_numbers_are_no_coordinates(text):
    assert coordinates_in(text) == []


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("wensan lu", "wensanlu"),
        ("Wensan Road", "wensanlu"),
        ("West Wensan Road", "wensanxilu"),
        ("Wensan West Rd", "wensanxilu"),
        ("wen'er lu", "wenerlu"),
        ("Wulin Square", "wulinguangchang"),
    ],
)
def test_latin_letters_sound_as_the_chinese_name(text, sound):
    assert sound in sounds_of(text)


def test_chinese_and_numbers_have_no_latin_sound():
    assert sounds_of("文三路") == sounds_of("259") == []


@pytest.mark.parametrize(
    ("text", "number"), [("十", 10), ("十五", 15), ("五十", 50), ("一百二十", 120), ("两百", 200)]
)
def test_chinese_numerals_are_numbers(text, number):
    assert han_number(text) == number


@pytest.mark.parametrize(
    ("name", "english"),
    [
        ("文三路", "Wensan Road"),
        ("中山北路", "Zhongshan North Road"),
        ("文二路与学院路交叉口", "Crossing of Wen'er Road and Xueyuan Road"),
        ("大关路196弄", "Lane 196, Daguan Road"),
        ("18号大街", "No. 18 Avenue"),
        ("武林广场", "Wulin Plaza"),
        ("翠苑", "Cuiyuan"),
    ],
)
def test_names_read_in_english(name, english):
    assert english_name(name) == english


def test_names_compare_folded():
    assert fold("绿城·致诚苑 Ａ座") == fold("绿城致诚苑a座") == "绿城致诚苑a座"
    assert fold("體育場路") == "体育场路"
    assert search_forms("文三路")["initials"] == "wsl"
    assert search_forms("文三路与教工路交叉口", "junction")["pinyin"] == ""


def test_only_the_name_of_a_crossing_names_two_roads():
    assert roads_of("文三路与教工路交叉口") == ("文三路", "教工路")
    assert roads_of("文三路") is roads_of("与交叉口") is None


def test_a_better_fit_scores_higher():
    fits = [
        fit_of(Fit.NAME, "文三路", "文三路"),
        fit_of(Fit.ALIAS, "文三路", "文三路"),
        fit_of(Fit.SOUND, "wensanlu", "wensanlu"),
        fit_of(Fit.HOMOPHONE, "文山路", "文三路"),
        fit_of(Fit.BEGINS, "文三", "文三西路"),
        fit_of(Fit.HOLDS, "三西", "文三西路"),
        fit_of(Fit.ALIKE, "文四路", "文三路"),
        fit_of(Fit.SOUNDS_ALIKE, "wensiluxx", "wensanlu"),
    ]
    assert fits == sorted(fits, reverse=True)
    assert all(0 <= fit <= 1 for fit in fits)


words = st.text("文三路教工西湖", max_size=6)


@given(words, words, words)
def test_edits_are_a_distance(a, b, c):
    assert edits(a, b) == edits(b, a)
    assert (edits(a, b) == 0) == (a == b)
    assert edits(a, c) <= edits(a, b) + edits(b, c)


@given(st.floats(0, 1e6))
def test_being_far_costs_a_tenth_at_most(away):
    assert 0.9 <= near_factor(away) <= 1


@given(st.floats(1, 3000), st.floats(0, 360))
def test_a_point_so_far_away_is_so_far_away(metres, azimuth):
    start = (120.15, 30.27)
    assert distance_m(start, point_at(start, metres, azimuth)) == pytest.approx(metres, rel=2e-3)
