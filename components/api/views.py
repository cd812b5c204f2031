"""`GET /api/v1/catalogue/types/` and `GET /api/v1/components/…`: what there is, and where."""

from __future__ import annotations

import math

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common import clock
from common.api import rows_wanted
from common.errors import DomainError
from components.api.representations import component_data, type_data
from components.api.serializers import (
    CaseTypeSerializer,
    NearComponentSerializer,
)
from components.models import TypeKind
from components.selectors import (
    catalogue,
    components_nearest,
    type_get,
    types_search,
)
from grid.api.serializers import GridRefusalSerializer

DEFAULT_LIMIT, MAX_LIMIT = 5, 50
REFUSED = {400: GridRefusalSerializer, 404: GridRefusalSerializer}


class TypeListView(APIView):
    """The catalogue."""

    @extend_schema(
        operation_id="catalogue_types",
        parameters=[
            OpenApiParameter("kind", OpenApiTypes.STR, enum=TypeKind.values),
            OpenApiParameter(
                "q", OpenApiTypes.STR, description="name, alias, pinyin, initials or code"
            ),
        ],
        responses={200: CaseTypeSerializer(many=True), **REFUSED},
    )
    def get(self, request: Request) -> Response:
        """List the types in force today with their standards, or those that ``q`` may mean."""
        today = timezone.localdate(clock.now())
        kind = request.query_params.get("kind", "")
        if kind and kind not in TypeKind.values:
            raise _invalid("kind", _("Choose component or event."))
        text = _text(request, "q")
        rows = list(catalogue(today, kind=kind, text=text))
        if text:
            order = [row.pk for row in types_search(text, today, kind=kind, limit=len(rows))]
            rows.sort(key=lambda row: order.index(row.pk))
        return Response([type_data(row) for row in rows])


class NearestComponentsView(APIView):
    """Components around a place."""

    @extend_schema(
        operation_id="components_nearest",
        parameters=[
            OpenApiParameter("lon", float, required=True, description="WGS-84 longitude"),
            OpenApiParameter("lat", float, required=True, description="WGS-84 latitude"),
            OpenApiParameter("type", OpenApiTypes.STR, description="code such as C0103"),
            OpenApiParameter("limit", int, description="1 to 50, default 5"),
        ],
        responses={200: NearComponentSerializer(many=True), **REFUSED},
    )
    def get(self, request: Request) -> Response:
        """List the components nearest to a place, at most 5 km away."""
        lon, lat = _degrees(request, "lon", 180), _degrees(request, "lat", 90)
        code = _text(request, "type")
        if code:
            type_get(code, timezone.localdate(clock.now()))
        limit = rows_wanted(request.query_params, "limit", default=DEFAULT_LIMIT, most=MAX_LIMIT)
        found = components_nearest(lon, lat, code or None, limit)
        return Response(
            [{**component_data(row), "distance_m": round(row.away_m, 1)} for row in found]
        )


def _degrees(request: Request, name: str, most: int) -> float:
    try:
        value = float(request.query_params.get(name, ""))
    except ValueError:
        value = math.nan
    if not abs(value) <= most:
        raise _invalid(name, _("Longitude and latitude must be numbers in range."))
    return value


def _text(request: Request, name: str) -> str:
    text = request.query_params.get(name, "").strip()
    if "\x00" in text or len(text) > 100:
        raise _invalid(name, _("This is too long or not text."))
    return text


def _invalid(field: str, message: str) -> DomainError:
    return DomainError("invalid", message, {field: [message]})
