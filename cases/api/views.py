"""The cases part of API v1: translate in, one call of the door, translate out."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.idempotency import run_once
from accounts.models import User
from accounts.roles import ROLES, SEE_PERSONAL_DATA
from cases.api import representations, serializers
from cases.api.filters import filter_cases, is_narrowed, ordering_of
from cases.errors import ActionRefused, CaseNotFound, invalid, missing_field
from cases.fields import read_point
from cases.models import Case
from cases.parts import parts_of
from cases.selectors import FOR_DOCUMENT, actions_for, case_get_visible, case_timeline
from cases.services import case_act, case_report, photo_store
from cases.workflow import INNER_ACTIONS
from common import clock
from common.api import CursorPagination
from common.prepared import Prepared, Slot

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="unique to you, kept 7 days: the same body gets the stored answer",
)
REFUSED = {
    400: serializers.RefusalSerializer,
    403: serializers.RefusalSerializer,
    404: serializers.RefusalSerializer,
    409: serializers.RefusalSerializer,
}
MAX_VERSION = 2**31
NO_VERSION = 0


def may_see_personal_data(user: User) -> bool:
    """Tell whether the person's post lets them see who reported."""
    return any(SEE_PERSONAL_DATA in ROLES[role].permissions for role in user.roles)


def case_document(case: Case, user: User, now: Any) -> dict[str, Any]:
    """Load what belongs to a case and return it as the API shows it."""
    parts = parts_of(case)
    person = parts.person if may_see_personal_data(user) else None
    return representations.case_details(
        case,
        clocks=parts.clocks,
        photos=parts.photos,
        requests=parts.requests,
        actions=actions_for(case, user, now),
        now=now,
        reporter={"name": person.name, "phone": person.phone} if person else None,
    )


def json_answer(status: int, text: str) -> HttpResponse:
    """Send an answer that is JSON text already."""
    return HttpResponse(text, status=status, content_type="application/json")


def body_of(request: Request) -> dict[str, Any]:
    """Return the JSON object that was sent."""
    if not isinstance(request.data, dict):
        raise invalid("body", _("A JSON object is expected."))
    return dict(request.data)


class CaseListView(APIView):
    """The cases you may see; and the door for reports."""

    @extend_schema(
        operation_id="cases_list",
        parameters=[
            OpenApiParameter(name, OpenApiTypes.STR, description=text)
            for name, text in (
                ("state", "states, separated by commas"),
                ("type", "codes such as C0103, separated by commas"),
                ("department", "code of the lead department"),
                ("district", "code of the district"),
                ("cell", "code of the unit grid cell"),
                ("light", "green, yellow or red"),
                ("source", "sources, separated by commas"),
                ("q", "beginning of a number, or words in address or description"),
                ("reported_after", "moment, inclusive"),
                ("reported_before", "moment, exclusive"),
                ("filed_after", "moment: filed then or later"),
                ("handled_after", "moment: handling completed then or later"),
                ("closed_after", "moment: closed then or later"),
                ("ordering", "-reported_at, reported_at; due_at, -due_at: cases with a deadline"),
                ("cursor", "from next or previous"),
            )
        ]
        + [OpenApiParameter("page_size", OpenApiTypes.INT, description="1 to 100, default 25")],
        responses={200: serializers.CaseSummarySerializer(many=True), **REFUSED},
    )
    def get(self, request: Request) -> Response:
        """List cases, newest first."""
        now = clock.now()
        visible = Case.objects.newest_visible_to(
            request.user, is_narrowed=is_narrowed(request.query_params)
        )
        cases = filter_cases(visible, request.query_params, now, user=request.user)
        pages = CursorPagination()
        pages.ordering = ordering_of(request.query_params)
        rows = pages.paginate_queryset(
            cases.values("id", *representations.LIST_FIELDS, **representations.LIST_PLACE),
            request,
            view=self,
        )
        return pages.get_paginated_response(
            [representations.case_summary(row, now) for row in rows]
        )

    @extend_schema(
        operation_id="cases_report",
        parameters=[IDEMPOTENCY_KEY],
        request=serializers.CaseReportSerializer,
        responses={
            200: OpenApiResponse(serializers.CaseDetailsSerializer, "answered before"),
            201: serializers.CaseDetailsSerializer,
            **REFUSED,
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Report a problem."""
        body, now, user = body_of(request), clock.now(), request.user
        key = request.headers.get("Idempotency-Key", "")

        def act() -> tuple[int, str]:
            case = case_report(actor=user, now=now, idempotency_key=key, **report_fields(body))
            return 201, orjson.dumps(case_document(case, user, now), default=str).decode()

        status, text, is_repeated = run_once(
            user=user, key=key, operation="report", body=body, now=now, act=act
        )
        return json_answer(200 if is_repeated else status, text)


def report_fields(body: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``case_report`` from the body of a report."""
    if "source" not in body:
        raise missing_field("source")
    if body.get("location") is None:
        raise missing_field("location")
    lon, lat = read_point("location", body["location"])
    reporter = body.get("reporter") or {}
    if not isinstance(reporter, dict):
        raise invalid("reporter", _("This must be an object with name and phone."))
    photos = body.get("photos") or []
    if not isinstance(photos, list):
        raise invalid("photos", _("This must be a list of photos."))
    for name in ("type", "component", "urgency"):
        if body.get(name) is not None and not isinstance(body[name], str):
            raise invalid(name, _("This must be text."))
    return {
        "source": body["source"],
        "lon": lon,
        "lat": lat,
        "type_code": body.get("type") or None,
        "description": body.get("description") or "",
        "address": body.get("address") or "",
        "component_code": body.get("component") or None,
        "urgency": body.get("urgency") or "normal",
        "reporter_name": reporter.get("name") or "",
        "reporter_phone": reporter.get("phone") or "",
        "photo_ids": photos,
        "is_self_handled": body.get("self_handled") is True,
    }


class CaseDetailView(APIView):
    """One case."""

    @extend_schema(
        operation_id="cases_get",
        responses={200: serializers.CaseDetailsSerializer, **REFUSED},
    )
    def get(self, request: Request, number: str) -> Response:
        """Return everything about a case, and the actions you may take."""
        case = case_get_visible(user=request.user, number=number, visible=FOR_DOCUMENT)
        return Response(case_document(case, request.user, clock.now()))


class CaseEventsView(APIView):
    """The steps of one case."""

    @extend_schema(
        operation_id="cases_events",
        responses={200: serializers.EventSerializer(many=True), **REFUSED},
    )
    def get(self, request: Request, number: str) -> Response:
        """Return the case's history, first step first."""
        case = case_get_visible(user=request.user, number=number)
        events = case_timeline(case)
        for event in events:
            event.case = case
        return Response([representations.event_row(event) for event in events])


class CaseActionView(APIView):
    """The door for everything that happens to a case."""

    @extend_schema(
        operation_id="cases_act",
        parameters=[IDEMPOTENCY_KEY],
        request=serializers.ActionInputSerializer,
        responses={200: serializers.CaseDetailsSerializer, **REFUSED},
    )
    def post(self, request: Request, number: str, action: str) -> HttpResponse:
        """Take an action; requests and their decisions are actions too."""
        if action in INNER_ACTIONS:
            raise CaseNotFound(_("There is no such action."))
        body, now, user = body_of(request), clock.now(), request.user
        key = request.headers.get("Idempotency-Key", "")
        version = body.get("version")

        def act() -> tuple[int, str]:
            case = case_act(
                case_id=_case_id(number),
                action=action,
                actor=user,
                now=now,
                version=_version(version),
                is_version_required=True,
                idempotency_key=key,
                **{name: value for name, value in body.items() if name not in RESERVED},
            )
            return 200, orjson.dumps(case_document(case, user, now), default=str).decode()

        try:
            status, text, _repeated = run_once(
                user=user, key=key, operation=f"{action} {number}", body=body, now=now, act=act
            )
        except ActionRefused as refused:
            return _refusal_with_case(refused, user, number, now)
        return json_answer(status, text)


RESERVED = frozenset(
    {"version", "is_version_required", "case_id", "action", "actor", "now", "idempotency_key"}
)


IDS_OF_NUMBER = Prepared(
    Case.objects.filter(number=Slot("number")).order_by().values_list("pk", flat=True)
)


def _case_id(number: str) -> int:
    """Return the id of a number; whether the person may see it the door says."""
    found = None
    if "\x00" not in number:
        found = IDS_OF_NUMBER(number=number)
    if not found:
        raise CaseNotFound
    return found[0]


def _version(raw: Any) -> int | None:
    """Return the version sent; what is no version is one that nobody saw."""
    if raw is None:
        return None
    is_number = isinstance(raw, int) and not isinstance(raw, bool)
    return raw if is_number and 0 < raw < MAX_VERSION else NO_VERSION


def _refusal_with_case(refused: ActionRefused, user: User, number: str, now: Any) -> Response:
    """Return the refusal; a 409 carries the case as it is now."""
    document = {"code": refused.code, "message": refused.message, "fields": refused.fields}
    if refused.status == 409:
        case = case_get_visible(user=user, number=number, visible=FOR_DOCUMENT)
        document["case"] = case_document(case, user, now)
    return Response(document, status=refused.status)


class PhotoUploadView(APIView):
    """Photos before they belong to a case."""

    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="photos_upload",
        request={"multipart/form-data": serializers.PhotoUploadSerializer},
        responses={201: serializers.PhotoSerializer, **REFUSED, 413: serializers.RefusalSerializer},
    )
    def post(self, request: Request) -> Response:
        """Store a picture; use its id in a report or an action of your own."""
        upload = request.FILES.get("file")
        if upload is None:
            raise missing_field("file")
        photo = photo_store(owner=request.user, upload=upload, now=clock.now())
        taken_at = photo.taken_at.isoformat() if photo.taken_at else None
        return Response(
            {"id": photo.pk, "width": photo.width, "height": photo.height, "taken_at": taken_at},
            status=201,
        )
