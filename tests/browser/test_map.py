"""The map in a browser: it draws the register, keeps what was chosen, and tells what is clicked."""

from __future__ import annotations

import base64
import math
import re
from threading import Event

import numpy as np
import pytest
from django.contrib.gis.geos import Point
from django.db import connection
from playwright.sync_api import Route, expect

from common.geo import wgs84_from_gcj02
from common.outside_map import OutsideMap
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

    page.reload()
    expect(page.get_by_label("Landscaping and greening facilities")).not_to_be_checked()


ON_THE_GROUND = """
SELECT ST_Length(ST_MakeLine(points[1:2])::geography), ST_Area(ST_MakePolygon(
    ST_MakeLine(points || points[1]))::geography)
FROM (SELECT ARRAY[ST_Point(120.10, 30.20, 4326), ST_Point(120.15, 30.28, 4326),
    ST_Point(120.22, 30.21, 4326)] AS points) AS three
"""
MEASURED = """async () => {
    const { areaOf, crosses, lengthOf } = await import("/static/js/lib/measures.js");
    const three = [[120.10, 30.20], [120.15, 30.28], [120.22, 30.21]];
    const bow = [[0, 0], [1, 1], [1, 0], [0, 1]];
    return [lengthOf(three.slice(0, 2)), areaOf(three), crosses(three), crosses(bow)];
}"""


PAN = "document.querySelector('[data-city-map]').cityMapPage.map.panBy([200, 0], {animate: false})"


def test_a_length_and_an_area_are_measured_by_keyboard_as_postgis_would(person, city_cast):
    lon, lat = city_cast.place
    page = person("supervisor_zhao", locale="en").go(f"/map/?at={lon},{lat},18")
    with connection.cursor() as cursor:
        cursor.execute(ON_THE_GROUND)
        length, area = cursor.fetchone()
    by_page = page.evaluate(MEASURED)
    assert by_page[:2] == pytest.approx([length, area], rel=1e-4)
    assert by_page[2:] == [False, True]

    said, tool = (
        page.locator("[data-measured-text]"),
        page.get_by_role("button", name="Measure a length"),
    )
    expect(tool).to_be_enabled()
    tool.press("Enter")
    expect(said).to_contain_text("Click along the line")
    page.keyboard.press("Enter")
    page.evaluate(PAN)
    page.keyboard.press("Enter")
    expect(said).to_have_text(re.compile(r"^Length: 10[23] m$"))  # 200 pixels of zoom 18
    page.keyboard.press("Backspace")
    expect(said).to_contain_text("Click along the line")
    page.keyboard.press("Escape")
    expect(said).to_be_hidden()


def test_before_there_is_a_map_nothing_pretends_to_work_and_what_was_found_is_kept(person, tree):
    somebody = person("supervisor_zhao", locale="en")
    page, held, may_pass = somebody.page, [], Event()

    def hold(route: Route) -> None:
        if may_pass.is_set():
            route.continue_()
        else:
            held.append(route)

    page.route(re.compile(r"leaflet/leaflet\S*\.js"), hold)
    page.goto(f"{somebody.base}/map/", wait_until="domcontentloaded")
    tool = page.get_by_role("button", name="Measure an area")
    expect(tool).to_be_disabled()
    page.locator("#map-search").fill(tree.code)
    page.get_by_role("option", name=tree.code).click()
    may_pass.set()
    for route in held:
        route.continue_()
    expect(tool).to_be_enabled()
    expect(page).to_have_url(re.compile("at=.*,19"))


PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)
LOADED_TILE = """() => {
    const { map } = document.querySelector("[data-city-map]").cityMapPage;
    const frame = map.getContainer().getBoundingClientRect();
    const middle = { x: frame.left + frame.width / 2, y: frame.top + frame.height / 2 };
    for (const image of document.querySelectorAll("img.leaflet-tile-loaded")) {
        const box = image.getBoundingClientRect();
        if (box.left > middle.x || box.right <= middle.x) continue;
        if (box.top > middle.y || box.bottom <= middle.y) continue;
        const corner = [box.left - frame.left, box.top - frame.top];
        const { lng, lat } = map.containerPointToLatLng(corner);
        return [image.src, lng, lat];
    }
    return null;
}"""


@pytest.fixture
def outside(settings, address):
    """A map service drawn in GCJ-02, on the address of the site so that pages allow it."""
    settings.OUTSIDE_MAP = OutsideMap(url=f"{address}/outside/{{z}}/{{x}}/{{y}}.png", datum="gcj02")


def test_a_map_drawn_in_gcj02_lies_where_it_belongs(person, city_cast, outside):
    somebody = person("supervisor_zhao", locale="en")
    somebody.page.route(
        "**/outside/**", lambda route: route.fulfill(body=PICTURE, content_type="image/png")
    )
    lon, lat = city_cast.near(40)
    page = somebody.go(f"/map/?at={lon},{lat},17")
    source, west, north = page.wait_for_function(LOADED_TILE).json_value()
    zoom, column, row = map(int, re.findall(r"/(\d+)/(\d+)/(\d+)\.png", source)[0])
    drawn_lon = column / 2**zoom * 360 - 180
    drawn_lat = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / 2**zoom))))
    true_lon, true_lat = wgs84_from_gcj02(np.array([drawn_lon]), np.array([drawn_lat]))
    a_pixel = 360 / 256 / 2**zoom
    assert abs(true_lon[0] - west) < 1.5 * a_pixel
    assert abs(true_lat[0] - north) < 1.5 * a_pixel
    assert abs(drawn_lon - west) > 100 * a_pixel


def test_where_the_outside_map_is_silent_our_own_comes_back(person, outside):
    somebody = person("supervisor_zhao", locale="en")
    somebody.page.route("**/outside/**", lambda route: route.abort())
    page = somebody.go("/map/")
    page.wait_for_function(
        "() => document.querySelector('[data-city-map]').cityMapPage?.city.isOutside === false"
    )
