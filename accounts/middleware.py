"""Who acts in this request: the person of the session, or the same person standing in for another.

Without a session a page leads to the log-in; a script of an open page is told that it has none.

Standing in covers the desks and cases. What is configured, surveyed, paid or evaluated is done in
one's own name only: those pages show, and refuse to write.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from accounts.delegation import SESSION_KEY, DutyEnded, standing_in
from common import clock
from common.errors import DomainError
from common.refusals import refusal_page

SCRIPT_HEADERS = {"Hx-Request", "X-Requested-With"}
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Namespaces of addresses whose writes are nobody's turn of duty.
IN_OWN_NAME = frozenset(
    {
        "admin",
        "components",
        "components_api",
        "census",
        "plates",
        "atlas",
        "documents",
        "funds",
        "squads",
        "evaluation",
    }
)


class LogInMiddleware(LoginRequiredMiddleware):
    """Send whoever opens a page to the log-in; tell a script that nobody is logged in any more.

    A script would take the page of the log-in for its answer and put it where that belongs.
    """

    def handle_no_permission(  # type: ignore[override]  # not only a redirect
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponse:
        """Answer a request of nobody."""
        is_script = SCRIPT_HEADERS & request.headers.keys() or not request.accepts("text/html")
        if not is_script:
            return super().handle_no_permission(request, view_func)
        message = _("You are no longer logged in. Nothing was changed.")
        return JsonResponse({"code": "logged_out", "message": message, "fields": {}}, status=401)


class StandingInMiddleware:
    """Put whoever stands in for somebody in the place of the session's person."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        has_session = settings.SESSION_COOKIE_NAME in request.COOKIES
        principal_id = request.session.get(SESSION_KEY) if has_session else None
        if principal_id is not None and request.user.is_authenticated:
            try:
                request.user = standing_in(
                    user=request.user, principal_id=principal_id, now=clock.now()
                )
            except DutyEnded as ended:
                del request.session[SESSION_KEY]
                if request.method not in SAFE:
                    return refusal_page(request, ended)
                said = _("The duty you stood in for has ended: you are yourself again.")
                messages.warning(request, said)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Refuse what is done in one's own name only."""
        principal = getattr(request.user, "principal", None)
        match = request.resolver_match
        if principal is None or request.method in SAFE or match is None:
            return None
        if not IN_OWN_NAME & set(match.namespaces):
            return None
        message = _(
            "This is not part of a duty that can be handed over: end standing in for %(person)s"
            " first, then do it in your own name."
        ) % {"person": principal}
        return refusal_page(request, DomainError("role_refused", message, status=403))
