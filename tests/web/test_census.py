"""The pages of the census: what each role may do there, and every refusal as a sentence."""

from __future__ import annotations

import io
import json
import re

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from components.census.models import Survey, SurveyFinding
from components.models import Component
from tests.api.census.conftest import HEADERS, Census

ROOT = "/components/census/"


@pytest.fixture
def census(cast) -> Census:
    return Census(cast)


def upload(client, text: str, name: str = "survey.csv"):
    return client.post(ROOT, {"file": SimpleUploadedFile(name, text.encode())})


def set_up(client, survey: Survey, **changes):
    data = {f"column-{field}": header for field, header in survey.mapping["columns"].items()}
    data |= {"constant-competent_body": "gardens", "datum": "wgs84", "source": "census"} | changes
    return client.post(f"{ROOT}{survey.pk}/act/start/", data)


def test_a_survey_goes_from_file_to_register_through_the_pages(page_of, census):
    bai, zhao = page_of("administrator_bai"), page_of("supervisor_zhao")
    answer = upload(bai, f"{HEADERS}\n{census.rows(3)}")
    survey = Survey.objects.get()
    assert answer.headers["Location"] == f"{ROOT}{survey.pk}/"
    page = bai.get(answer.headers["Location"]).content.decode()
    for text in ("部件名称", "雨水井盖", "Which column means what"):
        assert text in page
    preview = bai.get(f"{ROOT}{survey.pk}/preview/", {"datum": "wgs84"}).content.decode()
    assert preview.count('"lon"') == 3
    assert set_up(bai, survey, profile_name="covers").status_code == 302
    page = bai.get(f"{ROOT}{survey.pk}/progress/")
    assert "HX-Refresh" not in page.headers
    census.work(survey)
    assert bai.get(f"{ROOT}{survey.pk}/progress/").headers["HX-Refresh"] == "true"
    bai.post(f"{ROOT}{survey.pk}/act/submit/", {"without_confirming": "1"})
    part = survey.parts.get()
    own = bai.post(f"{ROOT}{survey.pk}/parts/{part.pk}/approve/", {})
    assert own.status_code == 403
    assert "Nobody approves what they brought themselves." in own.content.decode()
    page = zhao.get(f"{ROOT}{survey.pk}/parts/{part.pk}/").content.decode()
    assert "Approve and publish" in page
    assert zhao.post(f"{ROOT}{survey.pk}/act/approve/", {"reason": "seen"}).status_code == 302
    census.work(survey)
    assert Component.objects.filter(source="census").count() == 3
    page = zhao.get(f"{ROOT}{survey.pk}/parts/{part.pk}/").content.decode()
    assert "Roll back 3 changes" in page
    second = upload(bai, f"{HEADERS}\n{census.rows(1)}")
    again = Survey.objects.get(pk=int(second.headers["Location"].split("/")[-2]))
    assert again.mapping["constants"] == {"competent_body": "gardens"}


def test_findings_are_refused_one_by_one_on_the_page(page_of, census):
    survey = census.submit(census.read(f"{HEADERS}\n{census.rows(3)}"))
    part, zhao = survey.parts.get(), page_of("supervisor_zhao")
    one = SurveyFinding.objects.filter(survey=survey).first()
    address = f"{ROOT}{survey.pk}/parts/{part.pk}"
    assert (
        zhao.post(
            f"{address}/decide/", {"kind": "new", "finding": [one.pk], "decision": "refuse"}
        ).status_code
        == 302
    )
    assert list(
        SurveyFinding.objects.filter(survey=survey, is_accepted=False).values_list("pk", flat=True)
    ) == [one.pk]
    answer = zhao.post(f"{address}/send-back/", {"reason": ""})
    assert answer.status_code == 400
    assert "Say why." in answer.content.decode()


def test_the_error_report_comes_back_corrected(page_of, census):
    bad = f"B1,没有的,完好,{census.lon},{census.lat(30)}\n=cmd(),雨水井盖,完好,0,0\n"
    survey = census.read(f"{HEADERS}\n{census.rows(2)}{bad}")
    bai = page_of("administrator_bai")
    page = bai.get(f"{ROOT}{survey.pk}/errors/?problem=zero_place").content.decode()
    assert "The coordinates are 0/0." in page
    assert "=cmd()" in page
    report = b"".join(bai.get(f"{ROOT}{survey.pk}/report/").streaming_content)
    book = openpyxl.load_workbook(io.BytesIO(report))
    rows = [[cell.value for cell in row] for row in book.active.iter_rows()]
    assert rows[0] == ["row number", "what is wrong", *HEADERS.split(",")]
    assert [row[:3] for row in rows[1:]] == [
        [4, "There is no such type.", "B1"],
        [5, "The coordinates are 0/0.", "'=cmd()"],
    ]
    sheet = book.active
    sheet["D2"] = "路灯"
    sheet["F3"], sheet["G3"] = census.lon, census.lat(45)
    file = io.BytesIO()
    book.save(file)
    answer = bai.post(
        f"{ROOT}{survey.pk}/act/correct/",
        {"file": SimpleUploadedFile("errors.xlsx", file.getvalue())},
    )
    assert answer.status_code == 302
    census.work(survey)
    assert (survey.bad_count, survey.line_count) == (0, 4)
    assert "2 rows were corrected." in survey.remarks
    census.publish(survey)
    assert Component.objects.filter(source="census").count() == 4


def test_a_correction_of_rows_that_are_not_there_is_refused(page_of, census):
    survey = census.read(f"{HEADERS}\n{census.rows(2)}")
    bai = page_of("administrator_bai")
    for text, sentence in (
        ("资产编号\n1\n", "no column of row numbers"),
        ("row number,资产编号\n77,1\n", "no such rows"),
        ("row number,资产编号\nx,1\n", "is no number"),
    ):
        answer = bai.post(
            f"{ROOT}{survey.pk}/act/correct/",
            {"file": SimpleUploadedFile("errors.csv", text.encode())},
        )
        assert answer.status_code == 400
        assert sentence in answer.content.decode()
    survey.refresh_from_db()
    assert survey.state == "checked"


def test_a_body_confirms_on_its_page_and_others_do_not_see_it(page_of, census, cast):
    text = f"资产编号,部件名称,主管部门,经度,纬度\nT1,行道树,gardens,{census.lon},{census.lat(5)}\n"
    survey = census.submit(census.read(text), days=5)
    address = f"{ROOT}{survey.pk}/confirm/{cast.bodies['gardens'].pk}/"
    assert page_of("clerk_sun").get(address).status_code == 404
    assert page_of("acceptor_wang").get(address).status_code == 403
    hua = page_of("clerk_hua")
    assert address in hua.get(ROOT).content.decode()
    page = hua.get(address).content.decode()
    assert "Maintainer" not in page
    assert "Street tree" in page
    assert "Silence is recorded" in page
    points = json.loads(re.search(r'id="confirm-points"[^>]*>(.*?)</script>', page)[1])
    assert [(point["lon"], point["light"]) for point in points] == [(census.lon, "green")]
    refused = hua.post(address, {"line": "2", "reason": ""})
    assert refused.status_code == 400
    assert hua.post(address, {"line": "2", "reason": "not ours"}).status_code == 302
    survey.refresh_from_db()
    assert survey.state == "reviewing"
    assert hua.post(address, {}).status_code == 409
    part = survey.parts.get()
    reviewed = page_of("supervisor_zhao").get(f"{ROOT}{survey.pk}/parts/{part.pk}/")
    assert f"{cast.bodies['gardens']}: not ours" in reviewed.content.decode()


def test_a_body_with_many_rows_sees_the_first_and_how_many_are_left(page_of, census, cast):
    trees = "".join(f"T{n},行道树,gardens,{census.lon},{census.lat(n)}\n" for n in range(1, 204))
    survey = census.submit(census.read(f"资产编号,部件名称,主管部门,经度,纬度\n{trees}"), days=5)
    address = f"{ROOT}{survey.pk}/confirm/{cast.bodies['gardens'].pk}/"
    page = page_of("clerk_hua").get(address).content.decode()
    assert page.count('name="line"') == 200
    assert "and 3 more" in page


def test_what_cannot_be_read_is_said_where_it_was_sent(page_of, census):
    bai = page_of("administrator_bai")
    for name, sentence in (("a.pdf", "none of these"), ("a.xlsx", "cannot be read as a workbook")):
        answer = upload(bai, "x", name)
        assert answer.status_code == 400
        assert sentence in answer.content.decode()
    assert bai.post(ROOT, {}).status_code == 400
    upload(bai, f"{HEADERS}\n{census.rows(1)}")
    survey = Survey.objects.get()
    answer = set_up(bai, survey, **{"column-type": ""})
    assert answer.status_code == 400
    assert "which column holds the type" in answer.content.decode()
    answer = set_up(bai, survey, values="nonsense")
    assert "This is no translation" in answer.content.decode()
    answer = set_up(bai, survey, datum="other", crs="EPSG:1")
    assert "no coordinate system" in answer.content.decode()
    assert bai.post(f"{ROOT}{survey.pk}/act/nonsense/").status_code == 404
    assert bai.post(f"{ROOT}{survey.pk}/act/approve/").status_code == 403
    assert bai.get(f"{ROOT}99999/").status_code == 404


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"surveyed_date": "2026-02-30"}, 400),
        ({"surveyed_date": "yesterday"}, 400),
        ({"profile": "x"}, 404),
        ({"profile": "9" * 5000}, 404),
        ({"source": "普\x00查", "profile_name": "井\x00盖", "crs": "\x00"}, 302),
        ({"constant-name": "井\x00盖", "values": "type: 雨水\x00 = 雨水井盖"}, 302),
    ],
)
def test_odd_words_and_numbers_never_break_setting_a_survey_up(page_of, census, sent, status):
    survey = census.upload(f"{HEADERS}\n{census.rows(1)}")
    assert set_up(page_of("administrator_bai"), survey, **sent).status_code == status
    survey.refresh_from_db()
    assert survey.state == ("reading" if status == 302 else "uploaded")


def test_odd_words_and_numbers_never_break_the_pages_of_a_survey(page_of, census):
    survey = census.read(f"{HEADERS}\n{census.rows(2)}B1,没有的,完好,0,0\n")
    bai, zhao, address = (
        page_of("administrator_bai"),
        page_of("supervisor_zhao"),
        ROOT + str(survey.pk),
    )
    assert bai.get(f"{address}/preview/", {"datum": "x"}).status_code == 200
    for odd in ("\x00", "%", "near:%", "٣", "9" * 30, "9" * 5000):
        for name in ("problem", "after"):
            assert bai.get(f"{address}/errors/", {name: odd}).status_code == 200
    part = f"{address}/parts/{census.submit(survey).parts.get().pk}"
    for odd in ("\x00", "9" * 30, "9" * 5000):
        assert zhao.post(f"{part}/decide/", {"finding": odd}).status_code == 302
        assert zhao.post(f"{part}/decide/", {"all": "1", "kind": odd}).status_code == 400
    assert SurveyFinding.objects.filter(survey=survey, is_accepted=True).count() == 2
    assert zhao.post(f"{part}/send-back/", {"reason": " \x00"}).status_code == 400
    assert zhao.post(f"{part}/send-back/", {"reason": "已\x00看"}).status_code == 302
    assert survey.parts.get().reason == "已看"


def test_odd_words_and_numbers_never_break_a_bodys_word(page_of, census, cast):
    survey = census.submit(census.read(f"{HEADERS}\n{census.rows(2)}"), days=3)
    hua, address = page_of("clerk_hua"), f"{ROOT}{survey.pk}/confirm/{cast.bodies['gardens'].pk}/"
    assert hua.post(address, {"line": "2", "reason": "\x00"}).status_code == 400
    sent = {"line": ["2", "9" * 5000], "reason": "不\x00是", "note": "见\x00下"}
    assert hua.post(address, sent).status_code == 302
    answer = survey.confirmations.get()
    assert (answer.note, answer.objections.get().reason) == ("见下", "不是")


def test_a_cancelled_survey_says_so(page_of, census):
    survey = census.read(f"{HEADERS}\n{census.rows(2)}")
    bai = page_of("administrator_bai")
    answer = bai.post(f"{ROOT}{survey.pk}/act/cancel/", follow=True)
    assert "the register is as it was" in answer.content.decode()
    assert bai.post(f"{ROOT}{survey.pk}/act/cancel/").status_code == 409
