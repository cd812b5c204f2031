"""How a page says that the domain refused: the status, and a page with its sentence."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from common.errors import DomainError, refusal_of

PAGES = {400, 403, 404, 409, 413, 429}


class RefusalMiddleware:
    """Turn a refusal that a view let through into the page of its status."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer a refusal; anything else is a fault and goes on."""
        refusal = refusal_of(error)
        return None if refusal is None else refusal_page(request, refusal)


def refusal_page(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    """Return the page of a refusal's status with its sentence."""
    status = refusal.status if refusal.status in PAGES else 400
    return render(request, f"{status}.html", {"message": refusal.message}, status=status)
