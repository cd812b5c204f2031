"""The datums of Chinese maps: known points, and there and back again everywhere in the country."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.geo import (
    bd09_from_wgs84,
    distance_m,
    gcj02_from_wgs84,
    wgs84_from_bd09,
    wgs84_from_gcj02,
)

HANGZHOU = (120.1551, 30.2741)
INSIDE = st.tuples(st.floats(74, 135), st.floats(4, 53))


def at(shift, place):
    lon, lat = shift(np.array([place[0]]), np.array([place[1]]))
    return float(lon[0]), float(lat[0])


def test_gcj02_lies_451_m_east_and_258_m_south_in_hangzhou():
    lon, lat = at(gcj02_from_wgs84, HANGZHOU)
    assert distance_m((lon, HANGZHOU[1]), HANGZHOU) == pytest.approx(451, abs=1.5)
    assert lon > HANGZHOU[0]
    assert distance_m((HANGZHOU[0], lat), HANGZHOU) == pytest.approx(258, abs=1.5)
    assert lat < HANGZHOU[1]


def test_bd09_lies_beyond_gcj02():
    gcj, bd = at(gcj02_from_wgs84, HANGZHOU), at(bd09_from_wgs84, HANGZHOU)
    assert 600 < distance_m(gcj, bd) < 1000


@given(INSIDE)
def test_there_and_back_is_where_one_started(place):
    for there, back in ((gcj02_from_wgs84, wgs84_from_gcj02), (bd09_from_wgs84, wgs84_from_bd09)):
        assert distance_m(at(back, at(there, place)), place) < 0.001


def test_outside_the_country_nothing_is_shifted():
    vancouver = (-123.1, 49.25)
    assert at(gcj02_from_wgs84, vancouver) == vancouver
    assert at(wgs84_from_gcj02, vancouver) == vancouver


def test_many_points_at_once_and_none():
    lon, lat = wgs84_from_gcj02(np.array([]), np.array([]))
    assert lon.size == lat.size == 0
    many = np.full(1000, HANGZHOU[0]), np.full(1000, HANGZHOU[1])
    assert np.ptp(wgs84_from_bd09(*many)[0]) == 0
