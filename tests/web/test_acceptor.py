"""The acceptor's desk: who has what open, what is alike, who would get it, who calls."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.gis.geos import Point

from cases.acceptor.duplicates import duplicates_of
from cases.acceptor.holds import HELD_FOR, hold_release, hold_take, holds_of
from cases.models import DuplicateRule, Photo
from cases.services import case_report
from common import clock
from components.models import CaseType
from components.type_matching import marked
from tests.cast import NOW, Story, photo_of


def opened(page) -> str:
    return re.search(r'data-report="(\d+)"', page.text).group(1)


def hold(client, story, **data):
    return client.post(f"/acceptance/{story.case.number}/hold/", data)


# ── who has it open ───────────────────────────────────────────────────────────────────────────


def test_a_report_somebody_has_open_is_shown_as_theirs_and_the_next_one_is_offered(cast, page_of):
    first, second = Story(cast), Story(cast, metres=500)
    wang, wu = page_of("acceptor_wang"), page_of("acceptor_wu")
    assert hold(wang, first).json()["is_mine"] is True
    taken = hold(wu, first).json()
    assert (taken["is_mine"], taken["holder"]) == (False, "acceptor_wang")
    assert taken["others"] == {first.case.number: "acceptor_wang"}
    page = wu.get("/acceptance/")
    assert opened(page) == second.case.number
    assert "acceptor_wang has it open" in page.text
    assert opened(wang.get("/acceptance/")) == first.case.number
    assert hold(wang, first, release="1").status_code == 204
    assert hold(wu, first).json()["is_mine"] is True


def test_a_page_that_was_left_does_not_give_up_what_the_next_one_holds(cast, page_of):
    story, wang, wu = Story(cast), page_of("acceptor_wang"), page_of("acceptor_wu")
    before = hold(wang, story).json()["until"]
    after = hold(wang, story).json()["until"]  # loaded again; what the first page says comes late
    hold(wang, story, release="1", until=before)
    assert hold(wu, story).json()["is_mine"] is False
    hold(wang, story, release="1", until=after)
    assert hold(wu, story).json()["is_mine"] is True


def test_a_hold_ends_by_itself_and_never_keeps_anybody_from_acting(cast):
    story = Story(cast)
    hold_take(case=story.case, user=cast.acceptor_wang, now=NOW)
    later = NOW + HELD_FOR
    assert holds_of([story.case.pk], later - timedelta(seconds=1)) != {}
    assert holds_of([story.case.pk], later) == {}
    assert hold_take(case=story.case, user=cast.acceptor_wu, now=later).is_of(cast.acceptor_wu)
    hold_release(case=story.case, user=cast.acceptor_wang)  # no longer theirs to give up
    assert holds_of([story.case.pk], later)[story.case.pk].user == cast.acceptor_wu
    assert story.act("accept", cast.acceptor_wang).state == "accepted"


# ── what is alike ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def rule(cast) -> DuplicateRule:
    """Garbage: 80 m and 24 h; everything else as the city's files say."""
    garbage = CaseType.objects.get(code="E0102")
    return DuplicateRule.objects.create(city=cast.city, type=garbage, within_m=80, within_hours=24)


def test_how_near_two_reports_are_alike_is_set_by_type(cast, rule):
    near = Story(cast, metres=70, now=NOW - timedelta(hours=23))
    Story(cast, metres=90)  # too far
    Story(cast, metres=5, now=NOW - timedelta(hours=25))  # too long ago
    other = Story(cast, metres=30, type_code="E0201")  # named otherwise, but close by
    Story(cast, metres=60, type_code="E0201")
    ended = Story(cast, metres=10)
    ended.act("refuse", cast.acceptor_wang)
    case = Story(cast, metres=0).case
    found = duplicates_of(case, user=cast.acceptor_wang, now=NOW, case_type=case.type)
    assert [row.number for row in found] == [near.case.number, other.case.number]
    assert (found[0].is_same_type, found[1].is_same_type) == (True, False)
    assert found[0].away_m == pytest.approx(70, abs=1)


def test_the_same_component_is_the_same_thing_however_long_ago(cast):
    def report(now):
        lon, lat = cast.place
        return case_report(
            actor=cast.collector_chen, source="collector", lon=lon, lat=lat, now=now,
            component_code=cast.component.code, description="护栏倒了",
        )  # fmt: skip

    old, new = report(NOW - timedelta(days=90)), report(NOW)
    found = duplicates_of(new, user=cast.acceptor_wang, now=NOW, case_type=new.type)
    assert [(row.number, row.is_same_component) for row in found] == [(old.number, True)]


def test_a_merge_puts_both_reports_side_by_side(cast, page_of):
    other, third = Story(cast, metres=12), Story(cast, metres=20)
    story = Story(cast)
    client = page_of("acceptor_wang")
    address = f"/cases/{story.case.number}/actions/merge/"
    page = client.get(address).text
    assert "12 m apart" in page
    assert f'name="master" value="{other.case.number}"' in page
    assert f"master={third.case.number}" in page  # or into this one
    chosen = client.get(address, {"master": third.case.number}).text
    assert f'name="master" value="{third.case.number}"' in chosen
    nobody = client.get(address, {"master": "999"}).text
    assert "Into which case?" in nobody


# ── what it would mean ────────────────────────────────────────────────────────────────────────


def test_who_would_get_it_is_said_before_accepting(cast, page_of):
    story = Story(cast, type_code=None)
    client = page_of("acceptor_wang")
    details = f"/acceptance/{story.case.number}/details/"
    assert "known once the type is chosen" in client.get(details).text
    chosen = client.get(details, {"type": "E0102"}).text
    assert re.search(r'id="expected".*?sanitation', chosen, re.S)
    assert 'id="standards"' in chosen
    component = client.get(details, {"type": "C0305", "component": cast.component.code}).text
    assert 'id="expected"' in component
    assert 'id="standards"' not in component
    story.case.refresh_from_db()
    assert (story.case.type, story.case.version) == (None, 1)


def test_a_task_that_was_taken_back_is_no_look_on_site(cast, page_of):
    story = Story(cast)
    details = f"/acceptance/{story.case.number}/details/?type=E0102"
    for action in ("ask_confirmation", "reassign", "recall"):
        story.act(action, cast.acceptor_wang)
    client = page_of("acceptor_wang")
    assert "Looked at on site" not in client.get(details).text
    story.act("ask_confirmation", cast.acceptor_wang)
    story.act("confirm", cast.collector_lin, outcome="gone")
    assert "Looked at on site: Gone" in re.sub(r"<[^>]+>", "", client.get(details).text)


def test_where_a_photo_was_taken_is_compared_with_the_place_reported(cast, page_of):
    lon, lat = cast.place
    for metres, is_far in ((3, False), (400, True)):
        photo = Photo.objects.get(pk=photo_of(cast.collector_chen))
        photo.taken_point = Point(lon, lat + metres / 111_195, srid=4326)
        photo.save()
        case = case_report(
            actor=cast.collector_chen, source="collector", lon=lon, lat=lat, now=NOW,
            type_code="E0102", photo_ids=[photo.pk],
        )  # fmt: skip
        page = page_of("acceptor_wang").get(f"/acceptance/?case={case.number}").text
        assert f"EXIF {metres} m from the report" in page
        warning = re.search(r"<p[^>]*data-gallery-far[^>]*>", page)
        assert ("hidden" not in warning.group()) is is_far


@pytest.mark.parametrize(
    ("text", "name", "sound"),
    [
        ("jg", [("雨水", False), ("井盖", True)], [("ys", False), ("jg", True)]),
        ("井盖", [("雨水", False), ("井盖", True)], [("ys", False), ("jg", True)]),
        ("jingg", [("雨水", False), ("井盖", True)], [("yushui", False), ("jinggai", True)]),
        ("0103", [("雨水井盖", False)], [("ysjg", False)]),
    ],
)
def test_what_was_typed_is_marked_in_name_and_sound(text, name, sound):
    hit = marked("雨水井盖", text)
    assert (hit.name, hit.sound) == (name, sound)


# ── the hotline ───────────────────────────────────────────────────────────────────────────────


def test_a_caller_is_known_by_their_number_however_it_is_written(cast, page_of):
    lon, lat = cast.place
    case = case_report(
        actor=cast.acceptor_wang, source="hotline", lon=lon, lat=lat, now=clock.now(),
        type_code="E0102",
        reporter_name="王敏", reporter_phone="138 0000-1234",
    )  # fmt: skip
    client = page_of("acceptor_wu")
    page = client.get("/acceptance/call/caller/", {"reporter_phone": "13800001234"}).text
    assert "王敏" in page
    assert case.number in page
    for unknown in ("1380000", "23800001234", "", "王敏"):
        page = client.get("/acceptance/call/caller/", {"reporter_phone": unknown})
        assert (page.status_code, case.number in page.text) == (200, False)
    told = {"type": "E0102", "longitude": str(lon), "latitude": str(lat)}
    assert case.number in client.get("/acceptance/call/near/", told).text
    for odd in ({}, told | {"longitude": "nan"}, told | {"latitude": "x"}, told | {"type": "\0"}):
        assert client.get("/acceptance/call/near/", odd).status_code == 200


def test_the_search_box_offers_cases_components_and_places(cast, page_of):
    story = Story(cast)
    client = page_of("acceptor_wang")
    page = client.get("/search/", {"q": "垃圾"}).text
    assert f"/cases/{story.case.number}/" in page
    assert "/cases/?q=%E5%9E%83%E5%9C%BE" in page
    assert (
        f"/components/{cast.component.code}/"
        in client.get("/search/", {"q": cast.component.code}).text
    )
    assert story.case.number not in page_of("clerk_hua").get("/search/", {"q": "垃圾"}).text
    for odd in ("", "a", "\0\0", "%" * 300, "九" * 300):
        assert client.get("/search/", {"q": odd}).status_code == 200
