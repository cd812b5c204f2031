"""Distances on the ground, for rules that need no database."""

from __future__ import annotations

from math import asin, cos, degrees, radians, sin, sqrt

EARTH_RADIUS_M = 6_371_008.8  # mean radius, IUGG


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
