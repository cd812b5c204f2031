"""Documents: how far they are, and the file for who asked for it."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from common import clock
from components.documents.selectors import documents_of
from components.models import Document

SHOWN = 50
TYPES = {".pdf": "application/pdf", ".zip": "application/zip"}


@require_safe
def documents(request: HttpRequest) -> HttpResponse:
    """List what the reader asked for; the list alone for a page that looks again."""
    rows = list(documents_of(request.user)[:SHOWN])
    context = {
        "now": clock.now(),
        "documents": rows,
        "is_waiting": any(document.is_unfinished for document in rows),
    }
    template = "components/_documents.html" if request.htmx else "components/documents.html"
    return render(request, template, context)


@require_safe
def document_file(request: HttpRequest, document_id: int) -> HttpResponseBase:
    """Send a document to who asked for it; to all others it does not exist."""
    document = documents_of(request.user).filter(pk=document_id).first()
    if document is None or document.state != Document.State.READY:
        raise Http404
    suffix = Path(document.path).suffix
    if settings.X_ACCEL_PREFIX:
        response: HttpResponseBase = HttpResponse()
        response["X-Accel-Redirect"] = f"{settings.X_ACCEL_PREFIX}{document.path}"
    else:
        try:
            response = FileResponse((Path(settings.MEDIA_ROOT) / document.path).open("rb"))
        except FileNotFoundError as error:
            raise Http404 from error
    response["Content-Type"] = TYPES[suffix]
    name = document.title.replace("/", "-") + suffix
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    patch_cache_control(response, private=True, no_store=True)
    return response
