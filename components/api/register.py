"""The register over the API: the ledger, a record with its history, changes with approval."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.idempotency import run_once
from accounts.models import User
from common import clock
from common.api import rows_wanted
from common.errors import DomainError
from common.rows import rows_estimate
from components.api.representations import change_data, record_data, summary_data
from components.api.serializers import (
    ChangeInputSerializer,
    ChangeSerializer,
    ComponentPageSerializer,
    DecisionInputSerializer,
    LapsedSerializer,
    RecordSerializer,
)
from components.register.changes import (
    change_approve,
    change_ask,
    change_get_visible,
    change_refuse,
    change_withdraw,
)
from components.register.filters import register_filter
from components.register.history import history_of, may_see_people, people_of
from components.register.ledger import PAGE_SIZE, Total, ledger_page, ledger_total
from components.register.models import ComponentChange
from components.selectors import component_get_visible
from grid.api.serializers import GridRefusalSerializer

REFUSED = {
    400: GridRefusalSerializer,
    403: GridRefusalSerializer,
    404: GridRefusalSerializer,
    409: GridRefusalSerializer,
}
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="unique to you, kept 7 days: the same body gets the stored answer",
)
FILTERS = (
    ("q", "beginning of a code; name, pinyin or code of a type; area; road; body; words"),
    ("read_as", "what q means: code, type, area, road, body or words"),
    ("class", "codes of classes such as 01, separated by commas"),
    ("type", "codes such as C0103, separated by commas"),
    ("state", "intact, damaged, lost, abandoned, separated by commas"),
    ("use", "in_use (default), ended or all"),
    ("ending", "retired, replaced or merged"),
    ("district", "code of the district"),
    ("street", "code of the street"),
    ("community", "code of the community"),
    ("road", "whole name of a road: what stands along it"),
    ("bbox", "west,south,east,north in degrees"),
    ("body", "code of an organisation; none: without one"),
    ("role", "maintainer (default), owner or competent_body: in which way body answers"),
    ("accuracy", "A, B, C, separated by commas"),
    ("surveyed_from", "day, inclusive"),
    ("surveyed_before", "day, exclusive"),
    ("open_cases", "yes: with an open case that you may see"),
    ("ordering", "place, type, code, newest, surveyed: where the filter allows it"),
    ("cursor", "from next or previous"),
)
MAX_PAGE = 100


class ComponentListView(APIView):
    """The register, narrowed and page by page."""

    @extend_schema(
        operation_id="components_list",
        parameters=[
            *(OpenApiParameter(name, OpenApiTypes.STR, description=text) for name, text in FILTERS),
            OpenApiParameter("page_size", OpenApiTypes.INT, description="1 to 100, default 25"),
        ],
        responses={200: ComponentPageSerializer, **REFUSED},
    )
    def get(self, request: Request) -> Response:
        """List the components you may see; how many there are is about right, never counted."""
        query = request.query_params
        narrowed = register_filter(request.user, query.dict())
        about = rows_estimate(narrowed.rows)
        rows, page = ledger_page(
            narrowed,
            cursor=query.get("cursor", ""),
            ordering=query.get("ordering", ""),
            about=about,
            size=rows_wanted(query, "page_size", default=PAGE_SIZE, most=MAX_PAGE),
        )
        is_all = not page.previous and not page.next
        total = Total(len(rows)) if is_all else ledger_total(narrowed.rows, about)
        return Response(
            {
                "total": {"count": total.count, "is_exact": total.is_exact},
                "next": _address(request, page.next),
                "previous": _address(request, page.previous),
                "results": [summary_data(row) for row in rows],
            }
        )


class ComponentView(APIView):
    """One component."""

    @extend_schema(operation_id="component", responses={200: RecordSerializer, **REFUSED})
    def get(self, request: Request, code: str) -> Response:
        """Return the component with this identification code, and its history."""
        return Response(record_of(request.user, code))


def record_of(user: User, code: str) -> dict[str, Any]:
    """Return a record as the API shows it; a sharing partner does not learn who works here."""
    component = component_get_visible(user=user, code=code)
    steps = history_of(component)
    if may_see_people(user):
        people_of(steps)
    return record_data(component, steps)


class ComponentChangesView(APIView):
    """Changes of a record that somebody else must approve."""

    @extend_schema(
        operation_id="component_change_ask",
        parameters=[IDEMPOTENCY_KEY],
        request=ChangeInputSerializer,
        responses={
            200: OpenApiResponse(ChangeSerializer, "answered before"),
            201: ChangeSerializer,
            **REFUSED,
        },
    )
    def post(self, request: Request, code: str) -> HttpResponse:
        """Ask for a change; ``version`` is that of the record you saw."""
        body, now, user = _body_of(request), clock.now(), request.user
        component = component_get_visible(user=user, code=code)

        def act() -> tuple[int, str]:
            change = change_ask(
                actor=user,
                component_id=component.pk,
                kind=str(body.get("kind", "")),
                proposed=body.get("proposed") or {},
                reason=body.get("reason") or "",
                now=now,
                seen_event=_version(body),
            )
            return 201, _json(change_data(change))

        try:
            return _once(request, f"component-change {code}", body, act)
        except DomainError as refused:
            if refused.code != "stale_version":
                raise
            document = {"code": refused.code, "message": refused.message, "fields": {}}
            return Response({**document, "component": record_of(user, code)}, status=409)


class ComponentDecisionView(APIView):
    """Decisions on changes that were asked for."""

    @extend_schema(
        operation_id="component_change_decide",
        parameters=[
            IDEMPOTENCY_KEY,
            OpenApiParameter(
                "decision", str, OpenApiParameter.PATH, enum=["approve", "refuse", "withdraw"]
            ),
        ],
        request=DecisionInputSerializer,
        responses={200: ChangeSerializer, **REFUSED, 409: LapsedSerializer},
    )
    def post(self, request: Request, change_id: int, decision: str) -> HttpResponse:
        """Approve, refuse or withdraw a request; one whose record changed lapses with 409."""
        if decision not in DECISIONS:
            raise DomainError("not_found", _("Not found."), status=404)
        body, now, user = _body_of(request), clock.now(), request.user
        answer = {} if decision == "withdraw" else {"answer": str(body.get("answer") or "")}

        def act() -> tuple[int, str]:
            change = DECISIONS[decision](actor=user, change_id=change_id, now=now, **answer)
            change = change_get_visible(user=user, change_id=change.pk)
            if change.state != ComponentChange.State.LAPSED:
                return 200, _json(change_data(change))
            message = _("The record changed meanwhile: the request has lapsed, nothing was done.")
            return 409, _json(
                {
                    "code": "lapsed",
                    "message": message,
                    "fields": {},
                    "component": record_of(user, change.component.code),
                }
            )

        return _once(request, f"{decision} component-change {change_id}", body, act)


DECISIONS: dict[str, Any] = {
    "approve": change_approve,
    "refuse": change_refuse,
    "withdraw": change_withdraw,
}


def _once(request: Request, operation: str, body: dict[str, Any], act: Any) -> HttpResponse:
    key = request.headers.get("Idempotency-Key", "")
    status, text, is_repeated = run_once(
        user=request.user, key=key, operation=operation, body=body, now=clock.now(), act=act
    )
    status = 200 if is_repeated and status == 201 else status
    return HttpResponse(text, status=status, content_type="application/json")


def _json(document: dict[str, Any]) -> str:
    return orjson.dumps(document, default=str).decode()


def _body_of(request: Request) -> dict[str, Any]:
    if not isinstance(request.data, dict):
        raise _invalid("body", _("A JSON object is expected."))
    return dict(request.data)


def _version(body: dict[str, Any]) -> int:
    raw = body.get("version")
    if not isinstance(raw, int) or isinstance(raw, bool):
        raise _invalid("version", _("Send the version of the record you saw."))
    return raw


def _address(request: Request, cursor: str) -> str | None:
    if not cursor:
        return None
    query = request.query_params.copy()
    query["cursor"] = cursor
    return request.build_absolute_uri(f"?{query.urlencode()}")


def _invalid(name: str, message: str) -> DomainError:
    return DomainError("invalid", message, {name: [message]})
