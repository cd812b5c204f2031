"""The map in a browser: it draws the register, keeps what was chosen, and tells what is clicked."""

from __future__ import annotations

import re

import pytest
from django.contrib.gis.geos import Point
from playwright.sync_api import expect

from components.models import CaseType
from components.services import component_create
from tests.cast import NOW

pytestmark = pytest.mark.django_db(transaction=True)

UNDER_THE_POINT = """([lon, lat]) => {
    const { map } = document.querySelector("[data-city-map]").cityMapPage;
    const { x, y } = map.latLngToContainerPoint([lat, lon]);
    const { left, top } = map.getContainer().getBoundingClientRect();
    return [left + x, top + y];
}"""


SOMETHING_THERE = """([lon, lat]) =>
    document.querySelector("[data-city-map]").cityMapPage.under({ lng: lon, lat })?.feature.id > 0
"""
NOTHING_THERE = f"(place) => !({SOMETHING_THERE.strip()})(place)"


@pytest.fixture
def tree(city_cast):
    lon, lat = city_cast.near(40)
    return component_create(
        actor=None,
        type=CaseType.objects.get(code="C0402"),
        geometry=Point(lon, lat, srid=4326),
        competent_body=city_cast.people["clerk_sun"].organisation,
        on=NOW.date(),
    )


def test_a_component_is_found_by_its_code_clicked_and_filtered_away(person, tree):
    somebody = person("supervisor_zhao", locale="en")
    page = somebody.go("/map/")
    page.locator("#map-search").fill(tree.code)
    page.get_by_role("option", name=tree.code).click()
    expect(page).to_have_url(re.compile("at=.*,19"))
    page.wait_for_function(SOMETHING_THERE, arg=list(tree.point.tuple))
    told = page.locator("[data-told]")
    place = page.evaluate(UNDER_THE_POINT, list(tree.point.tuple))
    page.mouse.click(*place)
    expect(told).to_contain_text(tree.code)

    told.get_by_role("button", name="Close").click()
    page.get_by_label("Landscaping and greening facilities").uncheck()
    expect(page).to_have_url(re.compile("class=01,02,03,05,06"))
    page.wait_for_function(NOTHING_THERE, arg=list(tree.point.tuple))
    page.mouse.click(*place)
    expect(told).to_be_hidden()

    page.reload(wait_until="networkidle")
    expect(page.get_by_label("Landscaping and greening facilities")).not_to_be_checked()
