"""A survey becomes part of the register: read, checked, approved by somebody else, published."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection

from common.errors import DomainError
from components.census.models import Survey, SurveyPart, SurveyRow
from components.census.problems import problem_sentence
from components.census.selectors import problem_counts
from components.census.services import (
    part_approve,
    part_claim,
    part_send_back,
    survey_cancel,
    survey_start,
)
from components.models import CodeCounter, Component
from tests.api.census.conftest import HEADERS
from tests.cast import NOW


def problems(survey: Survey) -> dict[int, list[str]]:
    rows = SurveyRow.objects.filter(survey=survey).exclude(problems=[])
    return dict(rows.order_by("line").values_list("line", "problems"))


def test_rows_become_components_once_somebody_else_approves(census, cast):
    before = Component.objects.count()
    survey = census.read(f"{HEADERS}\n{census.rows(5)}")
    assert (survey.state, survey.line_count, survey.bad_count) == ("checked", 5, 0)
    assert Component.objects.count() == before
    census.publish(survey)
    assert survey.state == "published"
    new = Component.objects.filter(source="census").order_by("code")
    assert [row.type.code for row in new] == ["C0103"] * 5
    codes = [row.code for row in new]
    assert codes == sorted(set(codes))
    assert all(code[6:10] == "0103" and len(code) == 16 for code in codes)
    assert int(codes[-1][10:]) == CodeCounter.objects.get(prefix=codes[-1][:10]).last
    for row in new:
        assert row.cell.geometry.covers(row.point)
        assert row.cell.community_id == row.community_id
        assert row.state == "intact"
        assert row.competent_body.code == "gardens"


def test_nobody_approves_what_they_brought(census, cast, register):
    before = register()
    survey = census.submit(census.read(f"{HEADERS}\n{census.rows(3)}"))
    part = survey.parts.first()
    with pytest.raises(DomainError) as refused:
        part_approve(actor=cast.administrator_bai, part_id=part.pk, now=NOW)
    assert (refused.value.code, refused.value.status) == ("same_person", 403)
    assert register() == before


def test_what_is_sent_back_never_reaches_the_register(census, cast, register):
    before = register()
    survey = census.submit(census.read(f"{HEADERS}\n{census.rows(3)}"))
    part = survey.parts.first()
    with pytest.raises(DomainError, match="Say why"):
        part_send_back(actor=cast.supervisor_zhao, part_id=part.pk, now=NOW, reason=" ")
    part_send_back(actor=cast.supervisor_zhao, part_id=part.pk, now=NOW, reason="half is missing")
    census.work(survey)
    assert survey.state == "published"
    assert register() == before
    with pytest.raises(DomainError, match="Sent back"):
        part_approve(actor=cast.supervisor_zhao, part_id=part.pk, now=NOW)


def test_a_survey_cancelled_half_way_leaves_the_register_as_it_was(census, cast, register):
    before = register()
    survey = census.upload(f"{HEADERS}\n{census.rows(3)}")
    survey_start(actor=cast.administrator_bai, survey_id=survey.pk, now=NOW)
    survey_cancel(actor=cast.administrator_bai, survey_id=survey.pk, now=NOW)
    assert census.work(survey).state == "cancelled"
    assert register() == before
    started = survey_start(actor=cast.administrator_bai, survey_id=survey.pk, now=NOW)
    assert census.work(started).state == "checked"


def test_two_people_importing_the_same_community_are_told_of_each_other(census, cast):
    first = census.submit(census.read(f"{HEADERS}\n{census.rows(3)}"))
    second = census.submit(census.read(f"{HEADERS}\n{census.rows(3, first=9)}"))
    assert first.parts.get().state == "reviewing"
    waiting = second.parts.get()
    assert waiting.state == "waiting"
    with pytest.raises(DomainError) as refused:
        part_claim(actor=cast.supervisor_zhao, part_id=waiting.pk, now=NOW)
    assert refused.value.status == 409
    for words in (f"survey {first.pk}", str(cast.administrator_bai), "2026-03-16 10:00"):
        assert words in str(refused.value.message)
    part_approve(actor=cast.supervisor_zhao, part_id=first.parts.get().pk, now=NOW)
    census.work(first)
    part_claim(actor=cast.supervisor_zhao, part_id=waiting.pk, now=NOW)
    part_approve(actor=cast.supervisor_zhao, part_id=waiting.pk, now=NOW)
    census.work(second)
    part = SurveyPart.objects.get(pk=waiting.pk)
    assert part.state == "reviewing"
    assert "3 components changed in the register since the comparison" in part.error


WRONG = (  # the row; what is said of it
    ("A,没有的,完好,{lon},{lat}", "There is no such type."),
    ("A,,完好,{lon},{lat}", "There is no type."),
    ("A,雨水井盖,好极,{lon},{lat}", "The state is none of intact, damaged, lost, abandoned."),
    ("A,雨水井盖,完好,,", "There are no coordinates."),
    ("A,雨水井盖,完好,nan,{lat}", "The coordinates are no numbers."),
    ("A,雨水井盖,完好,inf,{lat}", "The coordinates are no numbers."),
    ("A,雨水井盖,完好,x,{lat}", "The coordinates are no numbers."),
    ("A,雨水井盖,完好,0,0", "The coordinates are 0/0."),
    ("A,雨水井盖,完好,{lat},{lon}", "Longitude and latitude (x and y) are swapped."),
    ("A,雨水井盖,完好,116.4,39.9", "The place is far from the city: another datum, or a slip."),
    ("A,停车场,完好,{lon},{lat}", "The type is not drawn like that (point, line or area)."),
    ("A,雨水井盖,完好", "The row has another number of columns than the header."),
    ("K1,雨水井盖,完好,{lon},{far}", "The key stands in row 2 already."),
    (
        "A,雨水井盖,完好,{lon},{near}",
        "Row 2 of the same type is nearer than the positional accuracy.",
    ),
)


@pytest.mark.parametrize(("row", "sentence"), WRONG)
def test_what_is_wrong_with_a_row_is_said_and_the_rest_goes_on(census, row, sentence):
    row = row.format(lon=census.lon, lat=census.lat(40), far=census.lat(60), near=census.lat(3.4))
    survey = census.read(f"{HEADERS}\n{census.rows(2)}{row}\n")
    said = [problem_sentence(problem) for problem in problems(survey)[4]]
    assert sentence in said
    assert list(problems(survey)) == [4]
    census.publish(survey)
    assert Component.objects.filter(source="census").count() == 2


def test_where_no_body_answers_for_a_type_one_must_be_named(census):
    text = f"{HEADERS}\n{census.rows(1)}"
    survey = census.read(
        text, mapping=census.upload(text).mapping | {"constants": {"competent_body": ""}}
    )
    assert problems(survey) == {2: ["no_body"]}
    survey = census.read(f"{HEADERS}\n{census.rows(1, kind='行道树')}", mapping=survey.mapping)
    assert problems(survey) == {}
    assert SurveyRow.objects.get(survey=survey).competent_body_id


def test_twenty_thousand_rows_at_zero_are_one_sentence(census):
    rows = "\n".join(f"Z{number},雨水井盖,完好,0,0" for number in range(20_000))
    survey = census.read(f"{HEADERS}\n{rows}\n{census.rows(1)}")
    assert survey.bad_count == 20_000
    assert problem_counts(survey) == [{"problem": "zero_place", "count": 20_000}]


def test_types_are_known_by_name_alias_and_code_of_any_scheme(census):
    names = ("雨水井盖", "C0103", "0103", "103", "Storm-water manhole cover", "电信井盖")
    rows = "".join(
        f"K{number},{name},完好,{census.lon},{census.lat(number * 5)}\n"
        for number, name in enumerate(names)
    )
    survey = census.read(f"{HEADERS}\n{rows}")
    assert problems(survey) == {}
    types = SurveyRow.objects.filter(survey=survey).order_by("line")
    codes = [row.type_id for row in types]
    assert codes[:5] == [codes[0]] * 5
    assert codes[5] != codes[0]


def test_the_mapping_may_translate_and_fill_in(census):
    text = f"what,x,y\nmanhole,{census.lon},{census.lat(5)}\n"
    mapping = {
        "columns": {"type": "what", "longitude": "x", "latitude": "y"},
        "constants": {"owner": "gardens", "accuracy": "A", "name": "一号"},
        "values": {"type": {"manhole": "雨水井盖"}},
    }
    census.publish(census.read(text, mapping=mapping))
    row = Component.objects.get(source="census")
    assert (row.type.code, row.owner.code, row.accuracy, row.name) == (
        "C0103",
        "gardens",
        "A",
        "一号",
    )


def test_attributes_are_held_against_the_schema_of_the_type(census):
    header = f"{HEADERS},树种,龄\n"
    good = f"1,古树名木,完好,{census.lon},{census.lat(5)},樟,120\n"
    none = f"2,古树名木,完好,{census.lon},{census.lat(25)},,120\n"
    young = f"3,古树名木,完好,{census.lon},{census.lat(45)},樟,12\n"
    other = f"4,雨水井盖,完好,{census.lon},{census.lat(65)},樟,\n"
    odd = "".join(
        f"{number},古树名木,完好,{census.lon},{census.lat(20 * number)},樟,{age}\n"
        for number, age in enumerate(("nan", "1e999", "-inf"), start=5)
    )
    survey = census.upload(header + good + none + young + other + odd)
    mapping = survey.mapping | {"attributes": {"species": "树种", "age_years": "龄"}}
    survey = census.read(header + good + none + young + other + odd, mapping=mapping)
    assert problems(survey) == {
        3: ["attribute:species"],
        4: ["attribute:age_years"],
        5: ["attribute:species"],
        6: ["attribute:age_years"],
        7: ["attribute:age_years"],
        8: ["attribute:age_years"],
    }
    census.publish(survey)
    assert Component.objects.get(source="census").attributes == {"species": "樟", "age_years": 120}


def test_codes_are_brought_only_where_they_can_be_true(census, cast):
    header = "标识码,部件名称,经度,纬度\n"
    district = cast.component.code[:6]
    codes = (
        f"{district}0103000777",  # may be
        f"{district}0103000777",  # twice
        f"{district}0104000001",  # another type's
        "9901060103000001",  # of no district
        "12345",
        cast.component.code,  # of another type in the register
    )
    rows = "".join(
        f"{code},雨水井盖,{census.lon},{census.lat(10 * number)}\n"
        for number, code in enumerate(codes, 1)
    )
    survey = census.read(header + rows)
    is_same_type = cast.component.type.code == "C0103"
    assert {line: found[0] for line, found in problems(survey).items() if line < 7} == {
        3: "code_twice:2",
        4: "code_type",
        5: "code_district",
        6: "code_form",
    }
    assert is_same_type or problems(survey)[7] == ["type_differs"]
    census.publish(survey)
    assert Component.objects.filter(code=codes[0]).exists()
    again = census.read(f"{HEADERS}\n{census.rows(1, first=90)}")
    census.publish(again)
    assert Component.objects.filter(code=f"{district}0103000778").exists()


def test_dates_are_understood_as_people_write_them(census):
    header = f"{HEADERS},安装日期\n"
    texts = (
        "2025-03-01",
        "2025/3/1",
        "20250301",
        "2025年3月1日",
        "2025.3.1",
        "2025-03-01 08:00:00",
    )
    wrong = ("2025-02-30", "tomorrow", "2099-01-01")
    rows = "".join(
        f"{number},雨水井盖,完好,{census.lon},{census.lat(number * 5)},{text}\n"
        for number, text in enumerate((*texts, *wrong))
    )
    survey = census.read(header + rows)
    assert [line for line, found in problems(survey).items() if found] == [8, 9, 10]
    days = SurveyRow.objects.filter(survey=survey, line__lt=8).values_list(
        "installed_date", flat=True
    )
    assert set(days) == {date(2025, 3, 1)}


def test_the_running_programs_role_may_do_all_of_it(census, as_app_role):
    survey = census.publish(census.read(f"{HEADERS}\n{census.rows(4)}"))
    assert survey.state == "published"
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("citymgmt_app",)
    assert Component.objects.filter(source="census").count() == 4
