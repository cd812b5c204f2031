"""Where the log stood before a page read anything: what its picture is true for at least."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from live.services import head


class LivePositionMiddleware:
    """Give whole pages of people the position from which they follow what happens.

    It is read first, by one query: a page made meanwhile may know more, never less. Fragments, the
    API and the admin follow nothing.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if follows(request):
            request.live_position = head()  # type: ignore[attr-defined]
        return self.get_response(request)


def follows(request: HttpRequest) -> bool:
    """Tell whether this asks for a whole page that somebody will sit before."""
    return (
        request.method == "GET"
        and "HX-Request" not in request.headers
        and request.accepts("text/html")
        and not request.path.startswith(("/api/", "/admin/", "/-/"))
        and request.user.is_authenticated
    )
