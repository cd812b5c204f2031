"""The frame in which the pack is built: whole micro-degrees for topology, metres for measures.

All geometry is kept on a lattice of 10⁻⁶ degrees (about 0.1 m), so that neighbours share exactly
the same corners. Lengths and areas are taken after a local scaling, true to 0.2 % over one city.
"""

from __future__ import annotations

import numpy as np
import shapely

UNITS_PER_DEGREE = 1_000_000
# Metres in a micro-degree at 30.26° N (series of the GRS80 ellipsoid), the middle of the city.
METRES_EAST = 0.096233
METRES_NORTH = 0.110857


def to_units(geometry):
    """Return degrees as whole micro-degrees, valid again after the rounding."""
    return shapely.set_precision(_scale(geometry, UNITS_PER_DEGREE, UNITS_PER_DEGREE), 1)


def to_metres(geometry):
    """Return micro-degrees as metres of the local frame."""
    return _scale(geometry, METRES_EAST, METRES_NORTH)


def from_metres(geometry):
    """Return metres of the local frame as micro-degrees, not rounded."""
    return _scale(geometry, 1 / METRES_EAST, 1 / METRES_NORTH)


def area_m2(geometry):
    """Return the area in m² of one geometry or an array of them, given in micro-degrees."""
    return shapely.area(geometry) * METRES_EAST * METRES_NORTH


def centres_m(geometries) -> np.ndarray:
    """Return the centroids of geometries in micro-degrees as rows of metres."""
    return shapely.get_coordinates(shapely.centroid(geometries)) * (METRES_EAST, METRES_NORTH)


def _scale(geometry, east: float, north: float):
    return shapely.transform(geometry, lambda xy: xy * (east, north))
