"""The register's pages: the ledger, a record with its history, what other apps bring to it."""

from __future__ import annotations

from datetime import date

import pytest
from django.contrib.gis.geos import LineString, Point
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.services import case_report
from components.models import CaseType, Component
from components.services import (
    component_create,
    component_merge,
    component_replace,
    component_retire,
    component_update,
)
from tests.cast import NOW, Cast, photo_of

TODAY = date(2026, 3, 16)
MAX_QUERIES = 12


@pytest.fixture
def cover(cast: Cast) -> Component:
    return make(cast, 5, attributes={"diameter_mm": 700}, address="古墩路 1 号")


def make(cast: Cast, metres: float, code: str = "C0103", **values) -> Component:
    lon, lat = cast.near(metres)
    given = {
        "actor": None,
        "type": CaseType.objects.get(code=code),
        "geometry": Point(lon, lat, srid=4326),
        "competent_body": cast.bodies["water"],
        "on": TODAY,
    }
    return component_create(**{**given, **values})


def test_the_ledger_shows_its_filter_in_the_address(page_of, cover):
    page = page_of("acceptor_wang").get("/components/?type=C0103&density=compact")
    assert cover.code in page.text
    assert "1 components" in page.text
    assert "register-compact" in page.text
    assert cover.code not in page_of("acceptor_wang").get("/components/?type=C0118").text


def test_a_whole_code_opens_its_record(page_of, cover):
    answer = page_of("acceptor_wang").get("/components/", {"q": cover.code})
    assert answer.url == f"/components/{cover.code}/"


def test_the_ledger_says_how_it_understood_and_what_else_was_meant(page_of, cover):
    page = page_of("acceptor_wang").get("/components/", {"q": "西湖"}).text
    assert "Understood as" in page
    assert "read_as=words" in page


def test_the_address_to_send_to_a_colleague_is_short(page_of, cover):
    form = {"q": "", "class": "01", "use": "in_use", "role": "maintainer", "body": "", "state": ""}
    answer = page_of("acceptor_wang").get("/components/", form, headers={"HX-Request": "true"})
    assert answer["HX-Push-Url"] == "/components/?class=01"
    assert "<html" not in answer.text
    form |= {"body": "water", "role": "owner", "use": "ended", "column": "owner"}
    answer = page_of("acceptor_wang").get("/components/", form, headers={"HX-Request": "true"})
    assert answer["HX-Push-Url"] == (
        "/components/?class=01&use=ended&role=owner&body=water&column=owner"
    )


def test_a_filter_that_means_nothing_is_explained(page_of, cover):
    answer = page_of("acceptor_wang").get("/components/?type=C9999")
    assert answer.status_code == 400
    assert "There is no such type." in answer.text


def test_the_reader_chooses_the_columns(page_of, cover):
    page = page_of("acceptor_wang").get("/components/?column=owner&column=accuracy").text
    head = page[page.index("<thead>") : page.index("</thead>")]
    assert "Owner" in head
    assert "Surveyed" not in head


def test_the_ledger_takes_as_many_queries_for_many_rows_as_for_few(page_of, cast, cover):
    browser = page_of("acceptor_wang")

    def count() -> int:
        browser.get("/components/")
        with CaptureQueriesContext(connection) as captured:
            assert browser.get("/components/").status_code == 200
        return len(captured)

    few = count()
    for metres in range(20):
        make(cast, metres)
    assert count() == few


def test_the_record_tells_every_change_field_by_field(page_of, cast, cover):
    boss = cast.administrator_bai
    change = {"actor": boss, "component_id": cover.pk, "on": TODAY}
    component_update(**change, state="damaged", maintainer=cast.bodies["gardens"])
    component_update(**change, attributes={"diameter_mm": 800})
    lon, lat = cast.near(105)
    component_update(**change, geometry=Point(lon, lat, srid=4326))
    page = page_of("clerk_sun").get(f"/components/{cover.code}/").text
    story = page[page.index("timeline scroll") :]
    for before, after in (("Intact", "Damaged"), ("–", "gardens"), ("700", "800")):
        assert f"<del>{before}</del>" in story
        assert f"<ins>{after}</ins>" in story
    assert "100.0 m away" in story
    assert "administrator_bai" in story
    assert story.index("Moved") < story.index("Damaged"), "newest first"


def test_a_choice_among_the_attributes_is_read_in_the_readers_language(page_of, cast, cover):
    for material in ("铸铁", "复合材料"):
        change = {"attributes": {"material": material, "diameter_mm": 700}, "on": TODAY}
        component_update(actor=cast.administrator_bai, component_id=cover.pk, **change)
    client, address = page_of("supervisor_zhao"), f"/components/{cover.code}/"
    english = client.get(address).text
    assert "<del>Cast iron</del>" in english
    assert "<ins>Composite</ins>" in english
    assert "复合材料" not in english
    form = client.get(f"{address}changes/change/").text
    assert '<option value="复合材料" selected>Composite</option>' in form, "the value is one"
    chinese = client.get(address, headers={"accept-language": "zh-hans"}).text
    assert "<ins>复合材料</ins>" in chinese


def test_a_partner_does_not_learn_who_works_here(page_of, cast):
    own = make(cast, 5, owner=cast.bodies["partner"])
    boss = cast.administrator_bai
    component_update(actor=boss, component_id=own.pk, on=TODAY, state="damaged")
    page = page_of("partner_dong").get(f"/components/{own.code}/").text
    assert "<ins>Damaged</ins>" in page
    assert "administrator_bai" not in page


def test_the_record_shows_cases_photos_and_standards(page_of, cast, cover):
    case = case_report(
        actor=cast.collector_chen,
        source="collector",
        lon=cover.point.x,
        lat=cover.point.y,
        now=NOW,
        type_code="C0103",
        component_code=cover.code,
        photo_ids=[photo_of(cast.collector_chen)],
    )
    page = page_of("acceptor_wang").get(f"/components/{cover.code}/").text
    assert case.number in page
    assert "Photos of its cases" in page
    assert "Standards of its type" in page
    hidden = page_of("clerk_hua").get(f"/components/{cover.code}/").text
    assert case.number not in hidden
    assert "Photos of its cases" not in hidden


def test_the_record_says_what_came_instead_and_what_was_before(page_of, cast, cover):
    new = component_replace(actor=None, component_id=cover.pk, on=TODAY)
    twice = make(cast, 8)
    component_merge(actor=None, component_id=twice.pk, into_id=new.pk, on=TODAY)
    browser = page_of("acceptor_wang")
    assert new.code in browser.get(f"/components/{cover.code}/").text
    page = browser.get(f"/components/{new.code}/").text
    assert cover.code in page
    assert twice.code in page


def test_a_line_is_drawn_as_one(page_of, cast):
    lon, lat = cast.place
    line = LineString((lon, lat), (lon + 0.001, lat), srid=4326)
    rail = make(cast, 0, "C0211", geometry=line)
    page = page_of("acceptor_wang").get(f"/components/{rail.code}/").text
    assert '"LineString"' in page
    assert "data-shape" in page


def test_a_record_with_everything_takes_at_most_twelve_queries(page_of, cast, cover):
    boss = cast.administrator_bai
    for number in range(12):
        component_update(
            actor=boss,
            component_id=cover.pk,
            on=TODAY,
            maintainer=cast.bodies["gardens" if number % 2 else "water"],
        )
        case_report(
            actor=cast.collector_chen,
            source="collector",
            lon=cover.point.x,
            lat=cover.point.y,
            now=NOW,
            type_code="C0103",
            component_code=cover.code,
            photo_ids=[photo_of(cast.collector_chen)],
        )
    component_merge(actor=boss, component_id=make(cast, 8).pk, into_id=cover.pk, on=TODAY)
    browser = page_of("acceptor_wang")
    browser.get("/components/")
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(f"/components/{cover.code}/").status_code == 200
    assert len(captured) <= MAX_QUERIES, [query["sql"][:90] for query in captured]


def test_a_record_nobody_may_see_is_not_there(page_of, cover):
    partner = page_of("partner_dong")
    for code in (cover.code, "3301060103999999", "x", "%00"):
        assert partner.get(f"/components/{code}/").status_code == 404


def test_what_ended_offers_no_changes(page_of, cover):
    browser = page_of("acceptor_wang")
    assert (
        f"/components/{cover.code}/changes/move/" in browser.get(f"/components/{cover.code}/").text
    )
    component_retire(actor=None, component_id=cover.pk, on=TODAY)
    page = browser.get(f"/components/{cover.code}/").text
    assert "/changes/move/" not in page
    assert "Retired" in page
