"""The picker of common phrases: a fragment that any note field may open."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST

from cases.phrases.services import phrase_drop, phrase_keep, phrases_for
from cases.workflow import ACTIONS
from common.errors import DomainError


@require_http_methods(["GET", "HEAD", "POST"])
def phrases(request: HttpRequest) -> HttpResponse:
    """List what the reader may insert; a POST keeps what they wrote as one of their own."""
    error = None
    if request.method == "POST":
        try:
            phrase_keep(
                user=request.user, text=request.POST.get("text", ""), action=_action_of(request)
            )
        except DomainError as refused:
            error = refused
    return _listed(request, error)


@require_POST
def phrase_dropped(request: HttpRequest, phrase_id: int) -> HttpResponse:
    """Drop one of the reader's own phrases and list what is left."""
    phrase_drop(user=request.user, phrase_id=phrase_id)
    return _listed(request)


def _action_of(request: HttpRequest) -> str:
    sent = request.POST.get("action") or request.GET.get("action", "")
    return sent if sent in ACTIONS else ""


def _listed(request: HttpRequest, error: DomainError | None = None) -> HttpResponse:
    action = _action_of(request)
    context = {"phrases": phrases_for(request.user, action), "action": action, "error": error}
    status = error.status if error else 200
    return render(request, "ui/_phrase_list.html", context, status=status)
