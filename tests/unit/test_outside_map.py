"""A base map from outside: what may be set, and which hosts pages then allow pictures from."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import ImproperlyConfigured

from common.outside_map import OutsideMap

URL = "https://t{s}.maps.example/{z}/{x}/{y}.png"
WMTS = "https://maps.example/wmts?TILEMATRIX={z}&TILEROW={y}&TILECOL={x}"


def test_every_subdomain_is_an_origin_of_its_own():
    chosen = OutsideMap(url=URL, labels=WMTS, subdomains="01")
    assert chosen.origins == [
        "https://t0.maps.example",
        "https://t1.maps.example",
        "https://maps.example",
    ]
    assert json.loads(chosen.as_json())["url"] == URL


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "https://maps.example/{z}/{x}.png"}, "lacks {y}"),
        ({"url": "maps.example/{z}/{x}/{y}"}, "no address"),
        ({"url": "javascript:alert({z}{x}{y})"}, "no address"),
        ({"url": WMTS, "labels": "https://maps.example/"}, "lacks {z}, {x}, {y}"),
        ({"url": URL}, "BASE_MAP_SUBDOMAINS"),
        ({"url": WMTS, "datum": "bd09"}, "wgs84 or gcj02"),
    ],
)
def test_what_no_map_can_be_drawn_from_is_refused_with_a_sentence(given, said):
    with pytest.raises(ImproperlyConfigured, match=said):
        OutsideMap(**given)
