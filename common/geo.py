"""Distances on the ground and the datums of Chinese maps, for rules that need no database.

GCJ-02 (what map services in China are drawn in) shifts WGS-84 by some hundred metres; BD-09 shifts
GCJ-02 again. Both are published as forward formulas only: the way back is iterated until the
forward formula gives what was given, to 1e-9 degrees. CGCS2000 agrees with WGS-84 to decimetres.
Arrays go in and come out; degrees everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from math import asin, cos, degrees, radians, sin, sqrt
from typing import Any

import numpy as np

EARTH_RADIUS_M = 6_371_008.8  # mean radius, IUGG
KRASOVSKY_A_M = 6_378_245.0  # semi-major axis of the ellipsoid of Krasovsky (1940)
KRASOVSKY_E2 = 0.00669342162296594323
BAIDU_SHIFT = (0.0065, 0.006)  # degrees of longitude and latitude
BAIDU_RADIANS = np.pi * 3000.0 / 180.0
CHINA = (72.004, 137.8347, 0.8293, 55.8271)  # west, east, south, north: GCJ-02 shifts only here
ENOUGH = 1e-9  # degrees: a tenth of a millimetre
MOST_ROUNDS = 30

Degrees = np.ndarray[Any, np.dtype[np.float64]]
Shift = Callable[[Degrees, Degrees], tuple[Degrees, Degrees]]


def distance_m(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return the great-circle distance in metres of two points (lon, lat) in degrees."""
    lon_a, lat_a, lon_b, lat_b = (radians(value) for value in (*a, *b))
    half = sin((lat_b - lat_a) / 2) ** 2 + cos(lat_a) * cos(lat_b) * sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(sqrt(min(1.0, half)))


def point_at(
    start: tuple[float, float], metres: float, azimuth_degrees: float
) -> tuple[float, float]:
    """Return the point (lon, lat) so far from another in a direction, clockwise from north.

    Good to 0.1 % over some kilometres.
    """
    lon, lat = start
    north = metres * cos(radians(azimuth_degrees)) / EARTH_RADIUS_M
    east = metres * sin(radians(azimuth_degrees)) / (EARTH_RADIUS_M * cos(radians(lat)))
    return lon + degrees(east), lat + degrees(north)


def gcj02_from_wgs84(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Return where GCJ-02 draws points of WGS-84; outside China both agree."""
    east, north = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(east))
    waves = 20.0 * np.sin(6.0 * np.pi * east) + 20.0 * np.sin(2.0 * np.pi * east)
    shift_lat = -100.0 + 2.0 * east + 3.0 * north + 0.2 * north**2 + 0.1 * east * north + 0.2 * root
    shift_lat += 2.0 / 3.0 * (waves + _waves(north, ((20, 1), (40, 3), (160, 12), (320, 30))))
    shift_lon = 300.0 + east + 2.0 * north + 0.1 * east**2 + 0.1 * east * north + 0.1 * root
    shift_lon += 2.0 / 3.0 * (waves + _waves(east, ((20, 1), (40, 3), (150, 12), (300, 30))))
    phi = np.radians(lat)
    bend = 1.0 - KRASOVSKY_E2 * np.sin(phi) ** 2
    meridian = KRASOVSKY_A_M * (1.0 - KRASOVSKY_E2) / (bend * np.sqrt(bend))
    parallel = KRASOVSKY_A_M / np.sqrt(bend) * np.cos(phi)
    west, east_edge, south, north_edge = CHINA
    is_inside = (lon > west) & (lon < east_edge) & (lat > south) & (lat < north_edge)
    return (
        np.where(is_inside, lon + np.degrees(shift_lon / parallel), lon),
        np.where(is_inside, lat + np.degrees(shift_lat / meridian), lat),
    )


def bd09_from_wgs84(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Return where BD-09 draws points of WGS-84."""
    lon, lat = gcj02_from_wgs84(lon, lat)
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * BAIDU_RADIANS)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * BAIDU_RADIANS)
    return radius * np.cos(angle) + BAIDU_SHIFT[0], radius * np.sin(angle) + BAIDU_SHIFT[1]


def wgs84_from_gcj02(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Return the points of WGS-84 that GCJ-02 draws here."""
    return _undone(gcj02_from_wgs84, lon, lat)


def wgs84_from_bd09(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Return the points of WGS-84 that BD-09 draws here."""
    return _undone(bd09_from_wgs84, lon, lat)


def _waves(value: Degrees, waves: tuple[tuple[int, int], ...]) -> Degrees:
    """Return the sum of sines of the formula: height in metres, length as a part of π."""
    total = np.zeros_like(value)
    for height, part in waves:
        total += height * np.sin(value / part * np.pi)
    return total


def _undone(shift: Shift, lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Find what a shift moves here: the shift changes so slowly that going back by it converges."""
    found_lon, found_lat = lon.copy(), lat.copy()
    for _round in range(MOST_ROUNDS):
        at_lon, at_lat = shift(found_lon, found_lat)
        off_lon, off_lat = at_lon - lon, at_lat - lat
        found_lon, found_lat = found_lon - off_lon, found_lat - off_lat
        if max(np.max(np.abs(off_lon), initial=0), np.max(np.abs(off_lat), initial=0)) < ENOUGH:
            break
    return found_lon, found_lat
