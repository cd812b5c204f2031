"""Bulk change of a body: choose, look at what would happen, say why, do it, undo it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import for_roles
from accounts.idempotency import run_once
from accounts.models import Organisation
from accounts.roles import CHANGE_BODIES, ROLES, Role
from common import clock
from common.errors import DomainError
from common.templatetags.ui import named
from components.register.bodies import (
    Preview,
    bodies_ask,
    bodies_get_visible,
    bodies_preview,
    bodies_undo,
)
from components.register.filters import parameters, register_filter
from components.register.models import BodyChange, BodyRole, JobState
from components.register.presenters import BODY_KINDS, filter_words, ledger_url

CHANGERS = tuple(role for role in Role if CHANGE_BODIES in ROLES[role].permissions)
SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*CHANGERS)
def bodies(request: HttpRequest) -> HttpResponse:
    """Preview the change of a filter's components (GET), and do it (POST)."""
    sent = request.POST if request.method == "POST" else request.GET
    query = {name: sent[name] for name in parameters() if sent.get(name)}
    error, preview, status = None, None, 200
    try:
        if request.method == "POST":
            return redirect("components:body-change", send_bodies(request, query))
        preview = preview_of(request, query)
    except DomainError as refused:
        error, status = {"message": refused.message}, refused.status
        if request.method == "POST":
            preview = fresh_preview(request, query)
    context: dict[str, Any] = {
        "now": clock.now(),
        "query": query,
        "words": words_of(request, query),
        "ledger": ledger_url(query),
        "preview": preview,
        "error": error,
        "sent": sent,
        "key": str(uuid4()),
        "roles": BodyRole.choices,
        "bodies": body_choices(request),
        "done": BodyChange.objects.filter(city=request.user.city_id)
        .select_related("body", "asked_by")
        .order_by("-pk")[:SHOWN],
    }
    return render(request, "components/bodies.html", context, status=status)


def preview_of(request: HttpRequest, query: dict[str, str]) -> Preview | None:
    """Return what would happen, once a role is chosen."""
    role = request.GET.get("new_role", "")
    if not role:
        return None
    body = request.GET.get("new_body", "")
    return bodies_preview(user=request.user, query=query, role=role, body=body)


def fresh_preview(request: HttpRequest, query: dict[str, str]) -> Preview | None:
    """Return the preview as it would be now, after a refusal."""
    role, body = request.POST.get("new_role", ""), request.POST.get("new_body", "")
    try:
        return bodies_preview(user=request.user, query=query, role=role, body=body)
    except DomainError:
        return None


def send_bodies(request: HttpRequest, query: dict[str, str]) -> str:
    """Ask for the change once, however often the form is sent; return its id."""
    now, sent = clock.now(), request.POST

    def act() -> tuple[int, str]:
        change = bodies_ask(
            actor=request.user,
            query=query,
            role=sent.get("new_role", ""),
            body=sent.get("new_body", ""),
            reason=sent.get("reason", ""),
            fingerprint=sent.get("fingerprint", ""),
            now=now,
        )
        return 201, str(change.pk)

    body = {name: value for name, value in sent.items() if name != "csrfmiddlewaretoken"}
    _status, change_id, _stored = run_once(
        user=request.user,
        key=sent.get("key", ""),
        operation="page:bodies",
        body=body,
        now=now,
        act=act,
    )
    return change_id


def words_of(request: HttpRequest, query: dict[str, str]) -> list[tuple[str, str]]:
    """Return the filter in words; nothing where it means nothing."""
    try:
        return filter_words(register_filter(request.user, query))
    except DomainError:
        return []


def body_choices(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the organisations that may answer for components."""
    rows = Organisation.objects.filter(
        city=request.user.city_id, is_active=True, kind__in=BODY_KINDS
    )
    return [("", _("nobody")), *((row.code, named(row)) for row in rows.order_by("path"))]


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*CHANGERS)
def body_change(request: HttpRequest, body_change_id: int) -> HttpResponse:
    """Show an act; a POST undoes it by another."""
    found = bodies_get_visible(user=request.user, change_id=body_change_id)
    error, status = None, 200
    if request.method == "POST":
        try:
            undoing = bodies_undo(
                actor=request.user,
                change_id=body_change_id,
                reason=request.POST.get("reason", ""),
                now=clock.now(),
            )
            messages.success(request, _("The act was taken back."))
            return redirect("components:body-change", undoing.pk)
        except DomainError as refused:
            error, status = {"message": refused.message}, refused.status
    context = {
        "now": clock.now(),
        "change": found,
        "words": words_of(request, found.filter),
        "error": error,
        "is_waiting": found.state == JobState.WAITING,
        "may_undo": found.state == JobState.DONE and not found.undoes_id,
        "unchanged": found.count - found.changed_count if found.state == JobState.DONE else 0,
        "undone_by": getattr(found, "undone_by", None),
    }
    return render(request, "components/body_change.html", context, status=status)
