"""Exports: ask for a file, see how far it is, fetch it. Only who asked knows of it."""

from __future__ import annotations

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import for_roles
from accounts.roles import EXPORT_REGISTER, ROLES, Role
from common import clock
from common.errors import DomainError
from components.register.exports.services import (
    KEPT_FOR,
    export_get_own,
    export_path,
    export_start,
)
from components.register.exports.subjects import SUBJECTS
from components.register.models import Export, JobState

EXPORTERS = tuple(role for role in Role if EXPORT_REGISTER in ROLES[role].permissions)
SHOWN = 50
CONTENT_TYPES = {
    Export.Format.CSV: "text/csv; charset=utf-8",
    Export.Format.EXCEL: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Export.Format.GEOJSON: "application/geo+json",
    Export.Format.GEOPACKAGE: "application/geopackage+sqlite3",
}


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*EXPORTERS)
def exports(request: HttpRequest) -> HttpResponse:
    """List one's own exports; a POST asks for another."""
    error, status = None, 200
    if request.method == "POST":
        subject = request.POST.get("subject") or "components"
        names = SUBJECTS[subject].parameters() if subject in SUBJECTS else ()
        query = {name: request.POST[name] for name in names if request.POST.get(name)}
        try:
            export_start(
                actor=request.user,
                subject=subject,
                query=query,
                file_format=request.POST.get("format", ""),
                language=get_language() or settings.LANGUAGE_CODE,
                now=clock.now(),
            )
            return redirect("components:exports")
        except DomainError as refused:
            error, status = {"message": refused.message}, refused.status
    rows = Export.objects.filter(asked_by=request.user).order_by("-asked_at")[:SHOWN]
    shown = [export_row(request, row) for row in rows]
    context = {
        "now": clock.now(),
        "rows": shown,
        "error": error,
        "is_busy": any(row["is_busy"] for row in shown),
        "kept_days": KEPT_FOR.days,
    }
    template = "components/_exports.html" if request.htmx else "components/exports.html"
    return render(request, template, context, status=status)


def export_row(request: HttpRequest, export: Export) -> dict:
    """Return an export as the list shows it."""
    subject = SUBJECTS[export.subject]
    try:
        words = subject.words(request.user, export.filter)
    except DomainError:
        words = [("", ", ".join(f"{name}={value}" for name, value in export.filter.items()))]
    share = min(100 * export.row_count // max(export.expected_count, 1), 99)
    return {
        "export": export,
        "subject": subject.label,
        "words": words,
        "is_busy": export.state in (JobState.WAITING, JobState.RUNNING),
        "is_ready": export.state == JobState.DONE,
        "is_failed": export.state == JobState.FAILED,
        "percent": share,
    }


@require_safe
@for_roles(*EXPORTERS)
def export_file(request: HttpRequest, export_id: int) -> HttpResponseBase:
    """Send the file to who asked for it; nginx sends the bytes where it stands in front."""
    export = export_get_own(user=request.user, export_id=export_id)
    if export.state != JobState.DONE:
        raise Http404
    path = export_path(export)
    name = f"{export.subject}-{timezone.localtime(export.asked_at):%Y%m%d-%H%M}.{export.format}"
    if settings.X_ACCEL_PREFIX:
        response: HttpResponseBase = HttpResponse()
        inside = path.relative_to(settings.MEDIA_ROOT)
        response["X-Accel-Redirect"] = f"{settings.X_ACCEL_PREFIX}{inside}"
    else:
        try:
            response = FileResponse(path.open("rb"))
        except FileNotFoundError as error:
            raise Http404 from error
    response["Content-Type"] = CONTENT_TYPES[Export.Format(export.format)]
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response
