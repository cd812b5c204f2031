"""`GET /api/v1/grid/…` and `/api/v1/places/…`: where a point lies, what a text means."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common import clock
from common.api import rows_wanted
from common.errors import DomainError
from grid.api.serializers import (
    AreaCodeSerializer,
    CellSerializer,
    FoundPlaceSerializer,
    GridRefusalSerializer,
    LocationSerializer,
    PlaceWordsSerializer,
)
from grid.geocoding.selectors import DEFAULT_LIMIT, MAX_LIMIT, map_search
from grid.geocoding.words import place_in_words
from grid.selectors import Location, OutsideCity, area_by_code, cell_on, locate, not_a_point


def _degrees(request: Request, name: str) -> float:
    """Return a query parameter as a number; raise ``invalid`` for what is none."""
    try:
        return float(request.query_params.get(name, ""))
    except ValueError as error:
        raise not_a_point(name) from error


class LocateView(APIView):
    """Where a point lies."""

    @extend_schema(
        operation_id="grid_locate",
        parameters=[
            OpenApiParameter("lon", float, required=True, description="WGS-84 longitude"),
            OpenApiParameter("lat", float, required=True, description="WGS-84 latitude"),
        ],
        responses={200: LocationSerializer, 400: GridRefusalSerializer, 404: GridRefusalSerializer},
    )
    def get(self, request: Request) -> Response:
        """Return cell, community, street, district, zones and management area of a point today."""
        lon, lat = _degrees(request, "lon"), _degrees(request, "lat")
        today = timezone.localdate(clock.now())
        place, words = locate(lon, lat, on=today), place_in_words(lon, lat, on=today)
        answer = {**_fields(place), "address": words.text if words else ""}
        return Response(LocationSerializer(answer).data)


class AreaCodeView(APIView):
    """What a code of an area means."""

    @extend_schema(
        operation_id="area_by_code",
        parameters=[
            OpenApiParameter("code", str, required=True, description="6, 9 or 12 digits"),
            OpenApiParameter("on", date, description="who bore it on this day; else today"),
        ],
        responses={
            200: AreaCodeSerializer,
            400: GridRefusalSerializer,
            404: GridRefusalSerializer,
        },
    )
    def get(self, request: Request) -> Response:
        """Return the areas that a code of today or of the past stands for."""
        answer = area_by_code(request.query_params.get("code", "").strip(), _day(request, "on"))
        return Response(
            AreaCodeSerializer(
                {
                    "code": answer.code,
                    "standing": answer.standing,
                    "old_name": answer.old_name,
                    "areas": answer.areas,
                    "elsewhere": [{"code": code, "name": name} for code, name in answer.elsewhere],
                }
            ).data
        )


def _day(request: Request, name: str) -> date | None:
    """Return a query parameter as a day; raise ``invalid`` for what is none."""
    text = request.query_params.get(name, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        message = _("A day is written like 2026-03-16.")
        raise DomainError("invalid", message, {name: [message]}) from error


class CellView(APIView):
    """One unit grid cell."""

    @extend_schema(
        operation_id="grid_cell", responses={200: CellSerializer, 404: GridRefusalSerializer}
    )
    def get(self, request: Request, code: str) -> Response:
        """Return a cell that holds today, with its outline."""
        cell = cell_on(code, timezone.localdate(clock.now()))
        if cell is None:
            raise Http404
        outline = json.loads(cell.geometry.geojson)
        return Response(
            {
                "code": cell.code,
                "kind": cell.kind,
                "area_m2": round(cell.area_m2),
                "geometry": outline,
            }
        )


class PlaceSearchView(APIView):
    """What a text means."""

    @extend_schema(
        operation_id="places_search",
        parameters=[
            OpenApiParameter(
                "q",
                str,
                required=True,
                description="address, name, crossing, pinyin, coordinates or code of a cell",
            ),
            OpenApiParameter("lon", float, description="prefer what is near, WGS-84 longitude"),
            OpenApiParameter("lat", float, description="prefer what is near, WGS-84 latitude"),
            OpenApiParameter("limit", int, description="1 to 50, default 10"),
        ],
        responses={200: FoundPlaceSerializer(many=True), 400: GridRefusalSerializer},
    )
    def get(self, request: Request) -> Response:
        """List the places that a text may mean, the likeliest first; none is no error."""
        given = request.query_params
        near = None
        if "lon" in given or "lat" in given:
            near = _degrees(request, "lon"), _degrees(request, "lat")
        found = map_search(
            given.get("q", ""),
            on=timezone.localdate(clock.now()),
            near=near,
            limit=rows_wanted(given, "limit", default=DEFAULT_LIMIT, most=MAX_LIMIT),
        )
        return Response(FoundPlaceSerializer(found, many=True).data)


class PlaceWordsView(APIView):
    """A point in words."""

    @extend_schema(
        operation_id="place_words",
        parameters=[
            OpenApiParameter("lon", float, required=True, description="WGS-84 longitude"),
            OpenApiParameter("lat", float, required=True, description="WGS-84 latitude"),
        ],
        responses={
            200: PlaceWordsSerializer,
            400: GridRefusalSerializer,
            404: GridRefusalSerializer,
        },
    )
    def get(self, request: Request) -> Response:
        """Say where a point lies: the nearest crossing, compound, road or stop."""
        lon, lat = _degrees(request, "lon"), _degrees(request, "lat")
        words = place_in_words(lon, lat, on=timezone.localdate(clock.now()))
        if words is None:
            raise OutsideCity
        return Response(PlaceWordsSerializer(words).data)


def _fields(place: Location) -> dict[str, Any]:
    return {name: getattr(place, name) for name in place.__slots__}
