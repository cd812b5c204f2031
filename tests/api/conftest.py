"""Clients of the API, one a person."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from cases.models import Case
from tests.cast import Cast, photo_of


class Api:
    """What one person sends and gets, as JSON, with their token."""

    def __init__(self, cast: Cast, name: str) -> None:
        self.cast = cast
        self.user = cast.people[name]
        token = Token.objects.get_or_create(user=self.user)[0]
        self.client = APIClient(headers={"accept-language": "en"}, raise_request_exception=True)
        self.client.credentials(HTTP_AUTHORIZATION=f"Token {token.key}")

    def get(self, path: str, **query: Any):
        return self.client.get(f"/api/v1/{path}", query)

    def post(self, path: str, body: Any, key: str = "", *, raw: bool = False):
        headers = {"Idempotency-Key": key} if key else {}
        return self.client.post(
            f"/api/v1/{path}",
            body if raw else json.dumps(body),
            content_type="application/json",
            headers=headers,
        )

    def report(self, key: str = "", **changes: Any):
        """Report with a right body, in which ``changes`` are made; None leaves a field out."""
        return self.post("cases/", self.report_body(**changes), key)

    def report_body(self, **changes: Any) -> dict[str, Any]:
        body = {
            "source": "collector",
            "type": "E0102",
            "description": "路边有一堆垃圾",
            "location": {"type": "Point", "coordinates": list(self.cast.place)},
            **changes,
        }
        return {name: value for name, value in body.items() if value is not None}

    def act(self, case: Case | str, action: str, key: str = "", **fields: Any):
        """Act with the version the case has now, unless another is given."""
        number = case if isinstance(case, str) else case.number
        version = Case.objects.values_list("version", flat=True).get(number=number)
        body = {"version": version, **fields}
        body = {name: value for name, value in body.items() if value is not None}
        return self.post(f"cases/{number}/actions/{action}/", body, key)

    def photo(self) -> int:
        """Return the id of a photo of one's own."""
        return photo_of(self.user, timezone.now())

    def upload(self, content: bytes, name: str = "photo.jpg"):
        return self.client.post(
            "/api/v1/photos/", {"file": SimpleUploadedFile(name, content)}, format="multipart"
        )


@pytest.fixture
def api_of(cast: Cast) -> Callable[[str], Api]:
    """Return the API as a person of the cast sees it."""
    return lambda name: Api(cast, name)


@pytest.fixture
def collector(api_of) -> Api:
    return api_of("collector_chen")


@pytest.fixture
def acceptor(api_of) -> Api:
    return api_of("acceptor_wang")


@pytest.fixture
def assert_refused() -> Callable:
    """Assert the one shape of refusal, its status and code; returns the document."""

    def check(answer, status: int, code: str, *fields: str) -> dict[str, Any]:
        assert answer.status_code == status, answer.content.decode()[:500]
        document = answer.json()
        assert set(document) - {"case"} == {"code", "message", "fields"}
        assert document["code"] == code
        assert document["message"].strip()
        assert set(fields) <= set(document["fields"])
        return document

    return check
