"""Tiny well-known binary (TWKB 1.0) of geometries in whole micro-degrees.

Small because each corner is stored as the difference to the one before; exact because the corners
are whole numbers. PostGIS reads it with `ST_GeomFromTWKB`. Two dimensions, no boxes, no ids.
"""

from __future__ import annotations

import base64

import shapely

DECIMALS = 6
_TYPES = {
    "Point": 1,
    "LineString": 2,
    "Polygon": 3,
    "MultiPoint": 4,
    "MultiLineString": 5,
    "MultiPolygon": 6,
}


def encode(geometry) -> str:
    """Return the TWKB of a geometry in micro-degrees as base64 text."""
    precision = DECIMALS << 1  # zigzag: the sign bit is last
    header = bytes([(precision << 4) | _TYPES[geometry.geom_type], 0])
    return base64.b64encode(header + _Body().of(geometry)).decode("ascii")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _zigzag(value: int) -> bytes:
    return _varint(value << 1 if value >= 0 else (-value << 1) - 1)


class _Body:
    """Writes corners as differences to the corner before, across the whole geometry."""

    def __init__(self) -> None:
        self.x = self.y = 0

    def of(self, geometry) -> bytes:
        kind = geometry.geom_type
        if kind == "Point":
            return self._corners(geometry)
        if kind == "LineString":
            return self._counted_corners(geometry)
        if kind == "Polygon":
            rings = [geometry.exterior, *geometry.interiors]
            return _varint(len(rings)) + b"".join(self._counted_corners(ring) for ring in rings)
        parts = list(geometry.geoms)
        return _varint(len(parts)) + b"".join(self.of(part) for part in parts)

    def _counted_corners(self, line) -> bytes:
        return _varint(len(line.coords)) + self._corners(line)

    def _corners(self, line) -> bytes:
        out = bytearray()
        for x, y in shapely.get_coordinates(line).round().astype(int).tolist():
            out += _zigzag(x - self.x) + _zigzag(y - self.y)
            self.x, self.y = x, y
        return bytes(out)
