"""Plates for whoever keeps the register: give, print, revoke, replace."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import for_roles
from accounts.roles import Role
from common import clock
from common.errors import DomainError
from common.templatetags.ui import named
from components.documents.services import document_make, document_request
from components.models import Document, Plate
from components.plates.forms import PlatesForm, RevokeForm
from components.plates.selectors import (
    NoSuchPlate,
    components_chosen,
    plate_counts,
    plate_get,
    plate_history,
    plates_of,
)
from components.plates.services import plate_replace, plate_revoke, plates_give
from components.plates.sheets import plate_address, size_of
from components.tasks import start_document

AT_ONCE = 120  # so many are printed while the browser waits


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.ADMINISTRATOR)
def plates(request: HttpRequest) -> HttpResponse:
    """Choose components, give plates to them, print their plates; or find a plate by its code."""
    if code := request.GET.get("code", "").strip():
        return redirect("plates:plate", code=plate_get(code).code)
    now = clock.now()
    sent = request.POST or (request.GET if "area" in request.GET else None)
    form = PlatesForm(sent, day=timezone.localdate(now), city_id=request.user.city_id)
    counts, error = None, None
    if form.is_bound and form.is_valid():
        chosen = components_chosen(form.cleaned_data["area"], form.cleaned_data["types"])
        try:
            if request.method == "POST":
                return _act(request, form.cleaned_data, chosen, now)
        except DomainError as refused:
            error = {"message": refused.message}
        counts = plate_counts(chosen)
    context = {"now": now, "form": form, "counts": counts, "error": error}
    return render(request, "components/plates.html", context, status=400 if error else 200)


def _act(request: HttpRequest, data: dict[str, Any], chosen: Any, now: Any) -> HttpResponse:
    if request.POST.get("action") == "give":
        given = plates_give(actor=request.user, components=chosen, now=now)
        text = ngettext("%(count)d plate was given.", "%(count)d plates were given.", given)
        messages.success(request, text % {"count": given})
        return redirect(f"{request.path}?{_query(request)}")
    wanted = plates_of(chosen, only_unprinted=data["only_unprinted"])
    options = {
        "area": data["area"].pk,
        "types": data["types"],
        "only_unprinted": data["only_unprinted"],
        "size": size_of(data).key,
    }
    title = _("%(area)s plates") % {"area": named(data["area"])}
    return print_document(request, title, options, wanted.count(), now)


def print_document(
    request: HttpRequest, title: str, options: dict[str, Any], count: int, now: Any
) -> HttpResponse:
    """Ask for the sheets: few are made at once, many by a worker; then show the documents."""
    plate_address("")  # refuses before anybody waits
    if not count:
        raise DomainError("empty", _("There is no plate to print among these."))
    document = document_request(
        actor=request.user,
        kind=Document.Kind.PLATES,
        title=title,
        options=options,
        language=get_language(),
        now=now,
    )
    if count <= AT_ONCE:
        document_make(document_id=document.pk, now=now)
    else:
        start_document(document)
    return redirect("documents:list")


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.ADMINISTRATOR)
def plate(request: HttpRequest, code: str) -> HttpResponse:
    """Show a plate, its component and all plates that had; revoke or replace it, print it again."""
    found, now = plate_get(code), clock.now()
    if found.component.city_id != request.user.city_id:
        raise NoSuchPlate
    is_ending = request.POST.get("action") in {"revoke", "replace"}
    form = RevokeForm(request.POST if is_ending else None)
    error = None
    if request.method == "POST":
        try:
            answer = _act_on(request, found, form, now)
        except DomainError as refused:
            error, answer = {"message": refused.message}, None
        if answer is not None:
            return answer
    context = {
        "now": now,
        "plate": found,
        "form": form,
        "error": error,
        "history": plate_history(found.component),
    }
    status = 400 if error or form.errors else 200
    return render(request, "components/plate.html", context, status=status)


def _act_on(request: HttpRequest, found: Plate, form: RevokeForm, now: Any) -> HttpResponse | None:
    action = request.POST.get("action")
    if action == "print":
        title = _("Plate %(code)s") % {"code": found}
        options = {"plates": [found.pk], "size": request.POST.get("size", "")}
        return print_document(request, title, options, int(found.is_active), now)
    if not form.is_valid():
        return None
    given = {"actor": request.user, "plate_id": found.pk, "now": now, **form.cleaned_data}
    if action == "replace":
        new = plate_replace(**given)
        messages.success(request, _("Plate %(code)s takes its place.") % {"code": new})
        return redirect("plates:plate", code=new.code)
    plate_revoke(**given)
    messages.success(request, _("The plate is revoked."))
    return redirect("plates:plate", code=found.code)


def _query(request: HttpRequest) -> str:
    query = request.POST.copy()
    for name in ("csrfmiddlewaretoken", "action"):
        query.pop(name, None)
    return query.urlencode()
