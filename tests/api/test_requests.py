"""What surrounds every request: its id, its log line, and one shape of refusal in the API."""

import json
import logging

import pytest
import structlog
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import OperationalError, ProgrammingError
from django.http import Http404, HttpResponse
from django.test import RequestFactory
from django.utils import translation
from rest_framework import exceptions

from common.api import exception_handler
from common.errors import DomainError
from common.logs import SHARED_PROCESSORS
from common.middleware import RequestMiddleware
from common.renderers import JSONRenderer


def test_the_callers_request_id_comes_back(client):
    answer = client.get("/-/live", headers={"X-Request-ID": "walk-7.b"})
    assert answer.headers["X-Request-ID"] == "walk-7.b"


@pytest.mark.parametrize("given", ["", "a b", 'x"}', "重", "y" * 65])
def test_a_strange_request_id_is_replaced(client, given):
    answer = client.get("/-/live", headers={"X-Request-ID": given})
    assert len(answer.headers["X-Request-ID"]) == 32
    assert answer.headers["X-Request-ID"] != given


def test_a_log_line_is_one_line_of_json_with_the_request_id(settings):
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=settings.LOGGING["formatters"]["json"]["processors"],
        foreign_pre_chain=SHARED_PROCESSORS,
    )
    lines = []

    def view(request):
        record = logging.LogRecord("cases", logging.INFO, "", 1, "两行\n%s", ("text",), None)
        lines.append(formatter.format(record))
        return HttpResponse()

    RequestMiddleware(view)(RequestFactory().get("/-/x", headers={"X-Request-ID": "abc"}))
    assert "\n" not in lines[0]
    line = json.loads(lines[0])
    assert (line["event"], line["request_id"], line["level"]) == ("两行\ntext", "abc", "info")


def test_the_visitors_address_is_what_nginx_says():
    seen = {}

    def view(request):
        seen["address"] = request.META["REMOTE_ADDR"]
        return HttpResponse()

    request = RequestFactory().get("/-/x", REMOTE_ADDR="", headers={"X-Real-IP": "10.1.2.3"})
    RequestMiddleware(view)(request)
    assert seen["address"] == "10.1.2.3"


LOCKED = OperationalError("canceling statement due to lock timeout")
LOCKED.__cause__ = type("LockNotAvailable", (Exception,), {"pgcode": "55P03"})()


@pytest.mark.parametrize(
    ("error", "status", "code", "fields"),
    [
        (
            DomainError("outside_city", "x", {"lon": ["y"]}, 404),
            404,
            "outside_city",
            {"lon": ["y"]},
        ),
        (Http404(), 404, "not_found", {}),
        (PermissionDenied(), 403, "role_refused", {}),
        (exceptions.NotAuthenticated(), 401, "not_authenticated", {}),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed", {}),
        (exceptions.ValidationError({"lon": ["y"]}), 400, "invalid", {"lon": ["y"]}),
        (exceptions.ValidationError(["y"]), 400, "invalid", {"non_field_errors": ["y"]}),
        (ValidationError({"lon": ["y"]}), 400, "invalid", {"lon": ["y"]}),
        (ValidationError("y"), 400, "invalid", {"non_field_errors": ["y"]}),
        (LOCKED, 409, "busy", {}),
    ],
)
def test_every_refusal_has_one_shape(error, status, code, fields):
    answer = exception_handler(error, {})
    assert answer.status_code == status
    data = json.loads(JSONRenderer().render(answer.data))
    assert set(data) == {"code", "message", "fields"}
    assert (data["code"], data["fields"]) == (code, fields)
    assert data["message"]


def test_an_unknown_fault_is_left_to_django():
    assert exception_handler(ProgrammingError("no such column"), {}) is None
    assert exception_handler(ZeroDivisionError(), {}) is None


def test_a_refusal_is_told_in_the_language_of_the_reader():
    lazy = translation.gettext_lazy("Simplified Chinese")
    with translation.override("en"):
        answer = exception_handler(DomainError("x", lazy), {})
        assert json.loads(JSONRenderer().render(answer.data))["message"] == "Simplified Chinese"
