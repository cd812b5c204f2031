"""What the map shows: every layer of tiles, who may have it, and what its features say.

An app makes its tiles; here they are told together, for the addresses, the legends and TileJSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User
from cases.tiles import MAX_ZOOM as CASE_MAX_ZOOM
from cases.tiles import MIN_ZOOM as CASE_MIN_ZOOM
from cases.tiles import case_tile
from common import clock
from components.models import sees_whole_register
from components.tiling.sql import MIN_ZOOM as COMPONENT_MIN_ZOOM
from components.tiling.tiles import MAX_ZOOM as COMPONENT_MAX_ZOOM
from components.tiling.tiles import component_tile
from grid import tiles

MAX_CHOSEN = 100  # values of one filter

Reader = Callable[[HttpRequest, int, int, int], bytes]


@dataclass(frozen=True, slots=True)
class Layer:
    """A source of vector tiles: ``fields`` tells the properties of each of its inner layers."""

    read: Reader
    fields: Mapping[str, Mapping[str, str]]
    max_age: int  # seconds
    min_zoom: int = 0
    max_zoom: int = tiles.MAX_ZOOM
    is_public: bool = False
    is_shown_to: Callable[[Any], bool] = lambda user: True
    filters: tuple[str, ...] = field(default=())


def _base(request: HttpRequest, z: int, x: int, y: int) -> bytes:
    return tiles.base_tile(z, x, y)


def _cells(request: HttpRequest, z: int, x: int, y: int) -> bytes:
    return tiles.grid_tile(z, x, y, on=timezone.localdate(clock.now()))


def _zones(request: HttpRequest, z: int, x: int, y: int) -> bytes:
    return tiles.zone_tile(z, x, y, on=timezone.localdate(clock.now()))


def _components(request: HttpRequest, z: int, x: int, y: int) -> bytes:
    chosen = {name: _chosen(request, name) for name in ("class", "type", "state")}
    return component_tile(
        z, x, y, classes=chosen["class"], types=chosen["type"], states=chosen["state"]
    )


def _cases(request: HttpRequest, z: int, x: int, y: int) -> bytes:
    return case_tile(cast(User, request.user), z, x, y, now=clock.now())


def _chosen(request: HttpRequest, name: str) -> list[str]:
    values = request.GET.get(name, "").replace("\0", "").split(",")
    return [value for value in values if value][:MAX_CHOSEN]


_KIND = {"kind": "String", "name": "String"}
_COMPONENT = {"type": "String", "class": "String", "state": "String"}

LAYERS: Mapping[str, Layer] = {
    "base": Layer(
        _base,
        dict.fromkeys(("built", "green", "water", "building", "road", "metro", "station"), _KIND),
        max_age=24 * 60 * 60,  # the base map changes with a new pack
        is_public=True,
    ),
    "cells": Layer(
        _cells,
        {
            "area": {"level": "String", "code": "String"},
            "name": {"level": "String", "name": "String", "name_en": "String"},
            "cell": {"code": "String", "kind": "String"},
        },
        max_age=5 * 60,  # a new gridding shows after at most this long
    ),
    "zones": Layer(
        _zones,
        {"zone": {"code": "String", "name": "String", "name_en": "String", "grade": "String"}},
        max_age=5 * 60,
    ),
    "components": Layer(
        _components,
        {
            "count": {"count": "Number", "class": "String"},
            "component": _COMPONENT,
            "shape": _COMPONENT,
        },
        max_age=30,
        min_zoom=COMPONENT_MIN_ZOOM,
        max_zoom=COMPONENT_MAX_ZOOM,
        filters=("class", "type", "state"),
        is_shown_to=sees_whole_register,  # its counts cannot be narrowed to a partner's share
    ),
    "cases": Layer(
        _cases,
        {
            "count": {"count": "Number", "light": "String"},
            "case": {"number": "String", "type": "String", "light": "String"},
        },
        max_age=0,  # asked for again when a case has changed; the ETag spares the sending
        min_zoom=CASE_MIN_ZOOM,
        max_zoom=CASE_MAX_ZOOM,
    ),
}
