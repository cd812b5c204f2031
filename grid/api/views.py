"""`GET /api/v1/grid/…`: where a point lies, and the outline of a cell."""

from __future__ import annotations

import json
from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common import clock
from grid.api.serializers import CellSerializer, GridRefusalSerializer, LocationSerializer
from grid.selectors import Location, cell_on, describe_place, locate, not_a_point


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
        place = locate(lon, lat, on=timezone.localdate(clock.now()))
        answer = LocationSerializer({**_fields(place), "address": describe_place(lon, lat)})
        return Response(answer.data)


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


def _fields(place: Location) -> dict[str, Any]:
    return {name: getattr(place, name) for name in place.__slots__}
