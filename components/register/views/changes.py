"""Changes with approval: ask on a page of the record, decide on a page of the request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import for_roles
from accounts.idempotency import run_once
from accounts.roles import APPROVE_CHANGES, PROPOSE_CHANGES, ROLES, Role, may
from common import clock
from common.errors import DomainError
from common.paging import cursor_page
from components.models import Component
from components.register.changes import (
    RELATIONS,
    change_approve,
    change_ask,
    change_get_visible,
    change_refuse,
    change_withdraw,
    may_propose,
)
from components.register.forms import ChangeForm
from components.register.history import last_event_of
from components.register.models import ComponentChange
from components.register.presenters import CHANGE_ICONS, change_words, state_look
from components.selectors import component_get_visible

Kind, State = ComponentChange.Kind, ComponentChange.State
PAGE_SIZE = 25
STAFF = tuple(role for role in Role if role is not Role.SHARING_PARTNER)
PROPOSERS = tuple(role for role in Role if PROPOSE_CHANGES in ROLES[role].permissions)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*PROPOSERS)
def propose(request: HttpRequest, code: str, kind: str) -> HttpResponse:
    """Ask for a change of a record; a stale page gets the record as it is now."""
    component = component_get_visible(user=request.user, code=code)
    if kind not in Kind.values:
        raise Http404
    if not may_propose(request.user, component):
        raise DomainError("role_refused", _("You may not do this."), status=403)
    fresh = {"seen_event": last_event_of(component.pk), "key": str(uuid4())}
    form = ChangeForm(request.POST or None, component=component, kind=kind, initial=fresh)
    error, status = None, 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                change_id = send_proposal(request, component, form)
            except DomainError as refused:
                error, status = refusal_for(form, refused), refused.status
                if refused.code == "stale_version":
                    form = ChangeForm(component=component, kind=kind, initial=fresh)
            else:
                messages.success(request, _("Your request waits for a decision."))
                return redirect("components:change", change_id)
    context = {
        "component": component,
        "kind": Kind(kind),
        "icon": CHANGE_ICONS[kind],
        "form": form,
        "error": error,
        "place": {"point": component.point, "cell_code": component.cell.code},
        "picks": "longitude" in form.fields,
    }
    return render(request, "components/propose.html", context, status=status)


def send_proposal(request: HttpRequest, component: Component, form: ChangeForm) -> str:
    """Ask once, however often the form is sent; return the request's id."""
    now, data = clock.now(), form.cleaned_data

    def act() -> tuple[int, str]:
        change = change_ask(
            actor=request.user,
            component_id=component.pk,
            kind=form.kind,
            proposed=form.proposed(),
            reason=data["reason"],
            now=now,
            seen_event=data["seen_event"],
        )
        return 201, str(change.pk)

    _status, change_id, _stored = run_once(
        user=request.user,
        key=data["key"],
        operation=f"page:component-change:{component.code}:{form.kind}",
        body={name: value for name, value in request.POST.items() if name != "csrfmiddlewaretoken"},
        now=now,
        act=act,
    )
    return change_id


def refusal_for(form: ChangeForm, refused: DomainError) -> dict[str, Any]:
    """Return a refusal for the page; what is about a field stands beside it."""
    details = []
    for name, texts in refused.fields.items():
        if name in form.fields:
            form.add_error(name, [str(text) for text in texts])
        else:
            details += [str(text) for text in texts if text != refused.message]
    return {"message": refused.message, "details": details}


@require_safe
@for_roles(*STAFF)
def changes(request: HttpRequest) -> HttpResponse:
    """List the requests about components the reader may see: open ones first asked, or all."""
    visible = ComponentChange.objects.filter(
        component__in=Component.objects.visible_to(request.user)
    )
    shown = request.GET.get("show", "open")
    if shown == "mine":
        visible = visible.filter(asked_by=request.user)
    elif shown != "all":
        visible = visible.filter(state=State.OPEN)
    page = cursor_page(
        request, visible.select_related(*RELATIONS), size=PAGE_SIZE, field="asked_at"
    )
    context = {
        "now": clock.now(),
        "rows": page.rows,
        "pager": page,
        "tabs": [
            (name, label, name == shown)
            for name, label in (("open", _("Open")), ("mine", _("Mine")), ("all", _("All")))
        ],
    }
    return render(request, "components/changes.html", context)


@require_safe
@for_roles(*STAFF)
def change(request: HttpRequest, change_id: int) -> HttpResponse:
    """Show a request: what would change, who asked and why, and who decided."""
    found = change_get_visible(user=request.user, change_id=change_id)
    return change_page(request, found)


def change_page(
    request: HttpRequest, found: ComponentChange, error: Any = None, status: int = 200
) -> HttpResponse:
    """Render a request, with what went wrong."""
    component = component_get_visible(user=request.user, code=found.component.code)
    is_open, is_own = found.state == State.OPEN, found.asked_by_id == request.user.pk
    context = {
        "now": clock.now(),
        "change": found,
        "component": component,
        "state": state_look(component),
        "differences": change_words(found, component),
        "error": error,
        "may_decide": is_open and not is_own and may(request.user.roles, APPROVE_CHANGES),
        "may_withdraw": is_open and is_own,
        "place": {"point": component.point, "cell_code": component.cell.code},
        "points": proposed_points(found),
    }
    return render(request, "components/change.html", context, status=status)


def proposed_points(found: ComponentChange) -> list[dict[str, Any]]:
    """Return the place a point would move to, as a light on the map."""
    geometry = found.proposed.get("geometry") or {}
    if geometry.get("type") != "Point":
        return []
    lon, lat = geometry["coordinates"][:2]
    return [{"lon": lon, "lat": lat, "light": "amber", "label": str(_("proposed place"))}]


DECISIONS: dict[str, Callable[..., ComponentChange]] = {
    "approve": change_approve,
    "refuse": change_refuse,
    "withdraw": change_withdraw,
}


@require_POST
@for_roles(*PROPOSERS)
def decide(request: HttpRequest, change_id: int, decision: str) -> HttpResponse:
    """Approve, refuse or withdraw a request."""
    if decision not in DECISIONS:
        raise Http404
    answer = {} if decision == "withdraw" else {"answer": request.POST.get("answer", "")}
    try:
        done = DECISIONS[decision](
            actor=request.user, change_id=change_id, now=clock.now(), **answer
        )
    except DomainError as refused:
        found = change_get_visible(user=request.user, change_id=change_id)
        return change_page(request, found, {"message": refused.message}, refused.status)
    if done.state == State.LAPSED:
        found = change_get_visible(user=request.user, change_id=change_id)
        message = _("The record changed meanwhile: the request has lapsed, nothing was done.")
        return change_page(request, found, {"message": message}, 409)
    messages.success(request, done.get_state_display())
    return redirect("components:change", change_id)
