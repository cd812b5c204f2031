"""The gap-free feed of what happens to the cases one may see."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cases.api.representations import event_row
from cases.api.serializers import NumberedEventSerializer, RefusalSerializer
from common.errors import DomainError
from common.text import whole_number
from live.selectors import events_after

DEFAULT_SIZE, MAX_SIZE = 100, 500


class EventFeedSerializer(serializers.Serializer):
    """Events in the order of their positions, and where to go on."""

    events = NumberedEventSerializer(many=True)
    position = serializers.IntegerField(help_text="ask again after this")
    is_complete = serializers.BooleanField(help_text="false: there is more already")


def _number(request: Request, name: str, default: int, largest: int) -> int:
    raw = request.query_params.get(name) or str(default)
    number = whole_number(raw)
    if number is None or number > largest:
        raise DomainError("invalid", _("This must be a whole number."), {name: [raw[:40]]})
    return number


class EventFeedView(APIView):
    """Follow the log: ask for what came after a position, as often as you like."""

    @extend_schema(
        operation_id="events_feed",
        parameters=[
            OpenApiParameter("after", OpenApiTypes.INT, description="a position; 0 is the start"),
            OpenApiParameter("page_size", OpenApiTypes.INT, description="1 to 500, default 100"),
        ],
        responses={200: EventFeedSerializer, 400: RefusalSerializer},
    )
    def get(self, request: Request) -> Response:
        """Return the events you may see after a position."""
        after = _number(request, "after", 0, 2**62)
        size = max(_number(request, "page_size", DEFAULT_SIZE, MAX_SIZE), 1)
        page = events_after(user=request.user, after=after, limit=size)
        return Response(
            {
                "events": [event_row(row.event, row.position) for row in page.events],
                "position": page.until,
                "is_complete": page.is_complete,
            }
        )
