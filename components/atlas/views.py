"""The atlas's page: choose a community or a street, and let a worker make it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import for_roles
from accounts.roles import Role
from common import clock
from common.errors import DomainError
from common.templatetags.ui import named
from components.atlas.book import title_of
from components.atlas.forms import AtlasForm
from components.documents.services import document_request
from components.models import Document
from components.tasks import start_document
from grid.models import Area


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.ADMINISTRATOR, Role.SHIFT_SUPERVISOR, Role.LEADER, Role.INSPECTOR)
def atlas(request: HttpRequest) -> HttpResponse:
    """Ask which atlas, or have it made and show the reader's documents."""
    now = clock.now()
    initial = {"area": request.GET.get("area", "")}
    whose = {"day": timezone.localdate(now), "city_id": request.user.city_id}
    form = AtlasForm(request.POST or None, **whose, initial=initial)
    error = None
    if form.is_bound and form.is_valid():
        try:
            start_document(document_of(request, form.cleaned_data, now))
        except DomainError as refused:
            error = {"message": refused.message}
        else:
            return redirect("documents:list")
    status = 400 if form.is_bound else 200
    context = {"now": now, "form": form, "error": error}
    return render(request, "components/atlas.html", context, status=status)


def document_of(request: HttpRequest, data: dict[str, Any], now: Any) -> Document:
    """Ask for the atlas that a form describes."""
    area = data["area"]
    if area.level == Area.Level.COMMUNITY:
        title = title_of(area)
    else:
        title = _("Component atlases of %(street)s") % {"street": named(area)}
    return document_request(
        actor=request.user,
        kind=Document.Kind.ATLAS,
        title=title,
        options={"area": area.pk, "paper": data["paper"] or "a3", "scale": data["scale"]},
        language=get_language(),
        now=now,
    )
