"""`GET /api/v1/organisations/`: the tree, as a list in the tree's order."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Organisation
from accounts.selectors import organisations_in_tree
from common.errors import DomainError


class OrganisationSerializer(serializers.Serializer):
    """A node of the tree; ``parent`` is the code of the one above."""

    code = serializers.CharField()
    name = serializers.CharField()
    name_en = serializers.CharField()
    kind = serializers.ChoiceField(Organisation.Kind.choices)
    department_kind = serializers.CharField()
    has_dispatch_desk = serializers.BooleanField()
    parent = serializers.CharField(allow_null=True)
    level = serializers.IntegerField(help_text="0 is the root")


class OrganisationListView(APIView):
    """The organisations of the city."""

    @extend_schema(
        operation_id="organisations",
        parameters=[
            OpenApiParameter("kind", OpenApiTypes.STR, enum=Organisation.Kind.values),
            OpenApiParameter("department_kind", OpenApiTypes.STR),
        ],
        responses=OrganisationSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List the active organisations of your city, each below its parent."""
        kind = request.query_params.get("kind", "")
        if kind and kind not in Organisation.Kind.values:
            message = _("There is no such kind of organisation.")
            raise DomainError("invalid", message, {"kind": [message]})
        trade = request.query_params.get("department_kind", "").replace("\x00", "")
        rows = organisations_in_tree(request.user, kind=kind, department_kind=trade)
        return Response([organisation_data(row) for row in rows])


def organisation_data(row: Organisation) -> dict[str, Any]:
    """Return what the API says of an organisation; its parent must be loaded."""
    return {
        "code": row.code,
        "name": row.name,
        "name_en": row.name_en,
        "kind": row.kind,
        "department_kind": row.department_kind,
        "has_dispatch_desk": row.has_dispatch_desk,
        "parent": row.parent.code if row.parent else None,
        "level": row.path.count(".") - 1,
    }
