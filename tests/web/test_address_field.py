"""The address of a report: places are offered while it is typed, and what a person wrote stays."""

from __future__ import annotations

from datetime import date

import pytest

from cases.models import Case
from grid.geocoding.words import place_in_words

CROSSING = "学院路与文二路交叉口"


def test_an_address_being_typed_is_offered_places_for_the_pin(cast, page_of):
    options = page_of("acceptor_wang").get("/places/options/", {"address": "文二路学院路口"}).text
    assert f'data-label="{CROSSING}"' in options
    assert 'data-value="120.1' in options


def test_what_was_typed_stays_where_it_says_more_than_the_place(cast, page_of):
    options = page_of("acceptor_wang").get("/places/options/", {"address": "文三路259号"}).text
    assert 'data-label="文三路259号"' in options


@pytest.mark.parametrize("text", ["", "zzqqxxyy", "<img src=x>", "文" * 500, "%", "120.1,30.2"])
def test_an_odd_address_is_no_fault(cast, page_of, text):
    page = page_of("acceptor_wang").get("/places/options/", {"address": text})
    assert page.status_code == 200
    assert "<img" not in page.text


@pytest.mark.parametrize(("person", "address"), [("acceptor_wang", "/acceptance/call/"),
                                                 ("collector_chen", "/tasks/report/")])  # fmt: skip
def test_the_pages_that_take_a_report_search_places(cast, page_of, person, address):
    page = page_of(person).get(address).text
    assert 'hx-get="/places/options/"' in page
    assert 'data-place-words="/api/v1/places/words/"' in page


@pytest.mark.parametrize("written", ["", "门口有棵大树"])
def test_an_address_is_worded_only_where_nobody_wrote_one(cast, page_of, written):
    lon, lat = cast.place
    sent = {"source": "hotline", "type": "E0102", "description": "垃圾", "address": written,
            "longitude": lon, "latitude": lat, "urgency": "normal", "key": "address-1"}  # fmt: skip
    assert page_of("acceptor_wang").post("/acceptance/call/", sent).status_code == 302
    words = place_in_words(lon, lat, on=date(2026, 3, 16))
    assert words is not None
    assert Case.objects.get().address == (written or words.text)
