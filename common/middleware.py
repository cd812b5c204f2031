"""What surrounds every request: its id, a log line, the visitor's address, the admin's policy."""

import re
import time
from collections.abc import Callable
from http import HTTPStatus
from uuid import uuid4

import structlog
from csp.constants import SELF, UNSAFE_INLINE
from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
QUIET_PATHS = ("/-/",)
ADMIN_PATH = "/admin/"
SECRET_PATHS = ("/l/",)  # what follows opens a page without a log-in

log = structlog.get_logger("citymgmt.request")


def request_id(request: HttpRequest) -> str:
    """Return the id nginx or the caller gave, where it is plain, else a new one."""
    given = request.headers.get("X-Request-ID", "")
    return given if REQUEST_ID.fullmatch(given) else uuid4().hex


def path_to_log(path: str) -> str:
    """Return a path without the secrets that some addresses carry."""
    return next((f"{start}…" for start in SECRET_PATHS if path.startswith(start)), path)


class RequestMiddleware:
    """Bind the request's id to the logs, answer it in X-Request-ID, write one line per request."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        identity = request_id(request)
        # Behind nginx the socket has no address; nginx alone reaches it and always tells whose.
        if not request.META.get("REMOTE_ADDR"):
            request.META["REMOTE_ADDR"] = request.headers.get("X-Real-IP", "")
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=identity)
        started = time.perf_counter()
        response = self.get_response(request)
        response["X-Request-ID"] = identity
        if not request.path.startswith(QUIET_PATHS):
            self.write_line(request, response, time.perf_counter() - started)
        return response

    def write_line(self, request: HttpRequest, response: HttpResponse, seconds: float) -> None:
        is_away = response.status_code == HTTPStatus.SERVICE_UNAVAILABLE  # nobody can be named
        user = None if is_away else getattr(request, "user", None)
        log.info(
            "request",
            method=request.method,
            path=path_to_log(request.path),
            status=response.status_code,
            ms=round(seconds * 1000, 1),
            user=user.get_username() if user is not None else "",
        )


class AdminContentSecurityMiddleware:
    """Let the admin and its map widgets have inline scripts and styles, as no other page."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(ADMIN_PATH):
            response._csp_update = {  # type: ignore[attr-defined]
                "script-src": [SELF, UNSAFE_INLINE],
                "style-src": [UNSAFE_INLINE],
            }
        return response
