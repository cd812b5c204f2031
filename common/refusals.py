"""How a page says that the domain refused: the status, and a page with its sentence.

Nothing here asks the database: these pages are also for when it is away.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.defaults import server_error

from common.errors import RETRY_AFTER_SECONDS, DomainError, answer_of

PAGES = {400, 403, 404, 409, 413, 429, 503}


class RefusalMiddleware:
    """Turn a refusal that a view let through into the page of its status."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer a refusal; anything else is a fault and goes on."""
        refusal = answer_of(error)
        return None if refusal is None else refusal_page(request, refusal)


def refusal_page(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    """Return the page of a refusal's status with its sentence; to the API, its JSON."""
    status = refusal.status if refusal.status in PAGES else 400
    if request.path.startswith("/api/"):
        body = {"code": refusal.code, "message": refusal.message, "fields": refusal.fields}
        answer: HttpResponse = JsonResponse(body, status=status)
    else:
        context = {"message": refusal.message, "is_read": request.method in ("GET", "HEAD")}
        answer = render(request, f"{status}.html", context, status=status)
    if status == 503:
        answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
        answer["Cache-Control"] = "no-store"
    return answer


def fault(request: HttpRequest) -> HttpResponse:
    """Answer what nobody caught (``handler500``): what middleware met on the way may be a refusal.

    Django calls it while it handles the exception.
    """
    refusal = answer_of(sys.exc_info()[1])
    return server_error(request) if refusal is None else refusal_page(request, refusal)
